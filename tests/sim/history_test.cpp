#include "support/catch.hpp"

#include "sim/base64.hpp"
#include "sim/generate_history.hpp"

#include <zooid/sim/history.hpp>

using namespace zooid;
using sim::call;
using sim::history;

namespace {

call sample() {
    call c;
    c.client = {0xa1};
    c.cell = "volume-17";
    c.asked = kv::transaction()
                  .require_equal("generation", 7)
                  .require_compare("n", kv::comparison::less_equal, -9)
                  .put("primary", "b")
                  .read("k\xff");
    c.invoked_ns = 1000;
    c.responded_ns = 5000;
    c.ended = kv::committed{{8}, {{1, {{"k\xff", std::nullopt, {}}}}}};
    return c;
}

std::string problem(std::string const& line) {
    auto const read = sim::parse_json_line(line);
    return read ? "" : std::string(read.error().detail());
}

std::string replaced(std::string text, std::string const& what, std::string const& by) {
    auto const at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

} // namespace

TEST_CASE("a call is written as the documented line") {
    CHECK(sim::to_json_line(sample()) ==
          R"({"client":"00000000000000a1","cell":"volume-17","call":"transaction","invoked_ns":1000,)"
          R"("responded_ns":5000,"if":[{"equals":{"key":"generation","value":{"int":"7"}}},)"
          R"({"compares":{"key":"n","how":"<=","value":{"int":"-9"}}}],)"
          R"("do":[{"put":{"key":"primary","value":{"text":"b"}}},{"read":{"key":{"bytes":"a/8="}}}],)"
          R"("outcome":"committed","version":8,)"
          R"("results":[{"operation":1,"entries":[{"key":{"bytes":"a/8="},"value":null,"version":0}]}]})");
}

TEST_CASE("every kind of condition, operation, value and ending is read back") {
    std::uint64_t const seed = kv::test::seed_of_run(1);
    INFO(kv::test::replay_hint(seed));
    kv::test::generator random(seed);
    kv::store cell;
    history h;
    for (int i = 0; i < 800; ++i) {
        call c = sample();
        c.asked = random.any_transaction();
        auto o = cell.run(c.asked);
        std::visit([&](auto& known) { c.ended = known; }, o);
        if (i % 7 == 0) c.ended = sim::failed{};
        if (i % 7 == 1) c.ended = sim::unknown{}, c.responded_ns = 0;
        if (c.asked.read_only() && i % 2 == 0) c.kind = sim::call_kind::strict_read;
        h.push_back(c);
    }
    auto const back = sim::parse_json_lines(sim::to_json_lines(h));
    REQUIRE(back);
    CHECK(back.value() == h);
}

TEST_CASE("what is wrong in a line is named") {
    std::string const good = sim::to_json_line(sample());
    CHECK(problem(good).empty());
    CHECK(problem(replaced(good, "\"cell\"", "\"call_\"")) == "cell: missing");
    CHECK(problem(replaced(good, "\"volume-17\"", "17")) == "cell: not a string");
    CHECK(problem(replaced(good, "00000000000000a1", "a1")) == "client: not 16 hexadecimal digits");
    CHECK(problem(replaced(good, "1000", "-1")) == "invoked_ns: not a number from 0 to 2^53");
    CHECK(problem(replaced(good, "1000", "1e3")) == "invoked_ns: not a number from 0 to 2^53");
    CHECK(problem(replaced(good, "5000", "999")) == "responded_ns: before invoked_ns");
    CHECK(problem(replaced(good, "\"version\":8", "\"version\":9007199254740993")) ==
          "version: not a number from 0 to 2^53");
    CHECK(problem(replaced(good, "\"7\"", "\"07\"")) == "int: not a decimal within 4096 bits");
    CHECK(problem(replaced(good, "\"7\"", "7")) == "int: not a string");
    CHECK(problem(replaced(good, "a/8=", "a/8")) == "key: not base64");
    CHECK(problem(replaced(good, "<=", "=<")) == "unknown comparison =<");
    CHECK(problem(replaced(good, "\"put\"", "\"set\"")) == "unknown operation set");
    CHECK(problem(replaced(good, "\"committed\"", "\"fine\"")) == "unknown outcome fine");
    CHECK(problem(replaced(good, "\"committed\"", "\"unknown\"")) ==
          "responded_ns: not null, but the outcome is unknown");
    CHECK(problem(replaced(good, "\"transaction\"", "\"strict_read\"")) ==
          "do: a strict read that would write");
    CHECK(problem(replaced(good, "{\"client\"", "{\"extra\":1,\"client\"")) == "line: unknown fields");
    CHECK(problem("[]") == "line: not an object");
    CHECK(problem(good.substr(0, 50)).starts_with("not JSON: "));
}

TEST_CASE("an error in a file names its line") {
    std::string const good = sim::to_json_line(sample());
    CHECK(sim::parse_json_lines(good + "\n\n" + good + "\n").value().size() == 2);
    CHECK(sim::parse_json_lines(good + "\n\n{}\n").error().detail() == "line 3: client: missing");
    CHECK(sim::parse_json_lines("").value().empty());
}

TEST_CASE("no prefix of a line and no changed byte crashes the reader") {
    std::string const good = sim::to_json_line(sample());
    for (std::size_t cut = 0; cut < good.size(); ++cut)
        CHECK_FALSE(sim::parse_json_line(good.substr(0, cut)));
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (char const c : {'"', '{', '0', '\x80', '\0', 'x'}) {
            std::string changed = good;
            changed[i] = c;
            (void)sim::parse_json_line(changed);
        }
    }
}

TEST_CASE("base64 is the one of RFC 4648, and has one text for each content") {
    CHECK(sim::to_base64("") == "");
    CHECK(sim::to_base64("f") == "Zg==");
    CHECK(sim::to_base64("fo") == "Zm8=");
    CHECK(sim::to_base64("foobar") == "Zm9vYmFy");
    prng random(1);
    for (int i = 0; i < 300; ++i) {
        bytes content(random.below(20), '\0');
        for (char& c : content)
            c = static_cast<char>(random.below(256));
        CHECK(sim::from_base64(sim::to_base64(content)) == content);
    }
    for (char const* text : {"Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "Zm8=\n", "=", "==", "====", "Z g="})
        CHECK_FALSE(sim::from_base64(text));
}
