// The exact probability against counting every state of small worlds, and against sampling large ones.
#include "support/catch.hpp"

#include "placement/worlds.hpp"

#include <zooid/placement/availability.hpp>
#include <zooid/placement/generate.hpp>

#include <cmath>

using namespace worlds;

namespace {

struct fallible {
    element what;
    double rate;
};

/// Everything in the world that can fail at all.
std::vector<fallible> fallibles(topology const& t) {
    std::vector<fallible> out;
    auto const add = [&](element_kind k, std::size_t i, double rate) {
        if (rate > 0) out.push_back({{k, static_cast<std::uint32_t>(i)}, rate});
    };
    for (std::size_t i = 0; i < t.servers.size(); ++i) {
        add(element_kind::server, i, t.servers[i].rate);
    }
    for (std::size_t i = 0; i < t.racks.size(); ++i) {
        add(element_kind::rack, i, t.racks[i].rate);
        add(element_kind::rack_link, i, t.racks[i].link_rate);
    }
    for (std::size_t i = 0; i < t.rows.size(); ++i) {
        add(element_kind::row, i, t.rows[i].rate);
        add(element_kind::row_link, i, t.rows[i].link_rate);
    }
    for (std::size_t i = 0; i < t.powers.size(); ++i) {
        add(element_kind::power, i, t.powers[i].rate);
    }
    return out;
}

/// A data centre as a graph that knows nothing of zones: vertices are servers, racks, rows and the core.
struct graph {
    topology const& t;
    std::vector<char> down; ///< by position in `all`
    std::vector<fallible> const& all;

    bool failed(element_kind k, std::uint32_t i) const {
        for (std::size_t e = 0; e < all.size(); ++e) {
            if (down[e] && all[e].what == element{k, i}) return true;
        }
        return false;
    }
    bool up(server_ref s) const {
        auto const& server = t.servers[s.value];
        bool dark = true;
        for (auto p : server.power) {
            dark = dark && failed(element_kind::power, p.value);
        }
        return !dark && !failed(element_kind::server, s.value) &&
               !failed(element_kind::rack, server.rack.value) &&
               !failed(element_kind::row, t.row_of(s).value);
    }
    /// Two servers are connected if every link on the path between them holds.
    bool connected(server_ref a, server_ref b) const {
        auto const ra = t.servers[a.value].rack, rb = t.servers[b.value].rack;
        if (ra == rb) return true;
        if (failed(element_kind::rack_link, ra.value) || failed(element_kind::rack_link, rb.value))
            return false;
        auto const wa = t.row_of(a), wb = t.row_of(b);
        if (wa == wb) return true;
        return !failed(element_kind::row_link, wa.value) && !failed(element_kind::row_link, wb.value);
    }
    bool at_core(server_ref a) const {
        return !failed(element_kind::rack_link, t.servers[a.value].rack.value) &&
               !failed(element_kind::row_link, t.row_of(a).value);
    }
};

struct counted {
    double unavailable = 0;
    double not_durable = 0;
};

counted count_every_state(topology const& t, cell const& c) {
    auto const all = fallibles(t);
    REQUIRE(all.size() <= 18);
    double possible = 0, lost = 0, gone = 0;
    for (std::uint64_t state = 0; state < (1ull << all.size()); ++state) {
        graph g{t, std::vector<char>(all.size()), all};
        double p = 1;
        for (std::size_t e = 0; e < all.size(); ++e) {
            g.down[e] = (state >> e & 1) != 0;
            p *= g.down[e] ? all[e].rate : 1 - all[e].rate;
        }
        std::vector<server_ref> anchors;
        for (auto const& a : c.anchors) {
            if (a.weight > 0) anchors.push_back(a.server);
        }
        bool given = true;
        for (auto a : anchors) {
            given = given && g.up(a) && g.connected(a, anchors[0]);
        }
        unsigned reached = 0, alive = 0;
        for (auto m : c.members) {
            alive += g.up(m);
            reached += g.up(m) && (anchors.empty() ? g.at_core(m) : g.connected(m, anchors[0]));
        }
        if (given) possible += p;
        if (given && reached < majority_of(c.size)) lost += p;
        if (alive < majority_of(c.size)) gone += p;
    }
    return {lost / possible, gone};
}

bool close(double a, double b) {
    return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)) + 1e-15;
}

} // namespace

TEST_CASE("the exact probability equals the sum over every state of the data centre") {
    int compared = 0;
    for (std::uint64_t seed = 1; compared < 150; ++seed) {
        prng random(seed);
        auto const t =
            make({.powers = 4, .servers = 10, .feeds = 3, .zero_rate_percent = 55, .rate = 0.5}, random);
        auto const failing = fallibles(t).size();
        cell c;
        c.size = static_cast<unsigned>(1 + 2 * random.below(4));
        if (failing > 14 || c.size > t.servers.size()) continue;
        c.anchors = draw_anchors(t, 3, random);
        c.members = draw_distinct(t, c.size, random);
        auto const truth = count_every_state(t, c);
        auto const ours = score_of(t, c);
        INFO("seed " << seed << ", replay: worlds::make of that seed; size " << c.size);
        REQUIRE(close(ours.unavailable, truth.unavailable));
        REQUIRE(close(ours.not_durable, truth.not_durable));
        ++compared;
    }
}

TEST_CASE("the weighted score is the weighted mean of single anchors") {
    prng random(5);
    auto const t = make({.servers_min = 12}, random);
    cell c{"k", 7, {{{0}, 2}, {{5}, 1}, {{7}, 0}}, draw_distinct(t, 7, random)};
    auto alone = [&](std::uint32_t s) { return unavailability_of(t, {"k", 7, {{{s}, 1}}, c.members}); };
    CHECK(close(score_of(t, c).weighted, (2 * alone(0) + alone(5)) / 3));
}

TEST_CASE("the exact probability of a large data centre lies within what sampling finds") {
    data_centre d{.servers = 4000, .powers = 6, .feeds = 2, .irregular_percent = 30};
    d.rates = {.server = 0.1, .rack = 0.05, .row = 0.03, .row_link = 0.06, .rack_link = 0.05, .power = 0.1};
    auto const t = generate(d, 9);
    auto cells = generate_cells(t, 12, {.same_row_percent = 60, .same_rack_percent = 20}, 3);
    prng random(11);
    for (auto& c : cells) {
        c.members = draw_distinct(t, 7, random);
        if (random.chance(1, 2)) c.members = draw_distinct(t, 7, random);
        auto const sampled = simulate(t, c, 40000, random.next());
        auto const exact = unavailability_of(t, c);
        INFO(c.key << ": exact " << exact << ", sampled " << sampled.mean << " +- "
                   << sampled.standard_error);
        CHECK(std::abs(exact - sampled.mean) < 4.5 * sampled.standard_error);
    }
}

TEST_CASE("nothing is lost to cancellation when failures are rare") {
    data_centre d{.servers = 400, .servers_per_rack = 10, .racks_per_row = 40};
    d.rates = {.server = 1e-6, .rack = 0, .row = 0, .row_link = 0, .rack_link = 0, .power = 0};
    auto const t = generate(d, 1);
    cell const c{"k", 7, {}, {{0}, {10}, {20}, {30}, {40}, {50}, {60}}};
    // Four of seven independent servers down: 35 p^4 to first order.
    CHECK(unavailability_of(t, c) == Approx(35e-24).epsilon(1e-4));
}

TEST_CASE("a minimal cut set kills the cell, and no part of it does") {
    prng random(3);
    auto const t = make({.racks = 8, .servers_min = 12, .feeds = 2}, random);
    cell const c{"k", 5, {{{1}, 1}}, draw_distinct(t, 5, random)};
    auto const cuts = minimal_cut_sets(t, c, 3);
    REQUIRE(!cuts.empty());
    for (auto const& cut : cuts) {
        CHECK(reachable_under(t, c, cut.elements).value() < 3);
        for (std::size_t i = 0; i < cut.elements.size(); ++i) {
            auto part = cut.elements;
            part.erase(part.begin() + static_cast<std::ptrdiff_t>(i));
            auto const reached = reachable_under(t, c, part);
            CHECK((!reached || *reached >= 3));
        }
    }
}
