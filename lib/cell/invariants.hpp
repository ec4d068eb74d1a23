// The invariants of a replica, in one place: of one state, and of two successive ones. PROTOCOL.md names
// them.
#pragma once

#include <zooid/cell/replica.hpp>

#include <string>
#include <vector>

namespace zooid {

/// What does not hold in this state; empty when all is well.
std::vector<std::string> violations(replica const& now);

/// What a step from `before` to `after` may not have done.
std::vector<std::string> violations(replica const& before, replica const& after);

} // namespace zooid
