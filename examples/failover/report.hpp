// What a run amounts to, for people.
#pragma once

#include "chaos.hpp"
#include "workload.hpp"

#include <zooid/sim/linearizability.hpp>

namespace failover {

/// Prints counts, latencies, the gaps after each kill and the verdict. True if the run is good: linearizable,
/// and every volume answered at the end.
bool report(workload const& load, chaos const& what, zooid::sim::check_report const& verdict);

} // namespace failover
