// The public face of the exact computation, and its two sceptics: a simulation and the list of cut sets.
#include <zooid/placement/availability.hpp>

#include <zooid/base/prng.hpp>

#include "placement/reach.hpp"
#include "placement/sort_stably.hpp"
#include "placement/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zooid::placement {
namespace {

struct placed {
    resolved<anchors_max> anchors;
    resolved<cell_size_max> members;
    std::array<double, anchors_max> weight;

    placed(topology const& t, cell const& c) {
        for (auto const& a : c.anchors) {
            if (a.weight <= 0) continue;
            weight[anchors.all().size()] = a.weight;
            anchors.add(t, a.server);
        }
        for (auto const m : c.members) {
            members.add(t, m);
        }
    }
    double joint(unsigned size) const { return view(anchors.all()).shortfall(members.all(), {}, size); }
    double weighted(unsigned size) const {
        auto const all = anchors.all();
        if (all.empty()) return view({}).shortfall(members.all(), {}, size);
        double sum = 0;
        double total = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            total += weight[i];
            sum += weight[i] * view(all.subspan(i, 1)).shortfall(members.all(), {}, size);
        }
        return sum / total;
    }
};

} // namespace

score score_of(topology const& t, cell const& c) {
    placed const p(t, c);
    score s;
    s.unavailable = p.joint(c.size);
    s.weighted = p.weighted(c.size);
    s.not_durable = view({}, links::ignored).shortfall(p.members.all(), {}, c.size);
    return s;
}

double unavailability_of(topology const& t, cell const& c, objective o) {
    placed const p(t, c);
    return o == objective::weighted ? p.weighted(c.size) : p.joint(c.size);
}

std::string to_string(topology const& t, element const& e) {
    switch (e.kind) {
    case element_kind::server: return "server " + t.servers[e.index].id;
    case element_kind::rack: return "rack " + t.racks[e.index].id;
    case element_kind::row: return "row " + t.rows[e.index].id;
    case element_kind::rack_link: return "link of rack " + t.racks[e.index].id;
    case element_kind::row_link: return "link of row " + t.rows[e.index].id;
    case element_kind::power: return "power " + t.powers[e.index].id;
    }
    return {};
}

namespace {

/// Everything whose failure the cell could notice, once each.
std::vector<element> concerns(topology const& t, cell const& c) {
    std::vector<element> out;
    auto const add = [&](server_ref s) {
        auto const rack = t.servers[s.value].rack.value;
        auto const row = t.row_of(s).value;
        out.push_back({element_kind::server, s.value});
        out.push_back({element_kind::rack, rack});
        out.push_back({element_kind::rack_link, rack});
        out.push_back({element_kind::row, row});
        out.push_back({element_kind::row_link, row});
        for (auto const p : t.servers[s.value].power) {
            out.push_back({element_kind::power, p.value});
        }
    };
    for (auto const m : c.members) {
        add(m);
    }
    for (auto const& a : c.anchors) {
        if (a.weight > 0) add(a.server);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

double rate_of(topology const& t, element const& e) {
    switch (e.kind) {
    case element_kind::server: return t.servers[e.index].rate;
    case element_kind::rack: return t.racks[e.index].rate;
    case element_kind::row: return t.rows[e.index].rate;
    case element_kind::rack_link: return t.racks[e.index].link_rate;
    case element_kind::row_link: return t.rows[e.index].link_rate;
    case element_kind::power: return t.powers[e.index].rate;
    }
    return 0;
}

} // namespace

std::optional<unsigned> reachable_under(topology const& t, cell const& c, failures const& down) {
    return reachable(t, c, down_set(down));
}

failures with_failed(topology const& t, failures down) {
    for (std::uint32_t i = 0; i < t.servers.size(); ++i) {
        if (t.servers[i].failed) down.push_back({element_kind::server, i});
    }
    return down;
}

estimate simulate(topology const& t, cell const& c, std::uint64_t samples, std::uint64_t seed) {
    auto const relevant = concerns(t, c);
    prng random(seed);
    std::uint64_t possible = 0;
    std::uint64_t lost = 0;
    failures down;
    for (std::uint64_t i = 0; i < samples; ++i) {
        down.clear();
        for (auto const& e : relevant) {
            double const drawn = static_cast<double>(random.next() >> 11) * 0x1p-53;
            if (drawn < rate_of(t, e)) down.push_back(e);
        }
        auto const reached = reachable(t, c, down_set(down));
        if (!reached) continue;
        ++possible;
        if (*reached < majority_of(c.size)) ++lost;
    }
    if (possible == 0) return {};
    double const mean = static_cast<double>(lost) / static_cast<double>(possible);
    return {mean, std::sqrt(std::max(mean * (1 - mean), 1e-12) / static_cast<double>(possible))};
}

namespace {

/// Grows sets of failures in order of size, so that one that contains an earlier one is never kept.
struct cut_search {
    topology const& t;
    cell const& c;
    std::vector<element> relevant;
    std::vector<cut_set> found = {};
    failures current = {};

    bool contains_found() const {
        return std::any_of(found.begin(), found.end(), [&](cut_set const& known) {
            return std::includes(current.begin(), current.end(), known.elements.begin(),
                                 known.elements.end());
        });
    }
    void visit(std::size_t from, unsigned left) {
        if (left == 0) {
            if (contains_found()) return;
            auto const reached = reachable(t, c, down_set(current));
            if (!reached || *reached >= majority_of(c.size)) return;
            double p = 1;
            for (auto const& e : current) {
                p *= rate_of(t, e);
            }
            found.push_back({current, p});
            return;
        }
        for (auto i = from; i < relevant.size(); ++i) {
            current.push_back(relevant[i]);
            visit(i + 1, left - 1);
            current.pop_back();
        }
    }
};

} // namespace

std::vector<cut_set> minimal_cut_sets(topology const& t, cell const& c, unsigned order) {
    cut_search search{t, c, concerns(t, c)};
    for (unsigned size = 1; size <= order; ++size) {
        search.visit(0, size);
    }
    sort_stably(search.found,
                [](cut_set const& a, cut_set const& b) { return a.probability > b.probability; });
    return search.found;
}

} // namespace zooid::placement
