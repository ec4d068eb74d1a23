// Emergency recovery: a cell whose majority is gone for good goes on as another cell.
//
// What is decided by looking is decided in <zooid/cell/recovery.hpp>. Here are the steps, each of which may
// be the last one that this process lives to take; the same command goes on from there:
//   1  survey: every server of the configuration is asked. Nothing changes.
//   2  reserve: replicas of the new cell id, as in a creation.
//   3  the directory: the key belongs to (new id, next generation), by a write that is conditional on the
//      entry that the plan saw. From here on the fork is decided.
//   4  seal: each survivor, durably. What they say then is what the new cell is made of.
//   5  the directory again: the digest of the founding record. From here on there is one such record.
//   6  found.
//   7  the directory a last time: it is founded. From here on it is a cell like any other, that can move
//      and be recovered again.
// An attempt that is taken up in another situation needs another confirmation. The directory names that one
// before it goes on (with 4), so its token also takes the last step.
//
//   Z1  The new id and generation are decided in the directory before anything is sealed (3, then 4): of two
//       people who recover one cell, one wins.
//   Z2  The founding record is a function of what the sealed ones say, and its digest is fixed before the
//       first founder gets it (5, then 6): an attempt that is taken up comes to the same record, or to none.
//   Z3  The log goes on at the base's slot; a value taken over is known to be chosen from the birth on.
#pragma once

#include "commands.hpp"

#include <zooid/cell/recovery.hpp>

namespace zooidctl {

struct recovery_wish {
    std::vector<std::uint64_t> on;
    std::vector<std::uint64_t> off;
    std::string confirm;    ///< empty: only show the plan
    std::string stop_after; ///< for tests: die after this step, "reserve", "directory", "seal",
                            ///< "fix" or "found"
};

int survey_cell(colony& on, output const& out, std::string const& key, std::vector<std::uint64_t> const& off);
int recover_cell(colony& on, output const& out, std::string const& key, recovery_wish const& wish);

} // namespace zooidctl
