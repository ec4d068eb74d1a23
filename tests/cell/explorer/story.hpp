// How a world was reached, in words: the moves that led there, one a line.
#pragma once

#include "cell/explorer/choices.hpp"

#include <deque>
#include <string>
#include <vector>

namespace zooid::explore {

/// Where a world came from.
struct origin {
    std::uint32_t parent = 0; ///< the number of a world
    move made;
    std::uint32_t before = 0; ///< the quiet deliveries that were made first (choices.hpp)
    std::uint8_t by = 0;
};

/// The story of the last world of `origins`; the first is the beginning.
std::vector<std::string> story(rig const& r, table const& all, choices const& made,
                               std::deque<origin> const& origins);

} // namespace zooid::explore
