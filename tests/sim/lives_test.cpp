// Whole lives under faults, for fixed seeds: all of them end well, and together they reach every rare point.
#include "support/catch.hpp"

#include <zooid/sim/life.hpp>

#include <cstdlib>

using namespace zooid;
using namespace std::chrono_literals;

namespace {

std::uint64_t seeds_wanted() {
    char const* const asked = std::getenv("ZOOID_SEEDS");
    return asked ? std::strtoull(asked, nullptr, 10) : 25;
}

sim::life_report live_well(std::uint64_t seed, std::string const& profile) {
    auto report = sim::live({seed, profile, {}});
    INFO("replay: zooid-sim --seed " << seed << " --profile " << profile);
    for (auto const& failure : report.failures)
        FAIL_CHECK(failure);
    return report;
}

// Points that take a version above ours, an unreadable value at a proposer, or a log trimmed under phase 1.
bool is_beyond_few_seeds(sometimes point) {
    return point == sometimes::phase_one_found_trimmed_log || point == sometimes::session_table_full ||
           point == sometimes::unreadable_value_reported;
}

} // namespace

TEST_CASE("every fixed seed ends well under every kind of fault, and together they reach each rare point",
          "[slow]") {
    std::uint64_t const seeds = seeds_wanted();
    sometimes_set reached;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed)
        reached |= live_well(seed, "everything").marks;
    for (std::size_t m = 0; seeds >= 500 && m < sometimes_count; ++m) {
        INFO("never reached: " << name_of(static_cast<sometimes>(m)));
        CHECK((reached.test(m) || is_beyond_few_seeds(static_cast<sometimes>(m))));
    }
}

TEST_CASE("every profile has a seed that ends well") {
    for (auto const profile : sim::profile_names())
        (void)live_well(3, std::string(profile));
}

TEST_CASE("the same seed gives the same hash of all effects, traced or not, and another seed another one") {
    auto const once = sim::live({11, "everything", {}});
    auto const traced = sim::live({11, "everything", [](std::string const&) {}});
    auto const other = sim::live({12, "everything", {}});
    CHECK(once.hash == traced.hash);
    CHECK(once.hash != other.hash);
}

TEST_CASE("a colony that loses power everywhere at once loses no acknowledged write") {
    sim::world w({.seed = 5});
    auto const cell = w.found_cell(7);
    REQUIRE(std::holds_alternative<kv::committed>(w.commit(cell, kv::transaction().put("k", "v"))));
    for (std::uint64_t s = 1; s <= 9; ++s)
        w.cut_power(server_id{s});
    for (std::uint64_t s = 1; s <= 9; ++s)
        w.start(server_id{s});
    auto const found = w.strict_read(cell, kv::transaction().read("k"));
    REQUIRE(std::holds_alternative<kv::committed>(found));
    CHECK(std::get<kv::committed>(found).find("k")->content == kv::value("v"));
    CHECK(w.failures().empty());
}

TEST_CASE("a disk that went back in time is found out, and its replicas stop") {
    sim::world w({.seed = 6});
    auto const cell = w.found_cell(7);
    server_id const victim = w.members(cell)[2];
    REQUIRE(std::holds_alternative<kv::committed>(w.commit(cell, kv::transaction().put("k", "1"))));
    w.keep_backup(victim);
    w.run_for(2s);
    REQUIRE(std::holds_alternative<kv::committed>(w.commit(cell, kv::transaction().put("k", "2"))));
    w.run_for(2s);
    w.restore_backup(victim);
    w.start(victim);
    w.run_for(2s);
    CHECK(w.marks().test(static_cast<std::size_t>(sometimes::rolled_back_journal_refused)));
    CHECK(w.failures().empty());
}
