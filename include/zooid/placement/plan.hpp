// A way from one membership to another, one replica at a time, and a checker that does not trust it.
#pragma once

#include <zooid/placement/availability.hpp>

#include <optional>
#include <string>
#include <vector>

namespace zooid::placement {

/// `out` leaves and `in` takes its place: one entry of the cell's log. Whoever carries it out proposes it as
/// conditional on the configuration that it was computed from, so that two plans for one cell never mix.
struct swap {
    server_ref out;
    server_ref in;
    friend bool operator==(swap const&, swap const&) = default;
};
using plan = std::vector<swap>;

/// Orders the way from c.members to `target` so that every intermediate membership keeps each spread floor
/// and the one colour (or violates none worse than before) and a majority that is up and connected under
/// `down`, dead members leaving first. `conflict` if there is no such order, with the reason: a newcomer is
/// draining or down, or the cell lost its majority and cannot be repaired by swaps, only by emergency
/// recovery.
result<plan> plan_swaps(topology const& t, cell const& c, std::vector<server_ref> const& target,
                        floors const& f, failures const& down);

/// How many steps of `p`, begun at `from`, lead to `members` (both in ascending order): where a cell stands
/// that carries the plan out. Nothing if none does: then somebody else changed the cell, and the plan is
/// void.
std::optional<std::size_t> steps_done(std::vector<server_ref> from, plan const& p,
                                      std::vector<server_ref> const& members);

/// An independent reading of the same rules, on one page and sharing no code with the planner: nothing if
/// the plan is sound and ends in `target`; otherwise what is wrong, with the step.
std::optional<std::string> check_plan(topology const& t, cell const& c, std::vector<server_ref> const& target,
                                      plan const& p, floors const& f, failures const& down);

} // namespace zooid::placement
