// Cells that have servers in common, found in one pass over all of them.
#pragma once

#include <zooid/placement/solver.hpp>

#include <span>
#include <vector>

namespace zooid::placement {

/// For each cell, whether some other cell has more than t servers in common with it.
std::vector<char> sharing_more_than(std::span<cell const> cells, unsigned t);

} // namespace zooid::placement
