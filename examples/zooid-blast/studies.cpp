#include "studies.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/placement/solver.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zooid_blast {
namespace {

using zooid::prng;

server_ref any_server(topology const& t, prng& random) {
    return {static_cast<std::uint32_t>(random.below(t.servers.size()))};
}

void place_exactly(topology const& t, std::vector<cell>& cells, solver_options const& o) {
    auto s = solver::create(t, o).value();
    for (auto& c : cells) {
        c.members = s->place(c).value().members;
    }
}

/// One database for everybody: `size` servers in different racks of one row.
std::vector<server_ref> one_place(topology const& t, unsigned size) {
    std::vector<server_ref> out;
    std::uint32_t last = ~0u;
    for (std::uint32_t i = 0; i < t.servers.size() && out.size() < size; ++i) {
        if (t.servers[i].rack.value == last) continue;
        last = t.servers[i].rack.value;
        out.push_back({i});
    }
    return out;
}

double mean_unavailability(topology const& t, std::vector<cell> const& cells) {
    double sum = 0;
    for (auto const& c : cells) {
        sum += unavailability_of(t, c);
    }
    return sum / static_cast<double>(cells.size());
}

} // namespace

void place_by_random_swaps(topology const& t, cell& c, unsigned candidates, prng& random) {
    c.members.clear();
    while (c.members.size() < c.size) {
        auto const s = any_server(t, random);
        if (std::find(c.members.begin(), c.members.end(), s) == c.members.end()) c.members.push_back(s);
    }
    double best = unavailability_of(t, c);
    for (unsigned i = 0; i < candidates; ++i) {
        auto const in = any_server(t, random);
        if (std::find(c.members.begin(), c.members.end(), in) != c.members.end()) continue;
        std::optional<std::size_t> slot;
        for (std::size_t k = 0; k < c.size; ++k) {
            auto const out = std::exchange(c.members[k], in);
            double const now = unavailability_of(t, c);
            c.members[k] = out;
            if (now < best) best = now, slot = k;
        }
        if (slot) c.members[*slot] = in;
    }
    std::sort(c.members.begin(), c.members.end());
}

study cell_sizes(study_options const& o) {
    auto const t = generate({.servers = 2000, .servers_per_rack = 20, .racks_per_row = 20}, o.seed);
    study s{"cell-sizes",
            "Cell size against failed servers",
            "Share of cells without a live majority when a share of all servers, drawn at random, is down at "
            "once. The larger a cell, the later it "
            "suffers, until half of all servers are gone; beyond that small cells win (the "
            "paper's figure 4).",
            {"Cells lost when a share of all servers fails",
             "servers down",
             "cells without a majority",
             {},
             false,
             false,
             true}};
    for (unsigned const size : {1u, 3u, 5u, 7u, 9u}) {
        auto cells = generate_cells(t, o.cells, {.size = size}, o.seed + size);
        place_exactly(t, cells, {.seed = o.seed});
        series line{fmt::format("{} replica{}", size, size == 1 ? "" : "s"), {}};
        for (int percent = 0; percent <= 100; percent += 5) {
            prng random(o.seed * 1000 + static_cast<std::uint64_t>(percent));
            std::uint64_t lost = 0;
            constexpr int rounds = 20;
            for (int r = 0; r < rounds; ++r) {
                std::vector<char> down(t.servers.size());
                for (std::size_t left = t.servers.size() * static_cast<std::size_t>(percent) / 100;
                     left > 0;) {
                    auto& server = down[random.below(down.size())];
                    left -= server ? 0 : 1;
                    server = 1;
                }
                for (auto const& c : cells) {
                    auto const up = std::count_if(c.members.begin(), c.members.end(),
                                                  [&](server_ref m) { return !down[m.value]; });
                    lost += up < majority_of(size) ? 1 : 0;
                }
            }
            line.points.emplace_back(percent / 100.0,
                                     static_cast<double>(lost) / rounds / static_cast<double>(cells.size()));
        }
        s.picture.lines.push_back(std::move(line));
    }
    return s;
}

namespace {

constexpr double cut_rates[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3};

/// Rows of 10 racks of 20 servers behind one aggregation link each.
topology rows_behind_links(std::uint32_t rows, double cut, failure_rates others) {
    others.row_link = cut;
    return generate(
        {.servers = rows * 200, .servers_per_rack = 20, .racks_per_row = 10, .colours = 1, .rates = others},
        1);
}

failure_rates links_only() {
    return {.server = 0, .rack = 0, .row = 0, .row_link = 0, .rack_link = 0, .power = 0};
}

/// Cells with one anchor, the client, anywhere.
std::vector<cell> clients(topology const& t, unsigned size, study_options const& o) {
    auto cells = generate_cells(t, o.cells, {.size = size}, o.seed);
    for (auto& c : cells) {
        c.anchors.resize(1);
    }
    return cells;
}

/// Where the clients of the one database live: anywhere, its own row included, or only in other rows, because
/// the database has a row of its own.
enum class neighbours : std::uint8_t { included, excluded };

double of_one_place(topology const& t, unsigned size, study_options const& o,
                    neighbours n = neighbours::included) {
    auto cells = clients(t, size, o);
    for (auto& c : cells) {
        c.members = one_place(t, size);
    }
    if (n == neighbours::excluded) {
        std::erase_if(cells,
                      [&](cell const& c) { return t.row_of(c.anchors[0].server) == t.row_of(c.members[0]); });
    }
    return mean_unavailability(t, cells);
}

double of_random_swaps(topology const& t, unsigned size, study_options const& o) {
    auto cells = clients(t, size, o);
    prng random(o.seed + 77);
    for (auto& c : cells) {
        place_by_random_swaps(t, c, 20, random);
    }
    return mean_unavailability(t, cells);
}

double of_exact(topology const& t, unsigned size, study_options const& o) {
    auto cells = clients(t, size, o);
    place_exactly(t, cells, {.seed = o.seed});
    return mean_unavailability(t, cells);
}

/// How many times less often `few` happens than `many`, at the rate where that is most.
double most_gained(series const& many, series const& few) {
    double most = 0;
    for (std::size_t i = 0; i < few.points.size(); ++i) {
        most = std::max(most, many.points[i].second / few.points[i].second);
    }
    return most;
}

} // namespace

study aggregation_links(study_options const& o) {
    study s{"aggregation-links",
            "One database at one place against cells near their clients",
            "",
            {"Losing availability as aggregation links fail",
             "P(an aggregation link is cut)",
             "P(no majority reachable | client is up)",
             {},
             true,
             true,
             true}};
    series apart{"one place, its row without clients", {}}, shared{"one place, clients in its row too", {}},
        five{"cells of 5, 20 random swaps", {}}, nine{"cells of 9, 20 random swaps", {}};
    for (double const p : cut_rates) {
        auto const t = rows_behind_links(6, p, links_only());
        apart.points.emplace_back(p, of_one_place(t, 5, o, neighbours::excluded));
        shared.points.emplace_back(p, of_one_place(t, 5, o));
        five.points.emplace_back(p, of_random_swaps(t, 5, o));
        nine.points.emplace_back(p, of_random_swaps(t, 9, o));
    }
    s.picture.lines = {apart, shared, five, nine};
    std::string sweep;
    for (std::uint32_t const rows : {4u, 6u, 8u, 12u, 16u}) {
        auto const t = rows_behind_links(rows, 0.01, links_only());
        double const one = of_one_place(t, 5, o), alone = of_one_place(t, 5, o, neighbours::excluded);
        double const c5 = of_random_swaps(t, 5, o), c9 = of_random_swaps(t, 9, o);
        sweep += fmt::format("{}{} rows {:.1f} and {:.1f} ({:.1f} and {:.1f})", sweep.empty() ? "" : ", ",
                             rows, alone / c5, alone / c9, one / c5, one / c9);
    }
    s.text = fmt::format(
        "Six rows behind one aggregation link each; only those links fail. The one database has a row of "
        "its own, so every client reaches it through two links. Cells of 5 and 9, placed by 20 random "
        "candidates each, lose availability up to {:.1f} and {:.1f} times less often than it (the paper's "
        "figure 11: up to 4 times); than a database whose row has its share of the clients, up to {:.1f} and "
        "{:.1f} times. We know neither the number of rows nor where the clients are in the paper's data "
        "centre: six rows are where this model gains most. Times less often at 1%, cells of 5 and 9, in "
        "parentheses with clients in the database's row: {}.",
        most_gained(apart, five), most_gained(apart, nine), most_gained(shared, five),
        most_gained(shared, nine), sweep);
    return s;
}

study exact_solver(study_options const& o) {
    study s{"exact-solver",
            "What the exact solver adds",
            "",
            {"The same cells, placed exactly",
             "P(an aggregation link is cut)",
             "P(no majority reachable | client is up)",
             {},
             true,
             true,
             true}};
    series single{"one place", {}}, five{"5, random swaps", {}}, nine{"9, random swaps", {}};
    series exact5{"5, exact", {}}, exact7{"7, exact", {}}, exact9{"9, exact", {}};
    failure_rates const others{
        .server = 1e-3, .rack = 1e-4, .row = 1e-5, .row_link = 0, .rack_link = 1e-4, .power = 1e-4};
    for (double const p : cut_rates) {
        auto const t = rows_behind_links(8, p, others);
        single.points.emplace_back(p, of_one_place(t, 5, o));
        five.points.emplace_back(p, of_random_swaps(t, 5, o)),
            nine.points.emplace_back(p, of_random_swaps(t, 9, o));
        exact5.points.emplace_back(p, of_exact(t, 5, o)), exact7.points.emplace_back(p, of_exact(t, 7, o));
        exact9.points.emplace_back(p, of_exact(t, 9, o));
    }
    s.picture.lines = {single, five, nine, exact5, exact7, exact9};
    auto const at = [](series const& x) { return x.points[3].second; };
    s.text = fmt::format("Eight rows whose links fail as before; servers (0.1%), racks, rack links and power "
                         "domains (0.01%) fail "
                         "too, and all floors hold for the "
                         "exact placements. At 1% per link: one place {:.2g}; random swaps {:.2g} and "
                         "{:.2g}; exact, cells of 5, 7, 9: {:.2g}, "
                         "{:.2g}, {:.2g}. The exact placements stay in the client's row, so its link does "
                         "not matter to them. The three coincide: what is left is "
                         "the client's own rack link, which no lawful placement survives.",
                         at(single), at(five), at(nine), at(exact5), at(exact7), at(exact9));
    return s;
}

study load_surge(study_options const& o) {
    auto rates = links_only();
    rates.row_link = 0.01, rates.server = 1e-3, rates.rack_link = 1e-4;
    auto const t = rows_behind_links(8, 0.01, rates);
    auto cells = generate_cells(t, o.cells, {.same_row_percent = 50}, o.seed);
    auto client_only = cells;
    for (auto& c : client_only) {
        c.anchors.resize(1);
    }
    auto single = client_only, swaps = client_only, exact = cells;
    prng random(o.seed + 5);
    for (std::size_t i = 0; i < cells.size(); ++i) {
        single[i].members = one_place(t, 7);
        place_by_random_swaps(t, swaps[i], 20, random);
    }
    place_exactly(t, exact, {.seed = o.seed, .minimise = objective::weighted});
    study s{"load-surge",
            "Load surge and lost cells",
            "",
            {"Who needs a cell, and who does not reach it",
             "aggregation links cut",
             "share of volumes",
             {},
             false,
             false,
             true}};
    series surge{"need a change of primary or replica", {}}, a{"unserved: one place", {}},
        b{"unserved: random swaps", {}}, c{"unserved: exact", {}};
    double at_quarter[4] = {};
    for (int cut = 0; cut <= 8; ++cut) {
        double need = 0, lost[3] = {};
        constexpr int rounds = 40;
        for (int r = 0; r < rounds; ++r) {
            failures down;
            while (down.size() < static_cast<std::size_t>(cut)) {
                element const e{element_kind::row_link, static_cast<std::uint32_t>(random.below(8))};
                if (std::find(down.begin(), down.end(), e) == down.end()) down.push_back(e);
            }
            for (std::size_t i = 0; i < cells.size(); ++i) {
                cell chain{"chain",
                           3,
                           {cells[i].anchors[0]},
                           {cells[i].anchors[1].server, cells[i].anchors[2].server}};
                if (reachable_under(t, chain, down).value_or(0) == 2) continue;
                need += 1;
                std::vector<cell> const* const kinds[] = {&single, &swaps, &exact};
                for (int k = 0; k < 3; ++k) {
                    cell const seen{"", 7, {cells[i].anchors[0]}, (*kinds[k])[i].members};
                    lost[k] += reachable_under(t, seen, down).value_or(0) < 4 ? 1 : 0;
                }
            }
        }
        double const all = rounds * static_cast<double>(cells.size()), x = cut / 8.0;
        surge.points.emplace_back(x, need / all), a.points.emplace_back(x, lost[0] / all);
        b.points.emplace_back(x, lost[1] / all), c.points.emplace_back(x, lost[2] / all);
        if (cut == 2)
            at_quarter[0] = need / all, at_quarter[1] = lost[0] / all, at_quarter[2] = lost[1] / all,
            at_quarter[3] = lost[2] / all;
    }
    s.picture.lines = {surge, a, b, c};
    s.text = fmt::format("Half of the volumes have primary or replica in other rows than the client. When "
                         "links are cut, the volumes whose client is "
                         "separated from one of them all ask their cells at once: the surge. Unserved are "
                         "those of them that reach no "
                         "majority. With a quarter of the links cut: {:.1f}% ask; unserved {:.1f}% with one "
                         "place, {:.1f}% with random swaps, "
                         "{:.1f}% with exact placement (weighted objective).",
                         100 * at_quarter[0], 100 * at_quarter[1], 100 * at_quarter[2], 100 * at_quarter[3]);
    return s;
}

} // namespace zooid_blast
