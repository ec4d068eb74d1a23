// The table of outcomes in lib/kv/README.md, row by row.
#include "support/catch.hpp"

#include <zooid/base/limits.hpp>
#include <zooid/kv/store.hpp>

using namespace zooid;
using kv::comparison;
using kv::integer;
using kv::rejection;
using kv::transaction;
using kv::value;

namespace {

kv::committed must_commit(kv::store& s, transaction t) {
    REQUIRE(t.validate());
    auto const o = s.run(std::move(t));
    REQUIRE(std::holds_alternative<kv::committed>(o));
    return std::get<kv::committed>(o);
}

/// Runs it, and holds that nothing at all has changed.
kv::rejected must_reject(kv::store& s, transaction t) {
    REQUIRE(t.validate());
    kv::store const before = s;
    digest const digest_before = s.state_digest();
    auto const o = s.run(std::move(t));
    REQUIRE(std::holds_alternative<kv::rejected>(o));
    CHECK(s == before);
    CHECK(s.state_digest() == digest_before);
    CHECK(s.state_bytes() == before.state_bytes());
    CHECK(std::get<kv::rejected>(o).version == s.version());
    return std::get<kv::rejected>(o);
}

/// "n" is 5 since version 1, "b" bytes since 2, "t" true since 3, "z" is absent.
kv::store sample() {
    kv::store s;
    must_commit(s, transaction().put("n", 5));
    must_commit(s, transaction().put("b", "text"));
    must_commit(s, transaction().put("t", true));
    return s;
}

bool holds(kv::condition c) {
    kv::store s = sample();
    auto const o = s.run(transaction().require(std::move(c)));
    return std::holds_alternative<kv::committed>(o);
}

value largest() {
    integer n = 1;
    while (auto twice = sum(n, n))
        n = *twice;
    return *sum(n, *sum(n, -1));
}

} // namespace

TEST_CASE("equals holds for the same type and content only") {
    CHECK(holds(kv::equals{"n", 5}));
    CHECK_FALSE(holds(kv::equals{"n", 6}));
    CHECK_FALSE(holds(kv::equals{"n", "5"}));
    CHECK_FALSE(holds(kv::equals{"t", 1}));
    CHECK(holds(kv::equals{"t", true}));
    CHECK_FALSE(holds(kv::equals{"t", false}));
    CHECK(holds(kv::equals{"b", "text"}));
    CHECK_FALSE(holds(kv::equals{"z", ""}));
    CHECK_FALSE(holds(kv::equals{"z", false}));
}

TEST_CASE("absent and exists are opposites") {
    CHECK(holds(kv::absent{"z"}));
    CHECK_FALSE(holds(kv::absent{"n"}));
    CHECK(holds(kv::exists{"t"}));
    CHECK_FALSE(holds(kv::exists{"z"}));
}

TEST_CASE("a comparison is false unless the key holds an integer") {
    for (auto how : {comparison::less, comparison::less_equal, comparison::greater, comparison::greater_equal,
                     comparison::not_equal}) {
        CHECK_FALSE(holds(kv::compares{"z", how, 7}));
        CHECK_FALSE(holds(kv::compares{"b", how, 7}));
        CHECK_FALSE(holds(kv::compares{"t", how, 7}));
    }
    auto three = [](comparison how) {
        return std::array{holds(kv::compares{"n", how, 4}), holds(kv::compares{"n", how, 5}),
                          holds(kv::compares{"n", how, 6})};
    };
    CHECK(three(comparison::less) == std::array{false, false, true});
    CHECK(three(comparison::less_equal) == std::array{false, true, true});
    CHECK(three(comparison::greater) == std::array{true, false, false});
    CHECK(three(comparison::greater_equal) == std::array{true, true, false});
    CHECK(three(comparison::not_equal) == std::array{true, false, true});
}

TEST_CASE("unchanged holds for exactly the version of the last write, 0 for an absent key") {
    CHECK(holds(kv::unchanged{"b", {2}}));
    CHECK_FALSE(holds(kv::unchanged{"b", {1}}));
    CHECK_FALSE(holds(kv::unchanged{"b", {3}}));
    CHECK(holds(kv::unchanged{"z", {0}}));
    CHECK_FALSE(holds(kv::unchanged{"z", {2}}));
}

TEST_CASE("a key that was erased and put again is not unchanged") {
    kv::store s = sample();
    must_commit(s, transaction().erase("b").put("b", "text"));
    CHECK(must_reject(s, transaction().require_unchanged("b", {2})).met.version == version{4});
}

TEST_CASE("the first condition that fails is reported with what it met") {
    kv::store s = sample();
    auto const r = must_reject(
        s, transaction().require_equal("n", 5).require_equal("b", "other").require_absent("t").put("n", 6));
    CHECK(r.why == rejection::condition_failed);
    CHECK(r.index == 1);
    CHECK(r.met == kv::observation{"b", value("text"), {2}});
    CHECK(must_reject(s, transaction().require_exists("z")).met == kv::observation{"z", std::nullopt, {}});
}

TEST_CASE("conditions meet the state before the transaction, operations what those before them left") {
    kv::store s = sample();
    auto const done = must_commit(s, transaction()
                                         .require_equal("n", 5)
                                         .read("n")
                                         .put("n", 6)
                                         .require_equal("n", 5)
                                         .read("n")
                                         .erase("n")
                                         .read("n"));
    REQUIRE(done.results.size() == 3);
    CHECK(done.version == version{4});
    CHECK(done.results[0] == kv::operation_result{0, {{"n", value(5), {1}}}});
    CHECK(done.results[1] == kv::operation_result{2, {{"n", value(6), {4}}}});
    CHECK(done.results[2] == kv::operation_result{4, {{"n", std::nullopt, {}}}});
}

TEST_CASE("put replaces a value of any type, and an equal value gets a new version") {
    kv::store s = sample();
    auto const done = must_commit(s, transaction().put("n", "now bytes").put("t", true).read("n").read("t"));
    CHECK(done.results[0].entries[0] == kv::observation{"n", value("now bytes"), {4}});
    CHECK(done.results[1].entries[0] == kv::observation{"t", value(true), {4}});
}

TEST_CASE("erase of nothing commits and changes nothing but the count") {
    kv::store s = sample();
    CHECK(must_commit(s, transaction().erase("z")).version == version{4});
    CHECK(s.size() == 3);
}

TEST_CASE("an empty transaction commits and counts") {
    kv::store s = sample();
    CHECK(must_commit(s, transaction()) == kv::committed{{4}, {}});
    CHECK(s.version() == version{4});
}

TEST_CASE("a read-only transaction through the log counts, and as a query does not") {
    kv::store s = sample();
    CHECK(must_commit(s, transaction().read("n")).version == version{4});
    CHECK(std::get<kv::committed>(s.ask(transaction().read("n"))).version == version{4});
    CHECK(s.version() == version{4});
}

TEST_CASE("add to an absent key starts from 0") {
    kv::store s = sample();
    auto const done = must_commit(s, transaction().add("z", -3));
    CHECK(done.results == std::vector{kv::operation_result{0, {{"z", value(-3), {4}}}}});
    CHECK(must_commit(s, transaction().add("new", 0)).results[0].entries[0].content == value(0));
}

TEST_CASE("add to an integer stores and reports the sum") {
    kv::store s = sample();
    CHECK(must_commit(s, transaction().add("n", 7).add("n", -20)).results[1].entries[0].content == value(-8));
}

TEST_CASE("add to bytes or a boolean rejects the whole transaction") {
    kv::store s = sample();
    auto const bytes_met = must_reject(s, transaction().put("n", 9).erase("t").put("q", 1).add("b", 1));
    CHECK(bytes_met == kv::rejected{rejection::not_an_integer, 3, {"b", value("text"), {2}}, {3}});
    CHECK(must_reject(s, transaction().add("t", 1)).why == rejection::not_an_integer);
}

TEST_CASE("add after a put in the same transaction meets what was put") {
    kv::store s = sample();
    auto const r = must_reject(s, transaction().put("n", "x").add("n", 1));
    CHECK(r.why == rejection::not_an_integer);
    CHECK(r.met.content == value("x"));
    CHECK(must_commit(s, transaction().put("b", 1).add("b", 1)).find("b")->content == value(2));
}

TEST_CASE("a sum beyond 4096 bits rejects the whole transaction, in both directions") {
    kv::store s = sample();
    must_commit(s, transaction().put("n", largest()));
    auto const r = must_reject(s, transaction().put("b", 1).add("n", 1));
    CHECK(r == kv::rejected{rejection::integer_too_large, 1, {"n", largest(), {4}}, {4}});
    must_commit(s, transaction().put("n", std::get<integer>(largest()).negated()));
    CHECK(must_reject(s, transaction().add("n", -1)).why == rejection::integer_too_large);
    must_commit(s, transaction().add("n", 1));
}

TEST_CASE("a scan finds the keys of its prefix in byte order, and may find none") {
    kv::store s;
    must_commit(s, transaction().put("b\xff", 1).put("b", 2).put("a", 3).put("b\x01", 4).put("c", 5));
    auto const done = must_commit(s, transaction().scan("b").scan("x").scan(""));
    std::vector<bytes> found;
    for (auto const& e : done.results[0].entries)
        found.push_back(e.key);
    CHECK(found == std::vector<bytes>{"b", "b\x01", "b\xff"});
    CHECK(done.results[1].entries.empty());
    CHECK(done.results[2].entries.size() == 5);
}

TEST_CASE("a scan of a full cell fits, and what would leave it over 1 MiB is rejected") {
    kv::store s;
    bytes const large(limits::value_bytes_max, 'v');
    for (char c = 'a'; c < 'a' + 15; ++c)
        must_commit(s, transaction().put(bytes(1, c), large));
    auto const r = must_reject(s, transaction().put("y", large).put("z", 1));
    CHECK(r == kv::rejected{rejection::state_too_large, 0, {}, {15}});
    CHECK(must_commit(s, transaction().scan("")).results[0].entries.size() == 15);
    // what is erased in the same transaction makes room, wherever it stands
    must_commit(s, transaction().put("y", large).put("z", 1).erase("a"));
    CHECK(s.state_bytes() <= limits::cell_state_bytes_max);
}

TEST_CASE("results beyond 2 MiB reject the transaction, also as a query") {
    kv::store s;
    for (char c = 'a'; c < 'a' + 15; ++c)
        must_commit(s, transaction().put(bytes(1, c), bytes(limits::value_bytes_max, 'v')));
    auto const twice = transaction().scan("").scan("").scan("");
    auto const r = must_reject(s, twice);
    CHECK(r == kv::rejected{rejection::result_too_large, 2, {}, {15}});
    CHECK(s.ask(twice) == kv::outcome(r));
}

TEST_CASE("a query that would write is refused") {
    kv::store const s = sample();
    CHECK(s.ask(transaction().read("n").erase("z")) ==
          kv::outcome(kv::rejected{rejection::not_read_only, 1, {}, {3}}));
    CHECK(std::get<kv::rejected>(s.ask(transaction().require_absent("n").read("n"))).met.content == value(5));
}

TEST_CASE("a malformed or oversized command that reached the log is answered and changes nothing") {
    kv::store s = sample();
    auto applied = [&](bytes_view command) {
        bytes reply;
        digest const before = s.state_digest();
        REQUIRE(s.apply({1}, command, reply));
        CHECK(s.state_digest() == before);
        return std::get<kv::rejected>(kv::decode_outcome(reply).value()).why;
    };
    CHECK(applied("") == rejection::malformed);
    CHECK(applied("\1") == rejection::malformed);
    CHECK(applied(kv::encode(transaction().read("a")) + "x") == rejection::malformed);
    CHECK(applied(kv::encode(transaction().read(bytes(2000, 'k')))) == rejection::over_limit);
}

TEST_CASE("a command of a newer version stops the replica and touches neither state nor reply") {
    kv::store s = sample();
    digest const before = s.state_digest();
    bytes command = kv::encode(transaction().put("n", 6));
    command[1] = 2;
    bytes reply = "as it was";
    CHECK_FALSE(s.apply({1}, command, reply));
    CHECK(reply == "as it was");
    CHECK(s.state_digest() == before);
    bytes answer;
    s.query(command, answer);
    CHECK(std::get<kv::rejected>(kv::decode_outcome(answer).value()).why == rejection::malformed);
}
