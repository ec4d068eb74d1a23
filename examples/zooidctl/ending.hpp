// A birth above an existing cell ends that one first: else clients that know only its servers would go on
// with it, and a fencing token would go back.
//
//   E1  The directory says which cell is born, and above which, before anything is sealed.
//   E2  It is founded when, in every configuration in which the older cell may choose, a majority is sealed
//       (lib/cell/PROTOCOL.md, X1), was never founded, or is gone with its disk, which counts only when every
//       server of the configuration answers. A majority that could have changed the members
//       without the sealed ones knowing is none: one of them would have accepted the change.
//   E3  An attempt that is taken up finds both cells in the directory, until the newer one is founded.
#pragma once

#include "cells.hpp"

#include <zooid/cell/recovery.hpp>

namespace zooidctl {

inline constexpr zooid::duration patience = std::chrono::seconds(2); ///< with one server that should answer

/// What the replica of a cell on one server says; waits for no longer than `wait`.
zooid::surveyed_server survey_one(colony& on, zooid::cell_id cell, zooid::server_id server,
                                  zooid::duration wait);

/// A cell that was founded, by a majority of its founders if it is one that goes on from, or ends, another.
bool is_founded(colony& on, zooid::directory_entry const& entry);

/// `unreachable` if too few members of the cell answer for it to be ended, `conflict` if its own birth or
/// recovery is unfinished. Changes nothing; but a server whose disk is empty, asked where that may be enough,
/// keeps a reservation of the older cell.
zooid::result<void> can_be_ended(colony& on, zooid::bytes const& key, zooid::directory_entry const& older);

/// Seals it for the cell that comes after it. `unreachable` says how many members of how many are sealed; it
/// may be repeated.
zooid::result<void> end_cell(colony& on, zooid::bytes const& key, zooid::directory_entry const& older,
                             zooid::successor_cell const& newer);

} // namespace zooidctl
