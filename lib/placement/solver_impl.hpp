// What the solver's files share.
#pragma once

#include "placement/chooser.hpp"
#include "placement/feasibility.hpp"

#include <zooid/base/hash.hpp>
#include <zooid/placement/solver.hpp>

namespace zooid::placement {

struct solver::impl {
    impl(topology t, solver_options o)
        : world(std::move(t)), options(std::move(o)), servers(world, options.down, options.hard.colour),
          overlaps(world.servers.size(), options.hard.overlap_max), choose(servers, overlaps, options.seed) {}

    topology world;
    solver_options options;
    catalogue servers;
    overlap_index overlaps;
    chooser choose;

    std::uint64_t number_of(cell const& c) const { return overlaps.on() ? hash64(c.key) : 0; }
    void count(cell const& c, std::span<server_ref const> members);
    void uncount(cell const& c, std::span<server_ref const> members);

    draft draft_of(cell const& c) const { return {servers, c, options.hard, options.minimise}; }
    answer refuse(cell const& c);
    answer accept(draft const& d);
    answer refuse_plan(cell const& c, std::string reason);

    // place.cpp
    answer place(cell const& c);
    std::vector<std::uint32_t> pools_to_try(draft& d);
    bool build(draft& d);
    bool fill_by_flow(draft& d, std::vector<std::uint32_t> const& fixed);

    // repair.cpp
    answer repair(cell const& c);
    std::vector<std::uint32_t> survivors(cell const& c) const;
    bool refill(draft& d, std::vector<std::uint32_t> keep);
    std::optional<answer> repair_simply(cell const& c, draft& d, std::vector<std::uint32_t> const& all);
    answer search_repair(cell const& c, draft& d, std::vector<std::uint32_t> const& all);
    result<plan> plan_for(cell const& c, std::vector<server_ref> const& target) const;
    unsigned live_of(cell const& c) const;
    std::uint32_t pool_of_most(std::vector<std::uint32_t> const& members) const;

    // improve.cpp
    struct move {
        std::vector<server_ref> members;
        swap step;
        double before, after;
    };
    std::optional<move> best_move(cell const& c);
};

} // namespace zooid::placement
