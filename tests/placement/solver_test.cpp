// The solver against the oracle: floors always, infeasibility exactly, availability closely.
#include "support/catch.hpp"
#include "support/sanitised.hpp"

#include "placement/worlds.hpp"

#include <zooid/placement/solver.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

using namespace worlds;
using test_support::in_full;

namespace {

/// Counts by a reading of the floors that shares nothing with the library.
bool floors_hold(topology const& t, std::vector<server_ref> const& members, unsigned size, floors const& f) {
    if (members.size() != size || std::set(members.begin(), members.end()).size() != size) return false;
    std::map<std::uint32_t, unsigned> racks, rows, powers;
    std::set<std::uint32_t> colours;
    for (auto m : members) {
        auto const& s = t.servers[m.value];
        if (s.draining || s.failed) return false;
        ++racks[s.rack.value], ++rows[t.row_of(m).value];
        if (s.power.size() == 1) ++powers[s.power[0].value];
        colours.insert(s.colour.value);
    }
    auto const limit = size == 1 ? 1 : (size - 1) / 2;
    auto const fits = [&](auto const& counts) {
        return std::all_of(counts.begin(), counts.end(), [&](auto const& c) { return c.second <= limit; });
    };
    return (!f.rack || fits(racks)) && (!f.row || fits(rows)) && (!f.power || fits(powers)) &&
           (!f.colour || colours.size() == 1);
}

floors drawn_floors(prng& random) {
    floors f;
    f.row = random.chance(1, 5);
    f.colour = random.chance(4, 5);
    return f;
}

unsigned shared(cell const& a, std::vector<server_ref> const& members) {
    std::vector<server_ref> both;
    std::set_intersection(a.members.begin(), a.members.end(), members.begin(), members.end(),
                          std::back_inserter(both));
    return static_cast<unsigned>(both.size());
}

/// Every set of servers in turn: is one lawful that has room and shares little enough with each placed cell?
bool some_set_is_lawful(topology const& t, unsigned size, floors const& f,
                        std::vector<std::uint32_t> const& loads, std::vector<cell> const& placed) {
    std::vector<char> chosen(t.servers.size());
    std::fill(chosen.begin(), chosen.begin() + std::min<std::ptrdiff_t>(size, std::ssize(chosen)), 1);
    do {
        std::vector<server_ref> members;
        for (std::uint32_t i = 0; i < chosen.size(); ++i) {
            if (chosen[i] && loads[i] < t.servers[i].capacity) members.push_back({i});
        }
        bool const apart = std::all_of(placed.begin(), placed.end(),
                                       [&](cell const& c) { return shared(c, members) <= *f.overlap_max; });
        if (apart && floors_hold(t, members, size, f)) return true;
    } while (std::prev_permutation(chosen.begin(), chosen.end()));
    return false;
}

int instances(int few) {
    auto const* many = std::getenv("ZOOID_PLACEMENT_INSTANCES");
    return many ? std::atoi(many) : few;
}

} // namespace

TEST_CASE("no floor is violated over ten thousand random worlds, and what is refused is impossible") {
    int placed = 0, refused = 0;
    for (std::uint64_t seed = 1; seed <= in_full(10'000u, 1'000u); ++seed) {
        prng random(seed);
        auto const t = make({.racks = 7,
                             .powers = 5,
                             .colours = 2,
                             .servers_min = 3,
                             .servers = 16,
                             .feeds = 2,
                             .capacity = 2,
                             .draining_percent = 10,
                             .failed_percent = seed % 4 == 0 ? 10u : 0u},
                            random);
        auto const f = drawn_floors(random);
        auto const size = static_cast<unsigned>(1 + 2 * random.below(4));
        auto s = solver::create(t, {.seed = seed, .hard = f}).value();
        std::vector<std::uint32_t> loads(t.servers.size());
        INFO("seed " << seed << ", size " << size);
        for (int i = 0; i < 3; ++i) {
            cell const c{"k" + std::to_string(i), size, draw_anchors(t, 3, random), {}};
            auto const a = s->place(c).value();
            if (a.refused) {
                ++refused;
                REQUIRE(a.members.empty());
                REQUIRE(!a.refused->conflict.empty());
                REQUIRE_FALSE(find_optimum(t, c, f, objective::joint, loads));
                continue;
            }
            ++placed;
            REQUIRE(floors_hold(t, a.members, size, f));
            for (auto m : a.members) {
                REQUIRE(++loads[m.value] <= t.servers[m.value].capacity);
            }
        }
    }
    INFO(placed << " placed, " << refused << " refused");
    CHECK(placed > in_full(5000, 500));
    CHECK(refused > in_full(1000, 100));
}

TEST_CASE(
    "with an overlap limit, in random worlds with failed servers, cells keep apart and refusals are right") {
    int placed = 0, refused = 0;
    for (std::uint64_t seed = 1; seed <= in_full(500u, 100u); ++seed) {
        prng random(seed);
        auto const t = make({.racks = 7,
                             .powers = 5,
                             .colours = 2,
                             .servers_min = 5,
                             .servers = 13,
                             .feeds = 3,
                             .capacity = 3,
                             .draining_percent = 5,
                             .failed_percent = 10},
                            random);
        auto f = drawn_floors(random);
        auto const size = static_cast<unsigned>(1 + 2 * random.below(3));
        f.overlap_max = static_cast<unsigned>(random.below(size + 1));
        auto s = solver::create(t, {.seed = seed, .hard = f}).value();
        std::vector<std::uint32_t> loads(t.servers.size());
        std::vector<cell> cells;
        for (int i = 0; i < 8; ++i) {
            cell c{"k" + std::to_string(i), size, draw_anchors(t, 3, random), {}};
            auto const a = s->place(c).value();
            INFO("seed " << seed << ", size " << size << ", cell " << i << ", overlap " << *f.overlap_max);
            if (a.refused) {
                ++refused;
                REQUIRE_FALSE(some_set_is_lawful(t, size, f, loads, cells));
                continue;
            }
            ++placed;
            REQUIRE(floors_hold(t, a.members, size, f));
            for (auto const& other : cells) {
                REQUIRE(shared(other, a.members) <= *f.overlap_max);
            }
            for (auto m : a.members) {
                REQUIRE(++loads[m.value] <= t.servers[m.value].capacity);
            }
            c.members = a.members;
            cells.push_back(c);
        }
    }
    INFO(placed << " placed, " << refused << " refused");
    CHECK(placed > in_full(500, 100));
    CHECK(refused > in_full(300, 60));
}

TEST_CASE("placements are within five percent of the oracle's optimum at the 95th percentile") {
    int const count = instances(in_full(600, 150));
    for (auto const o : {objective::joint, objective::weighted}) {
        for (bool const uniform : {true, false}) {
            std::vector<double> gaps;
            for (std::uint64_t seed = 1; gaps.size() < static_cast<std::size_t>(count); ++seed) {
                prng random(seed);
                auto const t = make({.racks = 8,
                                     .powers = 5,
                                     .servers_min = 7,
                                     .servers = 18,
                                     .feeds = 1 + seed % 2,
                                     .rate = seed % 3 == 0 ? 0.3 : 0.01,
                                     .uniform = uniform},
                                    random);
                auto const size = static_cast<unsigned>(3 + 2 * random.below(3));
                cell const c{"k", size, draw_anchors(t, 3, random), {}};
                auto const best = find_optimum(t, c, {}, o);
                if (!best) continue;
                auto s = solver::create(t, {.seed = seed, .minimise = o}).value();
                auto const a = s->place(c).value();
                REQUIRE_FALSE(a.refused);
                INFO("seed " << seed);
                REQUIRE(a.unavailable >= best->unavailable * (1 - 1e-9));
                gaps.push_back(best->unavailable > 0 ? a.unavailable / best->unavailable : 1);
            }
            std::sort(gaps.begin(), gaps.end());
            auto const at = [&](double p) {
                return gaps[static_cast<std::size_t>(p * double(gaps.size() - 1))];
            };
            auto const optimal =
                std::count_if(gaps.begin(), gaps.end(), [](double g) { return g < 1 + 1e-9; });
            std::cout << "gap to the optimum, " << (o == objective::joint ? "joint" : "weighted") << ", "
                      << (uniform ? "uniform" : "any") << " rates, " << gaps.size() << " instances: optimal "
                      << optimal << ", p50 " << at(0.5) << ", p95 " << at(0.95) << ", p99 " << at(0.99)
                      << ", max " << gaps.back() << "\n";
            CHECK(at(0.95) <= 1.05);
        }
    }
}
