// Scenarios as text: one verb a line; what happened, and why, stands indented below it.
//
//   # a comment
//   cell a b c
//   propose a x
//       a nobody leads that it can reach: stands at once
//       ...
//   end
//
// Playing a script gives the same text with the transcript as it is now. A scenario passes if nothing
// differs, every `expect` holds, no invariant broke, and the cell, healed after the last line, commits one
// more command. What a verb does stands at its function in verbs.cpp.
#pragma once

#include <string>
#include <vector>

namespace zooid {
class step_observer;
}

namespace zooid::scenario {

struct outcome {
    std::string text; ///< the script with the transcript of this run
    /// Unmet expectations, until a line is unplayable; broken invariants, and what the referee found.
    std::vector<std::string> findings;
    std::vector<std::string> unplayable; ///< lines that make no sense, or none any more
};

/// Plays a script; the transcript that it may contain already is ignored. `steps`, if it is given, sees every
/// step of every replica.
outcome play(std::string const& script, step_observer* steps = nullptr);

/// The first lines in which two texts differ, for people; empty if they are equal.
std::string difference(std::string const& expected, std::string const& actual);

} // namespace zooid::scenario
