// What the solver's files share.
#pragma once

#include "placement/chooser.hpp"
#include "placement/feasibility.hpp"

#include <boost/container/small_vector.hpp>

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

    draft draft_of(cell const& c) { return {servers, choose.counts(), c, options.hard, options.minimise}; }
    answer refuse(cell const& c);
    answer accept(draft const& d);
    answer accept(std::span<std::uint32_t const> members, double score);
    answer refuse_plan(cell const& c, std::string reason);

    // place.cpp
    answer place(cell const& c);
    boost::container::small_vector<std::uint32_t, 8> pools_to_try(draft& d);
    bool build(draft& d);
    bool fill_by_flow(draft& d, server_list const& fixed);

    // repair.cpp
    answer repair(cell const& c);
    server_list survivors(cell const& c) const;
    bool refill(draft& d, server_list const& keep);
    bool keeps_apart(cell const& c, server_list const& members);
    std::optional<answer> repair_simply(cell const& c, draft& d);
    answer search_repair(cell const& c, draft& d, server_list const& all);
    result<plan> plan_for(cell const& c, std::vector<server_ref> const& target) const;
    unsigned live_of(cell const& c) const;
    std::uint32_t pool_of_most(server_list const& members) const;

    // improve.cpp
    struct move {
        std::vector<server_ref> members;
        plan steps;
        double before, after;
    };
    bool may_move(cell const& c) const;
    std::optional<move> best_swap(cell const& c, score const& then);
    std::optional<move> best_relocation(cell const& c, score const& then);
    std::vector<server_ref> keep_alike(cell const& c, draft const& d) const;
    score score_with(cell const& c, std::vector<server_ref> const& members) const;
    double of_objective(score const& s) const;
    std::optional<move> best_move(cell const& c);
    void improve(cell c, answer& a, std::uint64_t& churn);
};

} // namespace zooid::placement
