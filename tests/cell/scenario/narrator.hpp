// Why a replica did what it did in one step: the transcript's lines, each with the rule that decided.
//
// The core says what it does, not why. The reasons are worked out here from the event, the effects and the
// states before and after, and from `obliged`, the rule that the proposer itself asks. Rules are named as
// PROTOCOL.md names them.
#pragma once

#include "cell/scenario/names.hpp"

#include <zooid/cell/replica.hpp>

#include <string>
#include <vector>

namespace zooid::scenario {

/// One step, as its host saw it.
struct moment {
    time_point now;
    replica const& before;
    event const& what;
    effects const& out;
    replica const& after;
};

/// A line of the transcript. Essential lines are shown even where a verb settles the whole cell at once.
struct line {
    std::string text;
    bool essential = false;
};

std::vector<line> narrate(moment const& m, names const& known);

} // namespace zooid::scenario
