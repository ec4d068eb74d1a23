// New cells: one colour chosen, members added one by one, then exchanged while that helps.
#include "placement/solver_impl.hpp"

#include <algorithm>

namespace zooid::placement {

answer solver::impl::refuse(cell const& c) {
    answer a;
    a.members = c.members;
    if (!c.members.empty()) a.unavailable = unavailability_of(world, c, options.minimise);
    a.refused = feasibility(world, servers, overlaps, options.hard).explain(c.size);
    return a;
}

answer solver::impl::accept(draft const& d) {
    return accept(d.members(), d.score());
}

answer solver::impl::accept(std::span<std::uint32_t const> members, double score) {
    answer a;
    a.members.reserve(members.size());
    for (auto const m : members) {
        a.members.push_back({m});
    }
    std::sort(a.members.begin(), a.members.end());
    a.unavailable = score;
    a.changed = true;
    return a;
}

/// Pools that look the same from here have the same optimum: of each look the emptiest is tried.
boost::container::small_vector<std::uint32_t, 8> solver::impl::pools_to_try(draft& d) {
    struct look {
        std::uint64_t key;
        std::uint32_t pool;
    };
    boost::container::small_vector<look, 8> looks;
    auto const& pools = servers.pools();
    auto const start = choose.random().below(pools.size());
    auto const emptier = [&](pool const& a, pool const& b) {
        return a.load * b.capacity < b.load * a.capacity;
    };
    for (std::size_t i = 0; i < pools.size(); ++i) {
        auto const p = static_cast<std::uint32_t>((start + i) % pools.size());
        if (pools[p].eligible < d.size()) continue;
        d.choose_pool(p);
        auto const key = choose.next_key(d);
        auto const same =
            std::find_if(looks.begin(), looks.end(), [&](look const& l) { return l.key == key; });
        if (same == looks.end())
            looks.push_back({key, p});
        else if (emptier(pools[p], pools[same->pool]))
            same->pool = p;
    }
    boost::container::small_vector<std::uint32_t, 8> out;
    for (auto const& l : looks) {
        out.push_back(l.pool);
    }
    return out;
}

/// A lawful set by other means than greed: a flow, or a search where overlaps are limited.
bool solver::impl::fill_by_flow(draft& d, server_list const& fixed) {
    feasibility f(world, servers, overlaps, options.hard);
    auto const found =
        f.find(regime_of(d.size(), options.hard), {fixed.begin(), fixed.end()}, d.pool_index());
    if (found.is != possibility::verdict::possible) return false;
    d.clear();
    for (auto const s : found.servers) {
        d.add(s);
    }
    return true;
}

bool solver::impl::build(draft& d) {
    unsigned const attempts = overlaps.on() ? 8 : 1;
    for (unsigned i = 0; i < attempts; ++i) {
        d.clear();
        if (!choose.fill(d)) continue;
        choose.polish(d, 0);
        return true;
    }
    if (!fill_by_flow(d, {})) return false;
    choose.polish(d, 0);
    return true;
}

answer solver::impl::place(cell const& c) {
    auto d = draft_of(c);
    server_list best;
    double best_score = 0;
    for (auto const p : pools_to_try(d)) {
        d.clear();
        d.choose_pool(p);
        if (!build(d)) continue;
        double const score = d.score();
        if (!best.empty() && score >= best_score * (1 - tie)) continue;
        best.assign(d.members().begin(), d.members().end());
        best_score = score;
    }
    // Pools that looked alike may still differ in what is left further down; before giving up, all are asked.
    for (std::uint32_t p = 0; best.empty() && p < servers.pools().size(); ++p) {
        d.clear();
        d.choose_pool(p);
        if (!build(d)) continue;
        best.assign(d.members().begin(), d.members().end());
        best_score = d.score();
    }
    if (best.empty()) return refuse(c);
    auto a = accept({best.data(), best.size()}, best_score);
    count(c, a.members);
    return a;
}

} // namespace zooid::placement
