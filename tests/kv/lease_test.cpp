#include "kv/lease_rig.hpp"
#include "support/catch.hpp"

#include <zooid/kv/store.hpp>

using namespace zooid;
using namespace zooid::kv;
using namespace std::chrono_literals;

namespace {

time_point at(duration d) {
    return time_point(d);
}

class cell {
  public:
    kv::outcome commit(transaction const& t) {
        bytes reply;
        REQUIRE(store_.apply(slot{++slots_}, encode(t), reply));
        return decode_outcome(reply).value();
    }
    kv::outcome query(transaction const& t) {
        bytes reply;
        store_.query(encode(t), reply);
        return decode_outcome(reply).value();
    }

  private:
    store store_;
    std::uint64_t slots_ = 0;
};

lease_agent agent_of(char const* holder) {
    return lease_agent::make("lease", {holder, 10s}).value();
}

bool is_committed(kv::outcome const& o) {
    return std::holds_alternative<committed>(o);
}

} // namespace

TEST_CASE("no two users hold a lease at once, whatever their clocks, pauses and lost calls do") {
    lease_world all;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        INFO("seed " << seed);
        lease_world const one = contend(seed);
        CHECK(one.overlap == "");
        all.taken += one.taken, all.renewals += one.renewals, all.unknown += one.unknown,
            all.pauses += one.pauses;
    }
    CHECK(all.taken > 300); // it is not the world that keeps them apart
    CHECK(all.renewals > 300);
    CHECK(all.unknown > 300);
    CHECK(all.pauses > 300);
}

TEST_CASE("a holder counts from before it sent, and a renewal counts anew") {
    cell c;
    auto a = agent_of("a");
    CHECK_FALSE(a.holds(at(0s)));
    auto const taken = c.commit(a.attempt(at(1s)));
    REQUIRE(a.ended(taken, at(4s)));
    CHECK(a.holds(at(10'999ms)));
    CHECK_FALSE(a.holds(at(11s)));
    version const first = a.number();
    REQUIRE(a.ended(c.commit(a.attempt(at(9s))), at(9s)));
    CHECK(a.until() == at(19s));
    CHECK(a.number() > first);
}

TEST_CASE("whoever wants to break a lease waits three times its duration from hearing of it, and again after "
          "a renewal") {
    cell c;
    auto a = agent_of("a");
    auto b = agent_of("b");
    REQUIRE(a.ended(c.commit(a.attempt(at(0s))), at(0s)));
    CHECK(b.attempt_at() <= at(100s));
    REQUIRE(b.ended(c.commit(b.attempt(at(100s))), at(105s)));
    CHECK_FALSE(b.holds(at(105s)));
    CHECK(b.other()->terms.holder == "a");
    CHECK(b.attempt_at() == at(135s));
    REQUIRE(a.ended(c.commit(a.attempt(at(5s))), at(5s)));
    REQUIRE(b.observed(c.query(b.observe(at(130s))), at(131s)));
    CHECK(b.attempt_at() == at(161s));
    REQUIRE(b.observed(c.query(b.observe(at(150s))), at(150s))); // unchanged: no reason to begin anew
    CHECK(b.attempt_at() == at(161s));
    REQUIRE(b.ended(c.commit(b.attempt(at(161s))), at(162s)));
    CHECK(b.until() == at(171s));
    auto const late = c.commit(a.attempt(at(16s)));
    CHECK_FALSE(is_committed(late));
    REQUIRE(a.ended(late, at(16s)));
    CHECK_FALSE(a.holds(at(16s)));
}

TEST_CASE("a release frees at once, and only what its holder still has") {
    cell c;
    auto a = agent_of("a");
    auto b = agent_of("b");
    REQUIRE(a.ended(c.commit(a.attempt(at(0s))), at(0s)));
    transaction const free = a.release();
    CHECK_FALSE(a.holds(at(1s)));
    CHECK(is_committed(c.commit(free)));
    REQUIRE(b.ended(c.commit(b.attempt(at(50s))), at(50s)));
    CHECK(b.holds(at(51s)));
    CHECK_FALSE(is_committed(c.commit(free)));
    CHECK(b.holds(at(51s)));
    auto const guarded = b.guard(transaction().put("k", "v"));
    CHECK(is_committed(c.commit(guarded)));
    CHECK_FALSE(is_committed(c.commit(a.guard(transaction().put("k", "w")))));
}

TEST_CASE("an attempt whose end nobody told is found by its name, and worth nothing until the next one") {
    cell c;
    auto a = agent_of("a");
    (void)c.commit(a.attempt(at(0s)));
    a.ended_unknown();
    CHECK_FALSE(a.holds(at(1s)));
    REQUIRE(a.ended(c.commit(a.attempt(at(2s))), at(2s))); // meets its own entry
    CHECK_FALSE(a.holds(at(2s)));
    CHECK(a.attempt_at() <= at(2s));
    REQUIRE(a.ended(c.commit(a.attempt(at(3s))), at(3s)));
    CHECK(a.until() == at(13s));
}

TEST_CASE("a read that is older than what a holder knows changes nothing") {
    cell c;
    auto a = agent_of("a");
    auto const before = c.query(a.observe(at(0s)));
    REQUIRE(a.ended(c.commit(a.attempt(at(0s))), at(0s)));
    REQUIRE(a.observed(before, at(1s)));
    CHECK(a.holds(at(1s)));
}

TEST_CASE("terms out of range and entries that are no lease are refused with a reason") {
    CHECK(lease_agent::make("k", {"", 1s}).error() == errc::invalid_argument);
    CHECK(lease_agent::make("k", {std::string(257, 'h'), 1s}).error() == errc::invalid_argument);
    CHECK(lease_agent::make("k", {"h", 0s}).error() == errc::invalid_argument);
    CHECK(lease_agent::make("k", {"h", 2h}).error() == errc::invalid_argument);
    CHECK(lease_agent::make("k", {"h", 1s}, {0}).error() == errc::invalid_argument);
    CHECK(lease_agent::make(std::string(2000, 'k'), {"h", 1s}).error() == errc::too_large);
    CHECK(lease_of({"k", value("text"), {3}}).error() == errc::malformed);
    CHECK(lease_of({"k", value(true), {3}}).error() == errc::malformed);
    CHECK(lease_of({"k", std::nullopt, {}}).value() == std::nullopt);
    auto const good = std::get<bytes>(encode_lease({"h", 1s}));
    CHECK(lease_of({"k", value(good), {3}}).value()->terms == lease_terms{"h", 1s});
    for (std::size_t n = 0; n < good.size(); ++n)
        CHECK_FALSE(lease_of({"k", value(good.substr(0, n)), {3}}));
    CHECK_FALSE(lease_of({"k", value(good + "x"), {3}}));
}
