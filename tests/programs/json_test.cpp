#include "support/catch.hpp"

#include "support/address.hpp"
#include "support/transaction_json.hpp"
#include "support/value_json.hpp"

#include <boost/json/serialize.hpp>

using namespace support;
using namespace zooid;

namespace {

std::string wrong(std::string const& text) {
    auto const node = parse_strict(text, "in");
    if (!node) return std::string(node.error().detail());
    auto const t = transaction_of(node.value(), "in");
    return t ? "nothing" : std::string(t.error().detail());
}

} // namespace

TEST_CASE("a transaction's JSON keeps every type") {
    auto const node = parse_strict(R"({"if":[{"equal":"g","value":{"int":"7"}},{"absent":"a"},{"exists":"e"},
        {"compare":"n","is":"<=","value":-5},{"unchanged":"u","since":12}],
        "then":[{"put":"t","value":{"text":"b"}},{"put":{"bytes":"AP8="},"value":{"bytes":"AP8="}},
        {"put":"b","value":true},{"add":"n","value":{"int":"36893488147419103232"}},{"erase":"x"},
        {"read":"r"},{"scan":""}]})",
                                   "in");
    REQUIRE(node);
    auto const t = transaction_of(node.value(), "in");
    INFO((t ? "" : t.error().message()));
    REQUIRE(t);
    kv::transaction expected;
    bytes const raw("\0\xFF", 2);
    expected.require_equal("g", kv::integer(7)).require_absent("a").require_exists("e");
    expected.require_compare("n", kv::comparison::less_equal, kv::integer(-5)).require_unchanged("u", {12});
    expected.put("t", bytes("b")).put(raw, raw).put("b", true);
    expected.add("n", *kv::integer::parse("36893488147419103232")).erase("x").read("r").scan("");
    CHECK(t.value() == expected);
}

TEST_CASE("what is wrong with a transaction is told with line, column and path") {
    struct row {
        char const* text;
        char const* said;
    };
    row const rows[] = {
        {"{", "in:1:2: at $: this is no JSON"},
        {"{} x", "in:1:4: at $: this is no JSON: extra data"},
        {"{\"then\":[]}\n}", "in:2:1: at $: this is no JSON: extra data"},
        {"{\"then\":[{\"add\":\"n\",\"value\":9007199254740993}]}",
         "in:1:29: at $.then[0].value: 9007199254740993"},
        {"{\"then\":[{\"add\":\"n\",\"value\":1.5}]}", "at $.then[0].value: 1.5"},
        {"{\"then\":[{\"add\":\"n\",\"value\":1e3}]}", "at $.then[0].value: 1e3"},
        {"{\n \"then\": [\n  {\"put\": \"k\", \"value\": true, \"value\": false}]}",
         "in:3:31: at $.then[0].value: \"value\" is given twice"},
        {"{\"then\":[],\n\"els\":[]}", "in:2:7: at $.els: \"els\" is not a field"},
        {"{\"then\":[{\"put\":\"k\"}]}", "at $.then[0]: \"value\" is missing"},
        {"{\"then\":[{\"put\":\"k\",\"value\":\"bare\"}]}", "at $.then[0].value: a value is"},
        {"{\"then\":[{\"put\":\"k\",\"value\":{\"text\":5}}]}",
         "at $.then[0].value.text: a string is expected"},
        {"{\"then\":[{\"put\":\"k\",\"value\":{\"bytes\":\"A\"}}]}", "base64"},
        {"{\"then\":[{\"put\":\"k\",\"value\":{\"int\":\"007\"}}]}", "at $.then[0].value.int: not a decimal"},
        {"{\"then\":[{\"put\":\"k\",\"value\":{\"int\":\"1\",\"text\":\"\"}}]}", "\"text\" is not a field"},
        {"{\"if\":[{\"compare\":\"n\",\"is\":\"==\",\"value\":1}]}", "at $.if[0].is: one of these"},
        {"{\"if\":{}}", "at $.if: an array is expected"},
        {"{\"if\":[{}]}", "at $.if[0]: one of these is expected: equal"},
        {"[]", "at $: an object is expected"},
        {"{} {}", "this is no JSON"},
        {"{\"a\":\"\xff\"}", "this is no JSON"},
    };
    for (row const& r : rows) {
        INFO(r.text << "\n" << wrong(r.text));
        CHECK(wrong(r.text).find(r.said) != std::string::npos);
    }
    std::string const long_key(1025, 'k');
    CHECK(wrong("{\"then\":[{\"read\":\"" + long_key + "\"}]}").find("1025") != std::string::npos);
    CHECK(wrong(std::string(1000, '[')).find("no JSON") != std::string::npos);
}

TEST_CASE("values shown as JSON read back as the same values") {
    bytes every;
    for (int c = 0; c < 256; ++c)
        every += static_cast<char>(c);
    kv::value const values[] = {
        true,    false,          kv::integer(0),     *kv::integer::parse("-123456789012345678901234567890"),
        bytes(), bytes("plain"), bytes("quo\"te\\"), bytes("\n"),
        every};
    for (kv::value const& v : values) {
        std::string const text = boost::json::serialize(json_of(v));
        INFO(text);
        auto const node = parse_strict(text, "in");
        REQUIRE(node);
        CHECK(value_of(node.value(), "in").value() == v);
    }
    for (std::size_t n = 0; n < 40; ++n)
        CHECK(from_base64(to_base64(every.substr(n, n))) == every.substr(n, n));
    for (char const* bad : {"A", "AA", "AAA", "AB==", "AA=A", "====", "A===", "AAAA=AAA", "AA A"})
        CHECK_FALSE(from_base64(bad));
}

TEST_CASE("what a failed condition met is shown, also under the empty key") {
    kv::rejected r;
    r.met = {{}, kv::value(true), {3}};
    CHECK(boost::json::serialize(json_of(kv::outcome(r)).at("met")) ==
          R"({"key":"","version":3,"value":true})");
    r.why = kv::rejection::state_too_large; // met nothing in particular
    CHECK_FALSE(json_of(kv::outcome(r)).contains("met"));
}

TEST_CASE("addresses are a host and a port, and nothing else") {
    CHECK(parse_address("127.0.0.1:0")->host == "127.0.0.1");
    CHECK(parse_address("[::1]:7001")->host == "::1");
    CHECK(parse_address("[::1]:7001")->port == 7001);
    CHECK(to_string(*parse_address("[::1]:7001")) == "[::1]:7001");
    for (char const* bad :
         {"", ":1", "host", "host:", "host:x", "host:65536", "host:-1", "::1:7001", "host:1 "})
        CHECK_FALSE(parse_address(bad));
}
