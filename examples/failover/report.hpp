// What a run amounts to, for people.
#pragma once

#include "chaos.hpp"
#include "mover.hpp"
#include "workload.hpp"

#include <zooid/sim/linearizability.hpp>

namespace failover {

/// Prints counts, latencies, the gaps after each kill and the verdict. True if the run is good: linearizable,
/// and every volume answered at the end.
bool report(workload const& load, chaos const& what, zooid::sim::check_report const& verdict);

/// Prints how long the moves took, and what went wrong with those that did not end. True if all ended.
bool report(std::vector<move_mark> const& moves);

} // namespace failover
