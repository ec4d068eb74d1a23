// Can this be met at all? If not: which demands collide, and what is the cheapest way out.
//
// Without an overlap limit a lawful set of servers is an integral flow: source -> row -> rack -> class ->
// power -> sink, with the spread limits as capacities; a server with several feeds goes from its class to the
// sink. So the answer is exact whatever the size. With an overlap limit the sets that are left are searched
// under a budget, and running out of it is said, not guessed.
#pragma once

#include "placement/catalogue.hpp"
#include "placement/overlaps.hpp"

#include <zooid/placement/solver.hpp>

#include <optional>
#include <vector>

namespace zooid::placement {

/// The demands in force, each of which can be given up for the sake of argument.
struct regime {
    unsigned size = 7;
    bool distinct = true, capacity = true, not_draining = true, healthy = true, one_colour = true;
    bool overlap = false;
    unsigned rack_limit = 3, power_limit = 3, row_limit = 7;
};
regime regime_of(unsigned size, floors const& f);

struct possibility {
    enum class verdict : std::uint8_t { possible, impossible, undecided } is;
    std::vector<std::uint32_t> servers; ///< one lawful set if possible
};

class feasibility {
  public:
    feasibility(topology const& t, catalogue const& world, overlap_index& overlaps, floors const& f)
        : topology_(t), world_(world), overlaps_(overlaps), floors_(f) {}

    /// `fixed` are members that stay (their own load is not in their way); `only` restricts to one pool.
    possibility find(regime const& r, std::vector<std::uint32_t> const& fixed = {},
                     std::optional<std::uint32_t> only = {});
    /// For a request that `find` calls impossible.
    infeasibility explain(unsigned size);

  private:
    std::vector<std::uint32_t> flow(regime const& r, std::vector<std::uint32_t> const& fixed,
                                    std::vector<std::uint32_t> const& pools) const;
    possibility search(regime const& r, std::vector<std::uint32_t> const& fixed,
                       std::vector<std::uint32_t> const& pools);
    bool allowed(regime const& r, std::uint32_t server) const;
    std::vector<constraint> minimal_conflict(unsigned size);
    relaxation cheapest(unsigned size);
    std::string describe(unsigned size, std::vector<constraint> const& conflict) const;

    topology const& topology_;
    catalogue const& world_;
    overlap_index& overlaps_;
    floors floors_;
};

} // namespace zooid::placement
