// Whole lives under faults, for fixed seeds: all of them end well, and together they meet every fault and
// reach every rare point.
#include "support/catch.hpp"

#include "sim/chaos.hpp"

#include <zooid/sim/life.hpp>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <thread>

using namespace zooid;
using namespace std::chrono_literals;

namespace {

/// With so many, each fault and each rare point must be among them.
constexpr std::uint64_t seeds_that_reach_everything = 500;

std::uint64_t seeds_wanted() {
    char const* const asked = std::getenv("ZOOID_SEEDS");
    if (!asked) return 25;
    INFO("ZOOID_SEEDS=" << asked);
    char const* const end = asked + std::strlen(asked);
    std::uint64_t seeds = 0;
    auto const [read_to, wrong] = std::from_chars(asked, end, seeds);
    REQUIRE((wrong == std::errc{} && read_to == end));
    REQUIRE(seeds > 0); // else nothing is lived, and all is well
    return seeds;
}

void expect_well(std::uint64_t seed, std::string const& profile, sim::life_report const& report) {
    INFO("replay: zooid-sim --seed " << seed << " --profile " << profile);
    for (auto const& failure : report.failures)
        FAIL_CHECK(failure);
}

/// Worlds share nothing, so lives can be lived side by side.
std::vector<sim::life_report> live_all(std::uint64_t seeds, std::string const& profile) {
    std::vector<sim::life_report> reports(seeds);
    std::atomic<std::uint64_t> next{0};
    auto const work = [&] {
        for (std::uint64_t i = next++; i < seeds; i = next++)
            reports[i] = sim::live({i + 1, profile, {}, {}});
    };
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
        workers.emplace_back(work);
    for (std::thread& worker : workers)
        worker.join();
    return reports;
}

struct reached_together {
    sometimes_set marks;
    std::array<std::uint64_t, sim::fault_count> faults{};
    sim::disk_mishaps disks;

    void add(sim::life_report const& report) {
        marks |= report.marks;
        disks += report.statistics.disks;
        for (std::size_t f = 0; f < sim::fault_count; ++f)
            faults[f] += report.faults[f];
    }
};

} // namespace

TEST_CASE("every fixed seed ends well, and together they meet every fault and reach each rare point",
          "[slow]") {
    std::uint64_t const seeds = seeds_wanted();
    auto const reports = live_all(seeds, "everything");
    reached_together all;
    for (std::uint64_t i = 0; i < seeds; ++i) {
        expect_well(i + 1, "everything", reports[i]);
        all.add(reports[i]);
    }
    if (seeds < seeds_that_reach_everything) return;
    for (std::size_t m = 0; m < sometimes_count; ++m) {
        INFO("never reached: " << name_of(static_cast<sometimes>(m)));
        CHECK(all.marks.test(m));
    }
    for (std::size_t f = 0; f < sim::fault_count; ++f) {
        INFO("never injected: " << sim::name_of(static_cast<sim::fault>(f)));
        CHECK(all.faults[f] > 0);
    }
    CHECK(all.disks.sectors_lost > 0);
    CHECK(all.disks.sectors_landed > 0);
    CHECK(all.disks.writes_misdirected > 0);
    CHECK(all.disks.flushes_failed > 0);
    CHECK(all.disks.creations_refused > 0);
    CHECK(all.disks.bits_flipped > 0);
}

TEST_CASE("every profile has a seed that ends well") {
    for (auto const profile : sim::profile_names())
        expect_well(3, std::string(profile), sim::live({3, std::string(profile), {}, {}}));
}

TEST_CASE("the same seed gives the same hash of all effects, traced or not, and another seed another one") {
    auto const once = sim::live({11, "everything", {}, {}});
    auto const traced = sim::live({11, "everything", [](std::string const&) {}, {}});
    auto const other = sim::live({12, "everything", {}, {}});
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

TEST_CASE("disks that are healed answer within seconds, however slow a step was that had begun") {
    sim::world w(
        {.seed = 12, .servers = 7, .disk = {.flush_min = 8ms, .flush_max = 8ms, .outlier_per_mille = 1000}});
    auto const cell = w.found_cell(7);
    for (std::uint64_t s = 1; s <= 7; ++s)
        w.slow_disk(server_id{s}, 200);
    (void)w.commit(cell, kv::transaction().put("k", "1"), 1s);
    for (std::uint64_t s = 1; s <= 7; ++s)
        w.heal_disk(server_id{s});
    CHECK(std::holds_alternative<kv::committed>(w.commit(cell, kv::transaction().put("k", "2"), 5s)));
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

TEST_CASE("an image from before the disk was wiped is refused by those who heard of the old journal") {
    sim::world w({.seed = 8});
    auto const cell = w.found_cell(7);
    server_id const victim = w.members(cell)[2];
    REQUIRE(std::holds_alternative<kv::committed>(w.commit(cell, kv::transaction().put("k", "1"))));
    w.keep_backup(victim);
    REQUIRE(std::holds_alternative<kv::committed>(w.commit(cell, kv::transaction().put("k", "2"))));
    w.run_for(2s);
    w.wipe(victim);
    w.start(victim);
    w.run_for(2s);
    w.restore_backup(victim);
    w.start(victim);
    w.run_for(2s);
    CHECK(w.is_running(victim));
    CHECK(w.marks().test(static_cast<std::size_t>(sometimes::rolled_back_journal_refused)));
    CHECK(w.failures().empty());
}

TEST_CASE("a server that stops politely hands its leadership over before anybody misses it") {
    sim::world w({.seed = 9});
    auto const cell = w.found_cell(7);
    REQUIRE(std::holds_alternative<kv::committed>(w.commit(cell, kv::transaction().put("k", "1"))));
    server_id const leads = w.leader(cell);
    w.stop(leads);
    w.run_for(300ms); // nobody would be suspected so soon
    CHECK(w.leader(cell) != leads);
    CHECK(w.leader(cell) != server_id{});
    w.kill(leads);
    REQUIRE(std::holds_alternative<kv::committed>(w.commit(cell, kv::transaction().put("k", "2"))));
    CHECK(w.failures().empty());
}

// A server that goes on for ever as one that is about to stop takes no part, and is told nothing.
TEST_CASE("healing ends what was under way: no server is left stopping, or down") {
    sim::world w({.seed = 11});
    (void)w.found_cell(7);
    sim::chaos chaos(w, {sim::fault::polite_stop}, 9, 1, 1);
    chaos.reign(10ms, 4);
    std::uint64_t stopping = 0;
    for (std::uint64_t s = 1; s <= 9; ++s)
        stopping += w.is_stopping(server_id{s}) ? 1 : 0;
    CHECK(stopping > 0);
    chaos.heal({});
    for (std::uint64_t s = 1; s <= 9; ++s) {
        CHECK(w.is_running(server_id{s}));
        CHECK_FALSE(w.is_stopping(server_id{s}));
    }
}

// An answer to a copy of the opening came when the request was already on its way, and was taken for its
// reply.
TEST_CASE("callers whose every request is repeated before its answer comes tell the answers apart") {
    sim::world w({.seed = 10, .network = {.delay_min = 50ms, .delay_max = 400ms}});
    auto const cell = w.found_cell(7);
    for (int i = 0; i < 8; ++i)
        w.add_client(cell, {.work = sim::workload_kind::counter, .patience = 20s});
    w.run_for(40s);
    CHECK(w.commits(cell) > 8);
    CHECK(w.failures().empty());
}
