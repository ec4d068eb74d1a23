// Cells that lost a member: what is left stays, if the floors allow it, and the gap is filled.
#include "placement/solver_impl.hpp"

#include <algorithm>

namespace zooid::placement {

server_list solver::impl::survivors(cell const& c) const {
    server_list keep;
    for (auto const m : c.members) {
        if (servers.holds(m.value)) keep.push_back(m.value);
    }
    return keep;
}

bool solver::impl::refill(draft& d, server_list const& keep) {
    auto const restart = [&] {
        d.clear();
        for (auto const s : keep) {
            d.add(s);
        }
    };
    unsigned const attempts = overlaps.on() ? 8 : 1;
    bool filled = false;
    for (unsigned i = 0; i < attempts && !filled; ++i) {
        restart();
        filled = choose.fill(d);
    }
    if (!filled && !fill_by_flow(d, keep)) return false;
    auto const fresh = d.size() - static_cast<unsigned>(keep.size());
    if (fresh > 1) choose.polish(d, static_cast<unsigned>(keep.size()));
    return true;
}

namespace {

/// True if these can all stay: one pool, and no spread limit exceeded.
bool consistent(catalogue const& servers, draft& d, server_list const& keep) {
    d.clear();
    for (auto const s : keep) {
        if (servers.pool_of(s) != d.pool_index()) return false;
        d.add(s);
    }
    return d.keeps_spread();
}

/// Calls `use` with every subset of `all` of the given size until it returns true.
template <class Use>
bool any_subset(server_list const& all, std::size_t size, Use use, server_list const& chosen = {},
                std::size_t from = 0) {
    if (chosen.size() == size) return use(chosen);
    for (auto i = from; i < all.size(); ++i) {
        auto next = chosen;
        next.push_back(all[i]);
        if (any_subset(all, size, use, next, i + 1)) return true;
    }
    return false;
}

} // namespace

namespace {

/// The one member of `a` that is not in `b`; nothing if there are more or none. Both are in ascending order.
std::optional<server_ref> only_difference(std::vector<server_ref> const& a,
                                          std::vector<server_ref> const& b) {
    std::optional<server_ref> found;
    for (auto const m : a) {
        if (std::binary_search(b.begin(), b.end(), m)) continue;
        if (found) return {};
        found = m;
    }
    return found;
}

} // namespace

result<plan> solver::impl::plan_for(cell const& c, std::vector<server_ref> const& target) const {
    auto const leaving = only_difference(c.members, target);
    // One swap into a lawful set needs no search for an order, unless links are cut today.
    if (leaving && options.down.empty() && live_of(c) >= majority_of(c.size)) {
        return plan{{*leaving, *only_difference(target, c.members)}};
    }
    return plan_swaps(world, c, target, options.hard, options.down);
}

unsigned solver::impl::live_of(cell const& c) const {
    return static_cast<unsigned>(
        std::count_if(c.members.begin(), c.members.end(), [&](server_ref m) { return servers.up(m.value); }));
}

answer solver::impl::refuse_plan(cell const& c, std::string reason) {
    answer a;
    a.members = c.members;
    a.unavailable = unavailability_of(world, c, options.minimise);
    a.refused = infeasibility{{}, {}, std::move(reason)};
    return a;
}

/// The pool that most survivors are of stays the cell's.
std::uint32_t solver::impl::pool_of_most(server_list const& members) const {
    std::uint32_t best = 0;
    std::ptrdiff_t most = 0;
    for (auto const m : members) {
        auto const pool = servers.pool_of(m);
        auto const votes =
            std::count_if(members.begin(), members.end(), [&](auto s) { return servers.pool_of(s) == pool; });
        if (votes > most || (votes == most && pool < best)) most = votes, best = pool;
    }
    return best;
}

answer solver::impl::repair(cell const& c) {
    auto const all = survivors(c);
    auto d = draft_of(c);
    d.choose_pool(pool_of_most(all));
    bool const all_can_stay = consistent(servers, d, all) && keeps_apart(c, all);
    if (all.size() == c.size && all_can_stay) {
        answer a;
        a.members = c.members, a.unavailable = d.score();
        return a;
    }
    if (live_of(c) < majority_of(c.size)) {
        return refuse_plan(c, "no majority of the members is up: this is for emergency recovery");
    }
    if (all_can_stay && all.size() + 1 == c.size && !overlaps.on()) {
        if (auto simple = repair_simply(c, d)) return std::move(*simple);
    }
    uncount(c, c.members);
    auto a = search_repair(c, d, all);
    count(c, a.members);
    return a;
}

/// True if no other cell shares more of these members than allowed.
bool solver::impl::keeps_apart(cell const& c, server_list const& members) {
    if (!overlaps.on()) return true;
    overlaps.remove(number_of(c), c.members);
    bool const apart = overlaps.largest(members) <= overlaps.most();
    overlaps.add(number_of(c), c.members);
    return apart;
}

/// The common case: one member is lost, the rest, which is in the draft, stays, and so do their loads.
std::optional<answer> solver::impl::repair_simply(cell const& c, draft& d) {
    if (!choose.fill(d)) return {};
    auto a = accept(d);
    auto steps = plan_for(c, a.members);
    if (!steps) return {};
    a.steps = std::move(steps.value());
    servers.remove_load(a.steps[0].out.value);
    servers.add_load(a.steps[0].in.value);
    return a;
}

/// Keeps all survivors if it can, else all but one, and so on; at last another colour.
answer solver::impl::search_repair(cell const& c, draft& d, server_list const& all) {
    answer a;
    std::string trouble;
    auto const attempt = [&](server_list const& keep) {
        if (overlaps.largest(keep) > overlaps.most()) return false;
        if (!consistent(servers, d, keep) || !refill(d, keep)) return false;
        auto proposal = accept(d);
        auto steps = plan_for(c, proposal.members);
        if (!steps) {
            trouble = steps.error().detail();
            return false;
        }
        a = std::move(proposal);
        a.steps = std::move(steps.value());
        return true;
    };
    bool found = attempt(all);
    for (auto n = all.size(); !found && n-- > 0;) {
        found = any_subset(all, n, attempt);
    }
    auto const favourite = d.pool_index();
    for (std::uint32_t p = 0; !found && p < servers.pools().size(); ++p) {
        if (p == favourite) continue;
        d.choose_pool(p);
        found = attempt({});
    }
    if (found) return a;
    return trouble.empty() ? refuse(c) : refuse_plan(c, trouble);
}

} // namespace zooid::placement
