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

/// The best single swap that pays by the hysteresis and harms no score; the cell's load is counted as it
/// stands.
std::optional<solver::impl::move> solver::impl::best_move(cell const& c) {
    auto d = draft_of(c);
    if (!violations(world, c, options.hard).empty() || survivors(c).size() != c.size) return {};
    d.choose_pool(servers.pool_of(c.members[0].value));
    auto const then = score_of(world, c);
    double const before = options.minimise == objective::joint ? then.unavailable : then.weighted;
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
        move m{accept(d).members, {out, {d.member(d.size() - 1)}}, before, after};
        cell moved = c;
        moved.members = m.members;
        if (nowhere_worse(score_of(world, moved), then)) best = std::move(m);
    }
    overlaps.add(number_of(c), c.members);
    return best;
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
        cell c = cells[g.cell];
        auto& a = answers[g.cell];
        while (churn > 0 && a.steps.size() < c.size) {
            auto const m = impl_->best_move(c);
            if (!m || !plan_swaps(impl_->world, c, m->members, impl_->options.hard, impl_->options.down))
                break;
            impl_->uncount(c, c.members);
            c.members = a.members = m->members;
            impl_->count(c, c.members);
            a.steps.push_back(m->step), a.unavailable = m->after, a.changed = true;
            --churn;
        }
    }
    return answers;
}

} // namespace zooid::placement
