#include "support/catch.hpp"

#include "kv/generate.hpp"
#include "kv/transaction_size.hpp"

#include <zooid/base/limits.hpp>
#include <zooid/kv/outcome.hpp>
#include <zooid/kv/store.hpp>

using namespace zooid;
using kv::transaction;

namespace {

std::string refusal(transaction const& t) {
    auto const valid = t.validate();
    return valid ? "" : valid.error().message();
}

} // namespace

TEST_CASE("a builder on a temporary and one on a name build the same transaction") {
    transaction const chained =
        transaction().require_equal("generation", 7).put("primary", "b").add("generation", 1).scan("");
    transaction named;
    named.require_equal("generation", 7);
    named.put("primary", "b").add("generation", 1).scan("");
    CHECK(chained == named);
    CHECK(chained.conditions().size() == 1);
    CHECK(std::get<kv::put>(chained.operations()[0]).content == kv::value(bytes("b")));
}

TEST_CASE("a literal text is bytes and not a boolean") {
    auto const t = transaction().put("k", "text").put("k", true).put("k", 3);
    CHECK(std::holds_alternative<bytes>(std::get<kv::put>(t.operations()[0]).content));
    CHECK(std::holds_alternative<bool>(std::get<kv::put>(t.operations()[1]).content));
    CHECK(std::holds_alternative<kv::integer>(std::get<kv::put>(t.operations()[2]).content));
}

TEST_CASE("only reads and scans make a transaction read-only") {
    CHECK(transaction().require_exists("a").read("a").scan("").read_only());
    CHECK_FALSE(transaction().read("a").put("a", 1).read_only());
    CHECK_FALSE(transaction().erase("a").read_only());
    CHECK_FALSE(transaction().add("a", 0).read_only());
}

TEST_CASE("what is over a limit is named, with its place and the limit") {
    bytes const long_key(limits::key_bytes_max + 1, 'k');
    bytes const long_value(limits::value_bytes_max + 1, 'v');
    CHECK(refusal(transaction().put("a", 1).read(long_key)) ==
          "too_large: operation 1: key of 1025 bytes, at most 1024");
    CHECK(refusal(transaction().scan(long_key)) == "too_large: operation 0: key of 1025 bytes, at most 1024");
    CHECK(refusal(transaction().require_absent(long_key)) ==
          "too_large: condition 0: key of 1025 bytes, at most 1024");
    CHECK(refusal(transaction().put("a", long_value)) ==
          "too_large: operation 0: value of 65537 bytes, at most 65536");
    CHECK(refusal(transaction().require_exists("a").require_equal("a", long_value)) ==
          "too_large: condition 1: value of 65537 bytes, at most 65536");
    transaction many;
    for (int i = 0; i < 64; ++i)
        many.require_absent("a").read("a");
    CHECK(refusal(many).empty());
    CHECK(refusal(many.read("a")) == "too_large: transaction: 129 conditions and operations, at most 128");
    transaction wide;
    for (int i = 0; i < 4; ++i)
        wide.put("a", bytes(limits::value_bytes_max, 'v'));
    CHECK(refusal(wide) == "too_large: transaction: 262194 bytes, at most 262144");
}

TEST_CASE("what is at its limit is not over it") {
    transaction const t = transaction()
                              .put(bytes(limits::key_bytes_max, 'k'), bytes(limits::value_bytes_max, 'v'))
                              .require_absent("");
    CHECK(t.validate());
    CHECK(kv::decode_transaction(kv::encode(t)).value() == t);
}

TEST_CASE("a transaction is read back as it was written, and its size was known") {
    std::uint64_t const seed = kv::test::seed_of_run(2);
    INFO(kv::test::replay_hint(seed));
    kv::test::generator random(seed);
    for (int i = 0; i < 2000; ++i) {
        transaction const t = random.any_transaction();
        bytes const command = kv::encode(t);
        auto const back = kv::decode_transaction(command);
        REQUIRE(back);
        CHECK(back.value() == t);
        CHECK(kv::encoded_size(t) == command.size());
    }
}

TEST_CASE("every proper prefix of a command, and a command with a byte more, is refused") {
    kv::test::generator random(3);
    for (int i = 0; i < 50; ++i) {
        bytes const command = kv::encode(random.any_transaction());
        for (std::size_t cut = 0; cut < command.size(); ++cut)
            REQUIRE_FALSE(kv::decode_transaction(bytes_view(command).substr(0, cut)));
        CHECK_FALSE(kv::decode_transaction(command + '\0'));
    }
}

TEST_CASE("a flipped bit gives an error or another command that encodes to exactly those bytes") {
    kv::test::generator random(4);
    for (int i = 0; i < 100; ++i) {
        bytes command = kv::encode(random.any_transaction());
        for (std::size_t bit = 0; bit < std::min<std::size_t>(command.size(), 120) * 8; ++bit) {
            command[bit / 8] = static_cast<char>(command[bit / 8] ^ (1 << bit % 8));
            auto const read = kv::decode_transaction(command);
            if (read) REQUIRE(kv::encode(read.value()) == command); // one encoding for each transaction
            command[bit / 8] = static_cast<char>(command[bit / 8] ^ (1 << bit % 8));
        }
    }
}

TEST_CASE("an unknown kind or version is told apart from malformed bytes") {
    bytes command = kv::encode(transaction().read("a"));
    command[1] = 2;
    CHECK(kv::decode_transaction(command).error() == errc::unsupported_version);
    CHECK(kv::admit(command).error() == errc::unsupported_version);
    command[1] = 1, command[0] = 99;
    CHECK(kv::decode_transaction(command).error() == errc::unsupported_version);
    CHECK(kv::decode_transaction("").error() == errc::malformed);
    CHECK(kv::decode_transaction("\1").error() == errc::malformed);
}

TEST_CASE("a count that claims more than its bytes hold allocates nothing for it") {
    using std::string_literals::operator""s;
    CHECK(kv::decode_transaction("\1\1\xff\xff\xff\xff"s).error() == errc::too_large);
    CHECK(kv::decode_outcome("\3\1\0\0\0\0\0\0\0\0\1\0\0\0\0\0\xff\xff\xff\xff"s).error() == errc::malformed);
}

TEST_CASE("an outcome is read back as it was written, and no part of it is") {
    kv::committed const done{{9}, {{0, {{"a", kv::value(5), {3}}, {"b", std::nullopt, {}}}}, {2, {}}}};
    kv::rejected const refused{kv::rejection::not_an_integer, 3, {"k", kv::value("x"), {2}}, {8}};
    for (kv::outcome const& o :
         {kv::outcome(done), kv::outcome(refused), kv::outcome(kv::committed{{1}, {}})}) {
        bytes reply;
        kv::encode(o, reply);
        CHECK(kv::decode_outcome(reply).value() == o);
        for (std::size_t cut = 0; cut < reply.size(); ++cut)
            CHECK_FALSE(kv::decode_outcome(bytes_view(reply).substr(0, cut)));
        for (std::size_t bit = 0; bit < reply.size() * 8; ++bit) {
            bytes flipped = reply;
            flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
            bytes again;
            if (auto const read = kv::decode_outcome(flipped)) {
                kv::encode(read.value(), again);
                CHECK(again == flipped);
            }
        }
    }
    CHECK(done.find("a")->content == kv::value(5));
    CHECK(done.find("z") == nullptr);
}
