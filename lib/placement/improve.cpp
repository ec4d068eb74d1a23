// Moving what is placed: only where it pays, never at anybody's cost, and not too much at a time.
#include "placement/solver_impl.hpp"
#include "placement/sort_stably.hpp"

#include <algorithm>

namespace zooid::placement {
namespace {

/// No probability may rise; sums that differ in the last bits are equal.
bool nowhere_worse(score const& now, score const& then) {
    constexpr double slack = 1 + 1e-9;
    return now.unavailable <= then.unavailable * slack && now.weighted <= then.weighted * slack &&
           now.not_durable <= then.not_durable * slack;
}

} // namespace

bool solver::impl::may_move(cell const& c) const {
    return violations(world, c, options.hard).empty() && survivors(c).size() == c.size;
}

/// The best single swap that pays by the hysteresis and harms no score; the cell's load is counted as it
/// stands.
std::optional<solver::impl::move> solver::impl::best_swap(cell const& c, score const& then) {
    auto d = draft_of(c);
    d.choose_pool(servers.pool_of(c.members[0].value));
    double const before = of_objective(then);
    std::optional<move> best;
    overlaps.remove(number_of(c), c.members);
    for (auto const out : c.members) {
        d.clear();
        for (auto const m : c.members) {
            if (m != out) d.add(m.value);
        }
        if (!choose.extend(d)) continue;
        auto const after = d.score();
        if (after > before * (1 - options.hysteresis) || (best && after >= best->after)) continue;
        move m{accept(d).members, {{out, {d.member(d.size() - 1)}}}, before, after};
        if (nowhere_worse(score_with(c, m.members), then)) best = std::move(m);
    }
    overlaps.add(number_of(c), c.members);
    return best;
}

/// All members at once: what a cell needs whose anchors have moved away, since no single swap helps it.
/// Servers that are as good as those that it has stay.
std::optional<solver::impl::move> solver::impl::best_relocation(cell const& c, score const& then) {
    double const before = of_objective(then);
    auto d = draft_of(c);
    d.choose_pool(servers.pool_of(c.members[0].value));
    uncount(c, c.members);
    bool const built = build(d);
    count(c, c.members);
    if (!built || d.score() > before * (1 - options.hysteresis)) return {};
    auto const members = keep_alike(c, d);
    if (!nowhere_worse(score_with(c, members), then)) return {};
    auto steps = plan_swaps(world, c, members, options.hard, options.down);
    if (!steps) return {};
    return move{members, std::move(steps.value()), before, d.score()};
}

/// The draft's members, each exchanged for a present member of the cell of the same class, if there is one.
std::vector<server_ref> solver::impl::keep_alike(cell const& c, draft const& d) const {
    std::vector<server_ref> out;
    for (auto const m : d.members()) {
        out.push_back({m});
    }
    auto const has = [](std::vector<server_ref> const& all, server_ref s) {
        return std::find(all.begin(), all.end(), s) != all.end();
    };
    if (overlaps.on()) return std::sort(out.begin(), out.end()), out;
    for (auto const present : c.members) {
        if (has(out, present) || d.is_anchor(present.value)) continue;
        auto const alike = std::find_if(out.begin(), out.end(), [&](server_ref s) {
            return !has(c.members, s) && !d.is_anchor(s.value) &&
                   servers.class_index(s.value) == servers.class_index(present.value);
        });
        if (alike != out.end()) *alike = present;
    }
    std::sort(out.begin(), out.end());
    return out;
}

score solver::impl::score_with(cell const& c, std::vector<server_ref> const& members) const {
    cell moved = c;
    moved.members = members;
    return score_of(world, moved);
}

double solver::impl::of_objective(score const& s) const {
    return options.minimise == objective::joint ? s.unavailable : s.weighted;
}

/// One swap, unless moving as a whole is better by more than the hysteresis once more.
std::optional<solver::impl::move> solver::impl::best_move(cell const& c) {
    if (!may_move(c)) return {};
    auto const then = score_of(world, c);
    if (of_objective(then) <= 0) return {}; // no share of nothing can be gained
    auto swapped = best_swap(c, then);
    auto relocated = best_relocation(c, then);
    if (!relocated) return swapped;
    if (!swapped || relocated->after < swapped->after * (1 - options.hysteresis)) return relocated;
    return swapped;
}

/// Moves one cell as long as that pays and the budget of moves lasts.
void solver::impl::improve(cell c, answer& a, std::uint64_t& churn) {
    std::size_t const moves_max = std::size_t{2} * c.size;
    while (churn > 0 && a.steps.size() < moves_max) {
        auto const m = best_move(c);
        if (!m || m->steps.size() > churn || a.steps.size() + m->steps.size() > moves_max) return;
        if (!plan_swaps(world, c, m->members, options.hard, options.down)) return;
        uncount(c, c.members);
        c.members = a.members = m->members;
        count(c, c.members);
        a.steps.insert(a.steps.end(), m->steps.begin(), m->steps.end());
        a.unavailable = m->after, a.changed = true;
        churn -= m->steps.size();
    }
}

result<std::vector<answer>> solver::improve(std::span<cell const> cells) {
    std::vector<answer> answers(cells.size());
    struct gain {
        double by;
        std::size_t cell;
    };
    std::vector<gain> gains;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        ZOOID_TRY(validate(impl_->world, cells[i]));
        answers[i].members = cells[i].members;
        if (cells[i].members.empty()) continue;
        answers[i].unavailable = unavailability_of(impl_->world, cells[i], impl_->options.minimise);
        if (auto const m = impl_->best_move(cells[i])) gains.push_back({m->before - m->after, i});
    }
    sort_stably(gains, [](gain const& a, gain const& b) { return a.by > b.by; });
    std::uint64_t churn = impl_->options.churn_max;
    for (auto const& g : gains) {
        impl_->improve(cells[g.cell], answers[g.cell], churn);
    }
    return answers;
}

} // namespace zooid::placement
