// The exploration: all worlds within the bounds, breadth first, each once.
//
// A world is one place for each replica and the set of messages ever sent. After each move agreement is
// checked by the messages alone: a slot is chosen when a quorum said, after it was durable, that it accepted
// one value in one ballot. No slot may be chosen with two values, no ballot may carry two values for a slot,
// and what a replica takes for chosen must be. The invariants of each place were checked when its move was
// worked out.
//
// Worlds are remembered by 64-bit fingerprints: of n worlds about n^2 / 2^65 are mistaken for another one and
// not looked at, 3e-4 of them at 1e8.
//
// Two orders that differ in nothing are explored once: choices.hpp says which, and why.
#pragma once

#include "cell/explorer/place.hpp"

#include <iosfwd>
#include <set>
#include <string>
#include <vector>

namespace zooid::explore {

struct report {
    std::uint64_t states = 0;
    std::uint64_t moves = 0; ///< looked at, those that changed nothing included
    std::uint64_t depth = 0;
    std::size_t places = 0;
    std::size_t messages = 0;
    std::size_t steps = 0;             ///< of the core: moves at places
    std::uint64_t states_chosen = 0;   ///< in which some slot is chosen
    std::uint64_t states_released = 0; ///< in which a release is
    std::set<std::string> outcomes;    ///< what was chosen, and who knew it
    bool complete = false;             ///< nothing was cut off by `depth` or `states_max`
    std::string broken;                ///< what is wrong in the last world; empty: nothing in any
    std::vector<std::string> story;    ///< the moves that led there
};

/// Explores; writes a line a level to `progress` unless it is null.
report explore(bounds const& limits, std::ostream* progress);

} // namespace zooid::explore
