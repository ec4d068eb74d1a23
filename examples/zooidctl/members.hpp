// Moves: the members of a cell are replaced one by one, while its clients go on.
//
// Each replacement is computed from the newest configuration, and void if that is no longer the newest when
// it is chosen: two operators can't undo each other's work without noticing. The next one waits until the
// last was released, so that at no time more than one server besides the members is needed. A move that is
// interrupted is taken up by repeating the command: it looks at what is there and goes on.
#pragma once

#include "cells.hpp"

#include <zooid/server/server.hpp>

#include <vector>

namespace zooidctl {

struct replacement {
    zooid::server_id out;
    zooid::server_id in;
    zooid::slot at; ///< where the change was chosen
    zooid::duration took{};
};

/// What is next on the way from `now` to `wanted`: a server that is to leave, and one to take its place;
/// zeros when nothing is left to do. A wanted server that lost its member, with its disk, takes its own place
/// as another member, before anything else. Servers keep the order of `wanted` in the end, since a newcomer
/// takes the place of who leaves.
replacement next_replacement(zooid::configuration const& now, std::vector<zooid::server_id> const& wanted,
                             std::vector<zooid::server_id> const& lost);

/// The newest configuration that any reachable member knows.
zooid::result<zooid::members_description> describe_members(colony& on, zooid::directory_entry const& cell);

/// `conflict` if somebody else changed the cell meanwhile; `unreachable` if a newcomer does not catch up.
zooid::result<std::vector<replacement>> move_cell(colony& on, zooid::bytes const& key,
                                                  std::vector<zooid::server_id> const& wanted);

/// Changes the order in which servers are preferred for the proposer: the members in the order of `wanted`,
/// which has to name the servers that the cell is on. Disturbs nobody; the slot is 0 if that is the order
/// already.
zooid::result<zooid::slot> prefer_servers(colony& on, zooid::bytes const& key,
                                          std::vector<zooid::server_id> const& wanted);

/// The cell's proposer hands over to its replica on `server`, and this returns when that one leads.
zooid::result<void> hand_lead_to(colony& on, zooid::bytes const& key, zooid::server_id server);

/// Finalises a version for one cell: raises the cell to it. `unsupported_version` unless the software of
/// every member, all of them up, understands it. A cell that has the version already is left alone: then the
/// slot is 0.
zooid::result<zooid::slot> finalise_version(colony& on, zooid::bytes const& key, std::uint16_t to);

} // namespace zooidctl
