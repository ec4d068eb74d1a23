// Repairs, drains, improvements and plans: lawful at every step, never worse, checked by the sceptic.
#include "support/catch.hpp"
#include "support/sanitised.hpp"

#include "placement/worlds.hpp"

#include <zooid/placement/solver.hpp>

#include <algorithm>
#include <iostream>

using namespace worlds;
using test_support::in_full;

namespace {

topology tidy() {
    return generate(
        {.servers = 480, .servers_per_rack = 8, .racks_per_row = 10, .colours = 2, .capacity = 12}, 4);
}

std::vector<cell> placed(solver& s, std::uint32_t count) {
    auto cells = generate_cells(s.world(), count, {}, 6);
    for (auto& c : cells) {
        auto const a = s.place(c).value();
        REQUIRE_FALSE(a.refused);
        c.members = a.members;
    }
    return cells;
}

} // namespace

TEST_CASE("a repair replaces exactly the failed member, and its plan passes the independent checker") {
    auto t = tidy();
    auto s = solver::create(t).value();
    auto const cells = placed(*s, 300);
    for (std::size_t i = 0; i < t.servers.size(); i += 17) {
        t.servers[i].failed = true;
    }
    auto after = solver::create(t).value();
    for (auto const& c : cells) {
        REQUIRE(after->adopt(c));
    }
    int repaired = 0;
    for (auto const& c : cells) {
        auto const a = after->repair(c).value();
        auto const hurt = static_cast<std::size_t>(std::count_if(
            c.members.begin(), c.members.end(), [&](server_ref m) { return t.servers[m.value].failed; }));
        INFO(c.key);
        REQUIRE_FALSE(a.refused);
        REQUIRE(a.steps.size() == hurt);
        REQUIRE(a.changed == (hurt > 0));
        cell now = c;
        now.members = a.members;
        REQUIRE(violations(t, now, {}).empty());
        REQUIRE(check_plan(t, c, a.members, a.steps, {}, {}) == std::nullopt);
        repaired += a.changed;
    }
    CHECK(repaired > 50);
}

TEST_CASE("a cell without a live majority is left to emergency recovery") {
    auto t = tidy();
    auto s = solver::create(t).value();
    auto const c = placed(*s, 1)[0];
    for (int i = 0; i < 4; ++i) {
        t.servers[c.members[static_cast<std::size_t>(i)].value].failed = true;
    }
    auto after = solver::create(t).value();
    REQUIRE(after->adopt(c));
    auto const a = after->repair(c).value();
    REQUIRE(a.refused);
    CHECK(a.members == c.members);
    CHECK(a.refused->reason.find("emergency") != std::string::npos);
}

TEST_CASE("a repair also mends floors that were broken before, with as few moves as they need") {
    auto const t = tidy();
    // Four in rack r0, which holds servers 0 to 7; colour c0 is even.
    cell const c{"k", 7, {{{0}, 1}}, {{0}, {2}, {4}, {6}, {8}, {16}, {24}}};
    REQUIRE(!violations(t, c, {}).empty());
    auto s = solver::create(t).value();
    REQUIRE(s->adopt(c));
    auto const a = s->repair(c).value();
    REQUIRE_FALSE(a.refused);
    cell now = c;
    now.members = a.members;
    CHECK(violations(t, now, {}).empty());
    CHECK(a.steps.size() == 1);
    CHECK(check_plan(t, c, a.members, a.steps, {}, {}) == std::nullopt);
}

TEST_CASE("draining empties a server and keeps every floor") {
    auto s = solver::create(tidy()).value();
    auto cells = placed(*s, 300);
    std::vector<server_ref> const drained = {{0}, {1}, {100}, {257}};
    for (auto d : drained) {
        REQUIRE(s->drain(d));
    }
    for (auto& c : cells) {
        auto const a = s->repair(c).value();
        REQUIRE_FALSE(a.refused);
        REQUIRE(check_plan(s->world(), c, a.members, a.steps, {}, {}) == std::nullopt);
        c.members = a.members;
    }
    for (auto d : drained) {
        CHECK(s->load_of(d) == 0);
    }
    CHECK(audit(s->world(), cells, {}).floors_violated == 0);
}

TEST_CASE("improving makes no cell worse in any score and stays within the churn budget") {
    auto s = solver::create(tidy(), {.churn_max = 150}).value();
    auto cells = generate_cells(s->world(), 200, {}, 8);
    prng random(3);
    for (auto& c : cells) {
        // Lawful but careless: placed for somebody else.
        cell elsewhere = generate_cells(s->world(), 1, {}, random.next())[0];
        elsewhere.key = c.key;
        c.members = s->place(elsewhere).value().members;
    }
    auto const answers = s->improve(cells).value();
    std::size_t moves = 0, gained = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        auto const before = score_of(s->world(), cells[i]);
        cell now = cells[i];
        now.members = answers[i].members;
        auto const after = score_of(s->world(), now);
        INFO(cells[i].key);
        REQUIRE(after.unavailable <= before.unavailable * (1 + 1e-8));
        REQUIRE(after.weighted <= before.weighted * (1 + 1e-8));
        REQUIRE(after.not_durable <= before.not_durable * (1 + 1e-8));
        REQUIRE(violations(s->world(), now, {}).empty());
        REQUIRE(check_plan(s->world(), cells[i], now.members, answers[i].steps, {}, {}) == std::nullopt);
        moves += answers[i].steps.size();
        gained += answers[i].changed;
    }
    CHECK(moves <= 150);
    CHECK(gained > 20);
}

TEST_CASE("a cell whose anchors moved to another row follows them, one lawful swap after the other") {
    auto s = solver::create(tidy()).value();
    // Rows of 80 servers; the volume's three servers move from row 0 to row 3.
    cell c{"k", 7, {{{0}, 1}, {{8}, 0.5}, {{16}, 0.25}}, {}};
    c.members = s->place(c).value().members;
    c.anchors = {{{240}, 1}, {{248}, 0.5}, {{256}, 0.25}};
    auto const before = score_of(s->world(), c);
    auto const moved = s->improve({&c, 1}).value();
    REQUIRE(moved[0].changed);
    CHECK(moved[0].steps.size() == 7);
    CHECK(check_plan(s->world(), c, moved[0].members, moved[0].steps, {}, {}) == std::nullopt);
    auto const fresh = solver::create(tidy()).value()->place({"k", 7, c.anchors, {}}).value();
    CHECK(moved[0].unavailable <= fresh.unavailable * (1 + 1e-9));
    CHECK(moved[0].unavailable < before.unavailable / 1000);
    cell const after{"k", 7, c.anchors, moved[0].members};
    CHECK_FALSE(s->improve({&after, 1}).value()[0].changed);
}

TEST_CASE("a cell is never carried into another colour, whose servers do not talk to its own") {
    auto t = tidy();
    auto s = solver::create(t).value();
    auto const c = placed(*s, 1)[0];
    auto const colour = t.servers[c.members[0].value].colour;
    for (auto& server : t.servers) {
        server.failed = server.colour == colour;
    }
    for (auto const m : c.members) {
        t.servers[m.value].failed = m == c.members[0];
    }
    auto after = solver::create(t).value();
    REQUIRE(after->adopt(c));
    auto const a = after->repair(c).value();
    REQUIRE(a.refused);
    CHECK(a.members == c.members);
    server_ref const other{c.members[1].value ^ 1};
    REQUIRE(t.servers[other.value].colour != colour);
    auto target = c.members;
    target[0] = other;
    std::sort(target.begin(), target.end());
    CHECK(check_plan(t, c, target, {{c.members[0], other}}, {}, {}).value_or("").find("one colour") !=
          std::string::npos);
}

TEST_CASE(
    "a server that fails or drains while the solver lives is left, and used again once it takes replicas") {
    for (auto const state : {server_state::failed, server_state::draining}) {
        auto s = solver::create(tidy(), {.seed = 3}).value();
        auto const cells = placed(*s, 100);
        auto const hit = cells[0].members[0];
        auto const uses_it = [&](answer const& a) {
            return std::find(a.members.begin(), a.members.end(), hit) != a.members.end();
        };
        // An anchor's own server is up whenever it counts, so the optimum contains it.
        cell const own{"own", 7, {{hit, 1}}, {}};
        REQUIRE(s->mark(hit, state));
        auto const away = s->place(own).value();
        CHECK_FALSE(uses_it(away));
        s->forget({"own", 7, {}, away.members});
        auto const repaired = s->repair(cells[0]).value();
        CHECK(repaired.steps.size() == 1);
        CHECK_FALSE(uses_it(repaired));
        REQUIRE(s->mark(hit, server_state::taking));
        CHECK(uses_it(s->place(own).value()));
    }
}

TEST_CASE("how far a plan is carried out is read off the members, and a stranger's change voids it") {
    plan const p{{{3}, {9}}, {{5}, {1}}};
    std::vector<server_ref> const from{{3}, {5}, {7}};
    CHECK(steps_done(from, p, from) == 0u);
    CHECK(steps_done(from, p, {{5}, {7}, {9}}) == 1u);
    CHECK(steps_done(from, p, {{1}, {7}, {9}}) == 2u);
    CHECK(steps_done(from, p, {{1}, {3}, {7}}) == std::nullopt);
}

TEST_CASE("the checker finds what is wrong with a plan") {
    auto t = tidy();
    cell const c{"k", 7, {}, {{0}, {2}, {4}, {8}, {16}, {24}, {32}}};
    auto const target = [](server_ref in) {
        std::vector<server_ref> m{{0}, {2}, {4}, {8}, {16}, {24}, in};
        std::sort(m.begin(), m.end());
        return m;
    };
    CHECK(check_plan(t, c, target({40}), {{{32}, {40}}}, {}, {}) == std::nullopt);
    CHECK(check_plan(t, c, target({6}), {{{32}, {6}}}, {}, {}).value_or("").find("spread") !=
          std::string::npos);
    CHECK(check_plan(t, c, target({40}), {{{33}, {40}}}, {}, {}).value_or("").find("no member") !=
          std::string::npos);
    CHECK(check_plan(t, c, target({40}), {}, {}, {}).value_or("").find("does not end") != std::string::npos);
    failures const cut{{element_kind::server, 0},
                       {element_kind::server, 2},
                       {element_kind::rack, 1},
                       {element_kind::rack, 2}};
    CHECK(check_plan(t, c, target({40}), {{{32}, {40}}}, {}, cut).value_or("").find("live majority") !=
          std::string::npos);
    t.servers[40].draining = true;
    CHECK(check_plan(t, c, target({40}), {{{32}, {40}}}, {}, {}).value_or("").find("draining") !=
          std::string::npos);
}

TEST_CASE("every plan that the planner finds passes the checker, and dead members leave first") {
    int found = 0, none = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        prng random(seed);
        auto t = make({.racks = 10, .powers = 5, .servers_min = 16, .servers = 24, .feeds = 2}, random);
        for (auto& s : t.servers) {
            s.failed = random.chance(1, 10);
        }
        cell const c{"k", 5, {}, draw_distinct(t, 5, random)};
        auto target = draw_distinct(t, 5, random);
        std::erase_if(target, [&](server_ref m) { return t.servers[m.value].failed; });
        if (target.size() != 5) continue;
        failures const down{
            {element_kind::rack_link, static_cast<std::uint32_t>(random.below(t.racks.size()))}};
        auto const p = plan_swaps(t, c, target, {}, down);
        INFO("seed " << seed);
        if (!p) {
            ++none;
            continue;
        }
        ++found;
        REQUIRE(check_plan(t, c, target, p.value(), {}, down) == std::nullopt);
    }
    CHECK(found > 50);
    CHECK(none > 10);
}

TEST_CASE("the same seed and calls give the same answers") {
    auto const run = [] {
        auto s = solver::create(tidy(), {.seed = 9}).value();
        return placed(*s, 100);
    };
    CHECK(run() == run());
}

TEST_CASE("with an overlap limit no two cells share more, and the bound on their number is told") {
    auto const t = generate({.servers = 20,
                             .servers_per_rack = 2,
                             .racks_per_row = 10,
                             .powers = 5,
                             .colours = 1,
                             .capacity = 1000},
                            1);
    solver_options const o{.hard = {.overlap_max = 3}};
    auto s = solver::create(t, o).value();
    CHECK(cells_max(9, 7, 3) == 3);
    CHECK(cells_max(20, 7, 3) == 138);
    std::vector<cell> cells;
    std::optional<infeasibility> refused;
    for (int i = 0; i < 139 && !refused; ++i) {
        cell c{"k" + std::to_string(i), 7, {}, {}};
        auto const a = s->place(c).value();
        refused = a.refused;
        c.members = a.members;
        if (!refused) cells.push_back(c);
    }
    CHECK(largest_overlap(cells).servers <= 3);
    CHECK(cells.size() >= 8);
    REQUIRE(refused);
    REQUIRE(!refused->conflict.empty());
    CHECK(refused->conflict[0] == constraint::overlap);
    CHECK(refused->reason.find("138") != std::string::npos);
    WARN(
        cells.size() << " cells of 7 placed on 20 servers with at most 3 in common; no more than 138 can be");
}

TEST_CASE("the largest overlap is what comparing all pairs finds") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        prng random(seed);
        auto const t = make({.servers_min = 30, .servers = 60}, random);
        std::vector<cell> cells;
        for (std::uint64_t i = 0; i < 2 + random.below(12); ++i) {
            auto const size = 3 + 2 * static_cast<unsigned>(random.below(3));
            cells.push_back({std::to_string(i), size, {}, draw_distinct(t, size, random)});
        }
        unsigned most = 0;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            for (std::size_t k = 0; k < i; ++k) {
                std::vector<server_ref> both;
                std::set_intersection(cells[i].members.begin(), cells[i].members.end(),
                                      cells[k].members.begin(), cells[k].members.end(),
                                      std::back_inserter(both));
                most = std::max(most, static_cast<unsigned>(both.size()));
            }
        }
        INFO("seed " << seed);
        CHECK(largest_overlap(cells).servers == most);
    }
}

namespace {

struct demands {
    bool distinct = true, capacity = true, draining = true, colour = true, rack = true, power = true;
};

/// Whether some multiset of servers meets the demands: plain search, no flows.
bool possible(topology const& t, unsigned size, demands const& d, std::vector<std::uint32_t>& chosen,
              std::uint32_t from) {
    if (chosen.size() == size) return true;
    auto const limit = spread_limit_of(size);
    for (auto i = from; i < t.servers.size(); ++i) {
        auto const& s = t.servers[i];
        if (d.draining && s.draining) continue;
        unsigned rack = 0, power = 0, copies = 0;
        bool colours = true;
        for (auto c : chosen) {
            auto const& other = t.servers[c];
            rack += other.rack == s.rack, copies += c == i;
            power += s.power.size() == 1 && other.power == s.power;
            colours = colours && other.colour == s.colour;
        }
        if ((d.rack && rack >= limit) || (d.power && s.power.size() == 1 && power >= limit)) continue;
        if ((d.colour && !colours) || (d.capacity && copies >= s.capacity)) continue;
        chosen.push_back(i);
        if (possible(t, size, d, chosen, d.distinct ? i + 1 : i)) return true;
        chosen.pop_back();
    }
    return false;
}

bool possible(topology const& t, unsigned size, demands const& d) {
    std::vector<std::uint32_t> chosen;
    return possible(t, size, d, chosen, 0);
}

demands only(std::vector<constraint> const& in_force) {
    auto const has = [&](constraint c) {
        return std::find(in_force.begin(), in_force.end(), c) != in_force.end();
    };
    return {has(constraint::distinct_servers), has(constraint::capacity),    has(constraint::not_draining),
            has(constraint::one_colour),       has(constraint::rack_spread), has(constraint::power_spread)};
}

} // namespace

TEST_CASE("every conflict set is a conflict, and minimal: without any one demand the others can be met") {
    int refusals = 0;
    std::size_t largest = 0;
    for (std::uint64_t seed = 1; seed <= in_full(10'000u, 1'000u); ++seed) {
        prng random(seed);
        auto const t = make({.racks = 5,
                             .powers = 3,
                             .colours = 2,
                             .servers_min = 3,
                             .servers = 11,
                             .feeds = 2,
                             .capacity = 2,
                             .draining_percent = 15},
                            random);
        auto const size = static_cast<unsigned>(3 + 2 * random.below(3));
        auto s = solver::create(t).value();
        auto const a = s->place({"k", size, {}, {}}).value();
        if (!a.refused) continue;
        ++refusals;
        auto const& conflict = a.refused->conflict;
        INFO("seed " << seed << ", size " << size);
        REQUIRE(!conflict.empty());
        REQUIRE_FALSE(possible(t, size, only(conflict)));
        for (auto const c : conflict) {
            auto fewer = conflict;
            std::erase(fewer, c);
            INFO(name_of(c));
            REQUIRE(possible(t, size, only(fewer)));
        }
        CHECK(!a.refused->cheapest.text.empty());
        largest = std::max(largest, conflict.size());
    }
    std::cout << "conflict sets found minimal: " << refusals << ", the largest of " << largest
              << " demands\n";
    CHECK(refusals > in_full(1000, 100));
    CHECK(largest >= 3);
}

TEST_CASE("what-if tells the dead from the hurt and from those whose anchors are gone") {
    auto const t = generate({.servers = 400, .servers_per_rack = 10, .racks_per_row = 10, .colours = 1}, 1);
    // Rows of 100 servers; racks of 10.
    std::vector<server_ref> const in_row0{{0}, {10}, {20}, {30}, {40}, {50}, {60}};
    std::vector<cell> const cells = {
        {"inside", 7, {{{5}, 1}}, in_row0},
        {"outside", 7, {{{205}, 1}}, in_row0},
        {"hurt", 7, {{{205}, 1}}, {{0}, {100}, {110}, {120}, {200}, {210}, {220}}},
        {"apart", 7, {{{5}, 1}, {{205}, 1}}, in_row0}};
    auto const b = what_if(t, cells, {{element_kind::row_link, 0}});
    CHECK(b.dead == std::vector<std::size_t>{1});
    CHECK(b.lost_margin == std::vector<std::size_t>{2});
    CHECK(b.anchors_gone == std::vector<std::size_t>{3});
}

TEST_CASE("an explanation names binding floors, better but unlawful alternatives, and the likeliest cut") {
    auto const t = generate({.servers = 160, .servers_per_rack = 8, .racks_per_row = 10, .colours = 1}, 1);
    auto s = solver::create(t).value();
    cell c{"k", 7, {{{0}, 1}}, {}};
    c.members = s->place(c).value().members;
    auto const e = s->explain(c);
    CHECK(!e.binding.empty());
    REQUIRE(!e.rejected.empty());
    CHECK(e.rejected[0].why.find("would hold 4 of 7") != std::string::npos);
    REQUIRE(!e.cuts.empty());
    CHECK(e.cuts[0].elements.size() == 1);
    CHECK(to_line(t, c, e).find('\n') == std::string::npos);
}
