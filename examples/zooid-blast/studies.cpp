#include "studies.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/placement/solver.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

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

void place_by_random_swaps(topology const& t, cell& c, unsigned candidates, keep_swap k, prng& random) {
    c.members.clear();
    while (c.members.size() < c.size) {
        auto const s = any_server(t, random);
        if (std::find(c.members.begin(), c.members.end(), s) == c.members.end()) c.members.push_back(s);
    }
    double current = unavailability_of(t, c);
    for (unsigned i = 0; i < candidates; ++i) {
        auto const in = any_server(t, random);
        if (std::find(c.members.begin(), c.members.end(), in) != c.members.end()) continue;
        std::size_t slot = 0;
        double best = 2;
        for (std::size_t m = 0; m < c.size; ++m) {
            auto const out = std::exchange(c.members[m], in);
            double const now = unavailability_of(t, c);
            c.members[m] = out;
            if (now < best) best = now, slot = m;
        }
        if (best > current || (best == current && k == keep_swap::if_better)) continue;
        c.members[slot] = in, current = best;
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
constexpr std::size_t cut_rates_count = std::size(cut_rates);

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

/// Where the clients of the one database live: anywhere, its own row included, or only in other rows.
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

double of_random_swaps(topology const& t, unsigned size, study_options const& o,
                       keep_swap k = keep_swap::unless_worse) {
    auto cells = clients(t, size, o);
    prng random(o.seed + 77);
    for (auto& c : cells) {
        place_by_random_swaps(t, c, 20, k, random);
    }
    return mean_unavailability(t, cells);
}

double of_exact(topology const& t, unsigned size, study_options const& o) {
    auto cells = clients(t, size, o);
    place_exactly(t, cells, {.seed = o.seed});
    return mean_unavailability(t, cells);
}

} // namespace

/// The largest ratio of two curves, point by point.
double best_gain(series const& single, series const& other) {
    double best = 0;
    for (std::size_t i = 0; i < single.points.size(); ++i) {
        best = std::max(best, single.points[i].second / other.points[i].second);
    }
    return best;
}

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
    series single{"one database, one place", {}}, five{"cells of 5, 20 random swaps", {}},
        nine{"cells of 9, 20 random swaps", {}};
    for (double const p : cut_rates) {
        auto const t = rows_behind_links(8, p, links_only());
        single.points.emplace_back(p, of_one_place(t, 5, o));
        five.points.emplace_back(p, of_random_swaps(t, 5, o));
        nine.points.emplace_back(p, of_random_swaps(t, 9, o));
    }
    s.picture.lines = {single, five, nine};
    s.text = fmt::format(
        "Eight rows behind one aggregation link each; only those links fail; clients are anywhere. Cells of "
        "5 "
        "and 9, placed by 20 random candidates each, a swap being kept unless it makes the cell worse, lose "
        "availability up to {:.1f} and {:.1f} times less often than one database at one place (the paper's "
        "figure 11: up to 4 times).",
        best_gain(single, five), best_gain(single, nine));
    return s;
}

study open_assumptions(study_options const& o) {
    study s{"open-assumptions",
            "What the factor of four depends on",
            "",
            {"Times less often than one database at one place",
             "rows, each behind one aggregation link (cut with 1%)",
             "times less often unavailable",
             {},
             false,
             false,
             false}};
    double least = 1e9, most = 0;
    for (unsigned const size : {5u, 9u}) {
        for (auto const k : {keep_swap::if_better, keep_swap::unless_worse}) {
            auto const kept = k == keep_swap::if_better ? "if better" : "unless worse";
            series all{fmt::format("{}, kept {}", size, kept), {}};
            series apart{fmt::format("{}, kept {}, no client in the database's row", size, kept), {}};
            for (std::uint32_t const rows : {4u, 5u, 6u, 8u, 10u, 12u, 16u}) {
                auto const t = rows_behind_links(rows, 0.01, links_only());
                double const cells = of_random_swaps(t, size, o, k);
                all.points.emplace_back(rows, of_one_place(t, size, o) / cells);
                apart.points.emplace_back(rows, of_one_place(t, size, o, neighbours::excluded) / cells);
                least = std::min(least, all.points.back().second);
                most = std::max(most, apart.points.back().second);
            }
            s.picture.lines.push_back(std::move(all)), s.picture.lines.push_back(std::move(apart));
        }
    }
    s.text = fmt::format(
        "The paper names the sizes of cells, 20 random candidates and failing aggregation routers. It leaves "
        "open how many routers there are, whether clients share the database's row, and whether a swap is "
        "kept "
        "on a plateau. Over these readings the gain at 1% lies between {:.1f} and {:.1f}: four is among "
        "them, "
        "and is no constant of the method. The more rows there are, the less likely 20 candidates find a "
        "majority in the client's own row, and the gain falls to the factor of two that any spread gives.",
        least, most);
    return s;
}

namespace {

/// One curve for each way to place, while everything else fails at realistic rates, too.
std::vector<series> all_ways(study_options const& o) {
    failure_rates const others{
        .server = 1e-3, .rack = 1e-4, .row = 1e-5, .row_link = 0, .rack_link = 1e-4, .power = 1e-4};
    std::vector<series> ways = {{"one place", {}}, {"5, random swaps", {}}, {"9, random swaps", {}},
                                {"5, exact", {}},  {"7, exact", {}},        {"9, exact", {}}};
    for (double const p : cut_rates) {
        auto const t = rows_behind_links(8, p, others);
        double const values[] = {of_one_place(t, 5, o), of_random_swaps(t, 5, o), of_random_swaps(t, 9, o),
                                 of_exact(t, 5, o),     of_exact(t, 7, o),        of_exact(t, 9, o)};
        for (std::size_t i = 0; i < ways.size(); ++i) {
            ways[i].points.emplace_back(p, values[i]);
        }
    }
    return ways;
}

} // namespace

study exact_solver(study_options const& o) {
    study s{"exact-solver",
            "What the exact solver adds",
            "",
            {"The same cells, placed exactly", "P(an aggregation link is cut)",
             "P(no majority reachable | client is up)", all_ways(o), true, true, true}};
    auto const at = [&](std::size_t way) { return s.picture.lines[way].points[3].second; };
    s.text = fmt::format(
        "As before, but servers (0.1%), racks, rack links and power domains (0.01%) fail too, and all floors "
        "hold for the exact placements. At 1% per link: one place {:.2g}; random swaps {:.2g} and {:.2g}; "
        "exact, cells of 5, 7, 9: {:.2g}, {:.2g}, {:.2g}. The exact placements stay in the client's row, so "
        "its "
        "link does not matter to them. The three coincide: what is left is the client's own rack link, which "
        "no "
        "lawful placement survives.",
        at(0), at(1), at(2), at(3), at(4), at(5));
    return s;
}

study gain(study_options const& o) {
    study s{"gain",
            "How many times less often",
            "",
            {"Gain over one database at one place",
             "P(an aggregation link is cut)",
             "times less often unavailable",
             {},
             true,
             true,
             true}};
    auto const ways = all_ways(o);
    for (std::size_t i = 1; i < ways.size(); ++i) {
        series line{ways[i].name, {}};
        for (std::size_t k = 0; k < cut_rates_count; ++k) {
            line.points.emplace_back(cut_rates[k], ways[0].points[k].second / ways[i].points[k].second);
        }
        s.picture.lines.push_back(std::move(line));
    }
    s.text = fmt::format(
        "The same figures as ratios. Random swaps gain up to {:.1f} times (cells of 5) and {:.1f} times (9); "
        "placed exactly, cells of 7 gain {:.0f} times at 1% per link and {:.0f} times at 10%.",
        best_gain(ways[0], ways[1]), best_gain(ways[0], ways[2]), s.picture.lines[3].points[3].second,
        s.picture.lines[3].points[6].second);
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
        place_by_random_swaps(t, swaps[i], 20, keep_swap::unless_worse, random);
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
