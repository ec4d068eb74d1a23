// Looking at everything that is placed: floors, scores, loads, mixing, and what failures would do.
#include "placement/overlap_search.hpp"
#include "placement/reach.hpp"

#include <zooid/base/hash.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace zooid::placement {

blast what_if(topology const& t, std::span<cell const> cells, failures const& down) {
    blast out;
    down_set const all(with_failed(t, down));
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (cells[i].members.empty()) continue;
        auto const reached = reachable(t, cells[i], all);
        if (!reached)
            out.anchors_gone.push_back(i);
        else if (*reached < majority_of(cells[i].size))
            out.dead.push_back(i);
        else if (*reached < cells[i].members.size())
            out.lost_margin.push_back(i);
    }
    return out;
}

namespace {

/// Counts of replicas, and a hash of the set of cells, for each server.
struct tally {
    std::vector<std::uint32_t> load;
    std::vector<std::uint64_t> cells;
};

tally count_replicas(topology const& t, std::span<cell const> cells) {
    tally out{std::vector<std::uint32_t>(t.servers.size()), std::vector<std::uint64_t>(t.servers.size())};
    for (auto const& c : cells) {
        auto const hash = hash64(c.key);
        for (auto const m : c.members) {
            ++out.load[m.value];
            out.cells[m.value] += hash;
        }
    }
    return out;
}

void report_loads(topology const& t, tally const& n, down_set const& down, audit_report& r) {
    std::uint64_t taking = 0, sum = 0;
    std::vector<std::uint64_t> mixes;
    for (std::size_t i = 0; i < t.servers.size(); ++i) {
        auto const& s = t.servers[i];
        bool const up = is_up(t, {static_cast<std::uint32_t>(i)}, down);
        sum += n.load[i];
        taking += s.draining || !up ? 0 : 1;
        r.load_max = std::max(r.load_max, n.load[i]);
        r.servers_over_capacity += n.load[i] > s.capacity ? 1 : 0;
        if (s.draining) r.on_draining += n.load[i];
        if (!up) r.on_failed += n.load[i];
        if (n.load[i] > 0) mixes.push_back(n.cells[i]);
    }
    r.load_mean = taking > 0 ? static_cast<double>(sum) / static_cast<double>(taking) : 0;
    std::sort(mixes.begin(), mixes.end());
    for (std::size_t i = 0; i < mixes.size(); ++i) {
        bool const twin =
            (i > 0 && mixes[i] == mixes[i - 1]) || (i + 1 < mixes.size() && mixes[i] == mixes[i + 1]);
        r.servers_with_twin += twin ? 1 : 0;
    }
}

void report_scores(audit_report& r) {
    if (r.unavailable.empty()) return;
    auto sorted = r.unavailable;
    std::sort(sorted.begin(), sorted.end());
    auto const at = [&](double share) {
        return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
    };
    r.unavailable_p50 = at(0.5), r.unavailable_p99 = at(0.99), r.unavailable_max = sorted.back();
    r.unavailable_mean =
        std::accumulate(sorted.begin(), sorted.end(), 0.0) / static_cast<double>(sorted.size());
    r.worst = static_cast<std::size_t>(std::max_element(r.unavailable.begin(), r.unavailable.end()) -
                                       r.unavailable.begin());
}

/// What one cell breaks today.
std::vector<std::string> broken_by(topology const& t, cell const& c, floors const& f, down_set const& down,
                                   tally const& n) {
    if (c.members.empty()) return {};
    auto out = violations(t, c, f);
    for (auto const m : c.members) {
        auto const& s = t.servers[m.value];
        auto const load = n.load[m.value];
        if (!is_up(t, m, down)) out.push_back(fmt::format("server {} is down", s.id));
        if (s.draining) out.push_back(fmt::format("server {} is draining", s.id));
        if (load > s.capacity)
            out.push_back(fmt::format("{} replicas on server {}, at most {}", load, s.id, s.capacity));
    }
    return out;
}

std::vector<std::vector<std::string>> broken_floors(topology const& t, std::span<cell const> cells,
                                                    floors const& f, down_set const& down, tally const& n) {
    std::vector<std::vector<std::string>> out;
    out.reserve(cells.size());
    for (auto const& c : cells) {
        out.push_back(broken_by(t, c, f, down, n));
    }
    if (!f.overlap_max) return out;
    auto const most = *f.overlap_max;
    auto const crowded = sharing_more_than(cells, most);
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (!crowded[i]) continue;
        out[i].push_back(fmt::format("more than {} of {} shared with another cell", most, cells[i].size));
    }
    return out;
}

} // namespace

audit_report audit(topology const& t, std::span<cell const> cells, solver_options const& o) {
    audit_report r;
    r.cells = cells.size();
    down_set const down(with_failed(t, o.down));
    auto const replicas = count_replicas(t, cells);
    r.broken = broken_floors(t, cells, o.hard, down, replicas);
    for (std::size_t i = 0; i < cells.size(); ++i) {
        r.floors_violated += r.broken[i].empty() ? 0 : 1;
        r.unavailable.push_back(cells[i].members.empty() ? 1 : unavailability_of(t, cells[i], o.minimise));
    }
    report_loads(t, replicas, down, r);
    report_scores(r);
    r.shared = largest_overlap(cells);
    return r;
}

} // namespace zooid::placement
