// Floors hold continuously: what today, other cells or a careless predecessor broke is seen and mended.
#include "support/catch.hpp"

#include "placement/worlds.hpp"

#include <zooid/placement/solver.hpp>

#include <algorithm>

using namespace worlds;

namespace {

/// Rows of 80 servers, racks of 8 on four power domains in turn; servers 0 and 2 are of colour c0.
topology eight_per_rack(std::uint32_t capacity = 12) {
    return generate(
        {.servers = 480, .servers_per_rack = 8, .racks_per_row = 10, .colours = 2, .capacity = capacity}, 4);
}

/// Two lawful sets of seven servers of colour c0 that share five.
std::vector<server_ref> const members_a{{0}, {8}, {16}, {24}, {32}, {40}, {48}};
std::vector<server_ref> const members_b{{0}, {8}, {16}, {24}, {32}, {56}, {64}};

bool contains(std::vector<server_ref> const& members, server_ref s) {
    return std::find(members.begin(), members.end(), s) != members.end();
}

std::size_t in_common(std::vector<server_ref> const& a, std::vector<server_ref> const& b) {
    return static_cast<std::size_t>(
        std::count_if(a.begin(), a.end(), [&](server_ref m) { return contains(b, m); }));
}

} // namespace

TEST_CASE("a server that holds more than its capacity is relieved by repairs, one cell after the other") {
    auto t = eight_per_rack();
    t.servers[0].capacity = 1;
    auto s = solver::create(t).value();
    std::vector<cell> cells = {{"a", 7, {}, members_a}, {"b", 7, {}, members_b}};
    for (auto const& c : cells) {
        REQUIRE(s->adopt(c));
    }
    auto const moved = s->repair(cells[0]).value();
    REQUIRE_FALSE(moved.refused);
    CHECK(moved.steps.size() == 1);
    CHECK_FALSE(contains(moved.members, {0}));
    CHECK(s->load_of({0}) == 1);
    CHECK_FALSE(s->repair(cells[1]).value().changed);
}

TEST_CASE("cells that share more servers than allowed are moved apart by repair") {
    auto s = solver::create(eight_per_rack(), {.hard = {.overlap_max = 3}}).value();
    std::vector<cell> cells = {{"a", 7, {}, members_a}, {"b", 7, {}, members_b}};
    for (auto const& c : cells) {
        REQUIRE(s->adopt(c));
    }
    auto const moved = s->repair(cells[0]).value();
    REQUIRE_FALSE(moved.refused);
    CHECK(moved.steps.size() == 2);
    CHECK(in_common(moved.members, members_b) == 3);
    CHECK_FALSE(s->repair(cells[1]).value().changed);
}

TEST_CASE("a repair for another reason does not leave a forbidden overlap behind") {
    auto t = eight_per_rack();
    t.servers[0].failed = true;
    auto s = solver::create(t, {.hard = {.overlap_max = 3}}).value();
    std::vector<cell> const cells = {{"a", 7, {}, members_a}, {"b", 7, {}, members_b}};
    for (auto const& c : cells) {
        REQUIRE(s->adopt(c));
    }
    auto const moved = s->repair(cells[0]).value();
    REQUIRE_FALSE(moved.refused);
    CHECK(moved.steps.size() == 2);
    CHECK(in_common(moved.members, members_b) == 3);
}

TEST_CASE("the audit counts cells that break a floor today, whichever floor it is") {
    auto t = eight_per_rack();
    std::vector<cell> const cells = {
        {"a", 7, {}, members_a}, {"b", 7, {}, members_b}, {"unplaced", 7, {}, {}}};
    CHECK(audit(t, cells, {}).floors_violated == 0);
    SECTION("a draining server") {
        t.servers[48].draining = true;
        CHECK(audit(t, cells, {}).floors_violated == 1);
    }
    SECTION("a failed server") {
        t.servers[64].failed = true;
        CHECK(audit(t, cells, {}).floors_violated == 1);
    }
    SECTION("a server beyond its capacity") {
        t.servers[8].capacity = 1;
        CHECK(audit(t, cells, {}).floors_violated == 2);
        CHECK(audit(t, cells, {}).broken[1] ==
              std::vector<std::string>{"2 replicas on server s8, at most 1"});
    }
    SECTION("a rack that is down") {
        CHECK(audit(t, cells, {.down = {{element_kind::rack, 6}}}).floors_violated == 1);
    }
    SECTION("too much in common") {
        CHECK(audit(t, cells, {.hard = {.overlap_max = 5}}).floors_violated == 0);
        CHECK(audit(t, cells, {.hard = {.overlap_max = 4}}).floors_violated == 2);
    }
}

TEST_CASE("the overlaps that the audit counts are those that comparing all pairs finds") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        prng random(seed);
        auto const t = make({.servers_min = 20, .servers = 40, .capacity = 100}, random);
        solver_options o{.hard = {.rack = false, .power = false, .colour = false}};
        auto const most = o.hard.overlap_max.emplace(static_cast<unsigned>(random.below(4)));
        std::vector<cell> cells;
        for (std::uint64_t i = 0; i < 2 + random.below(12); ++i) {
            auto const size = 3 + 2 * static_cast<unsigned>(random.below(3));
            cells.push_back({std::to_string(i), size, {}, draw_distinct(t, size, random)});
        }
        std::size_t wrong = 0;
        for (auto const& a : cells) {
            wrong += std::any_of(cells.begin(), cells.end(), [&](cell const& b) {
                return &a != &b && in_common(a.members, b.members) > most;
            });
        }
        auto roomy = t;
        for (auto& server : roomy.servers) {
            server.capacity = 100;
        }
        INFO("seed " << seed << ", replay: worlds::make of that seed; at most " << most);
        CHECK(audit(roomy, cells, o).floors_violated == wrong);
    }
}

TEST_CASE("what-if counts servers that are down today, and says nothing of cells without members") {
    auto t = eight_per_rack();
    std::vector<cell> const cells = {{"a", 7, {}, members_a}, {"unplaced", 7, {}, {}}};
    CHECK(what_if(t, cells, {}).dead.empty());
    for (std::uint32_t const s : {0u, 8u, 16u}) {
        t.servers[s].failed = true;
    }
    CHECK(what_if(t, cells, {}).lost_margin == std::vector<std::size_t>{0});
    CHECK(what_if(t, cells, {{element_kind::server, 24}}).dead == std::vector<std::size_t>{0});
}

TEST_CASE("a step that mends one floor by breaking another is no lawful step") {
    auto const t = eight_per_rack();
    // Racks 0, 4 and 8 hang on power p0, which feeds four of seven; rack 1 holds three.
    cell const c{"k", 7, {}, {{0}, {8}, {10}, {12}, {32}, {34}, {64}}};
    std::vector<server_ref> const crowded{{8}, {10}, {12}, {14}, {32}, {34}, {64}};
    CHECK(violations(t, c, {}).size() == 1);
    CHECK_FALSE(plan_swaps(t, c, crowded, {}, {}));
    CHECK(check_plan(t, c, crowded, {{{0}, {14}}}, {}, {}).value_or("").find("spread floor") !=
          std::string::npos);
}

TEST_CASE("no plan leads to a server that drains or is down") {
    auto t = eight_per_rack();
    cell const c{"k", 7, {}, members_a};
    REQUIRE(plan_swaps(t, c, members_b, {}, {}));
    CHECK_FALSE(plan_swaps(t, c, members_b, {}, {{element_kind::rack, 8}}));
    t.servers[64].draining = true;
    CHECK_FALSE(plan_swaps(t, c, members_b, {}, {}));
    t.servers[64].draining = false, t.servers[56].failed = true;
    auto const refused = plan_swaps(t, c, members_b, {}, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail().find("s56") != std::string::npos);
}

TEST_CASE("a cell that nothing can harm stays where it is") {
    auto t = generate({.servers = 80, .servers_per_rack = 8, .racks_per_row = 10, .colours = 1}, 1);
    for (auto& server : t.servers) {
        server.rate = 0;
    }
    for (auto& rack : t.racks) {
        rack.rate = rack.link_rate = 0;
    }
    t.rows[0].rate = t.rows[0].link_rate = 0;
    for (auto& power : t.powers) {
        power.rate = 0;
    }
    auto s = solver::create(t).value();
    cell const c{"k", 7, {{{3}, 1}}, members_a};
    REQUIRE(s->adopt(c));
    auto const a = s->improve({&c, 1}).value()[0];
    CHECK_FALSE(a.changed);
    CHECK(a.steps.empty());
}

TEST_CASE("an explanation never says only 1 times as likely, and knows what an overlap limit forbids") {
    auto t = generate({.servers = 80, .servers_per_rack = 8, .racks_per_row = 10, .colours = 1}, 1);
    for (std::size_t i = 0; i < t.servers.size(); ++i) {
        t.servers[i].rate = 1e-3 * (1 - 1e-6 * static_cast<double>(i));
    }
    auto s = solver::create(t, {.hard = {.overlap_max = 3}}).value();
    cell const c{"k", 7, {{{3}, 1}}, members_a};
    cell const neighbour{"n", 7, {}, {{1}, {9}, {16}, {24}, {32}, {65}, {73}}};
    REQUIRE(s->adopt(c));
    REQUIRE(s->adopt(neighbour));
    auto const e = s->explain(c, 1000);
    CHECK(std::count(e.binding.begin(), e.binding.end(), "3 of 7 shared with another cell") == 1);
    bool forbidden = false, percent = false;
    for (auto const& r : e.rejected) {
        INFO(r.why);
        CHECK(r.why.find("only 1 times") == std::string::npos);
        CHECK(r.why.find("1 times as likely") != 0);
        forbidden = forbidden || r.why.find("would share 4 of 7 with another cell") != std::string::npos;
        percent = percent || r.why.find("% ") != std::string::npos;
    }
    CHECK(forbidden);
    CHECK(percent);
}

TEST_CASE("a cell is not moved to where it is easier to reach but sooner lost") {
    topology t;
    t.rows = {{"w", 0, 0}};
    t.racks = {{"a", {0}, 0, 0}, {"b", {0}, 0, 0.1}};
    t.powers = {{"p", 0}};
    t.colours = {"red", "blue"};
    // The anchor is of another colour; beside it stands a server that fails ten times as often as the member.
    t.servers = {{"anchor", {0}, {{0}}, {1}, 5, false, false, 0.001},
                 {"near", {0}, {{0}}, {0}, 5, false, false, 0.01},
                 {"far", {1}, {{0}}, {0}, 5, false, false, 0.001}};
    cell const c{"k", 1, {{{0}, 1}}, {{2}}};
    auto const moves = [&] {
        auto s = solver::create(t).value();
        REQUIRE(s->adopt(c));
        return s->improve({&c, 1}).value()[0].changed;
    };
    CHECK_FALSE(moves());
    t.servers[1].rate = 0.001;
    CHECK(moves());
}
