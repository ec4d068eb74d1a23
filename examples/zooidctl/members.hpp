// Moves: a cell is put on other servers step by step, while its clients go on.
//
// A step replaces one member; where the numbers differ, the last steps add two members or drop two. Each is
// computed from the newest configuration, and void if that is no longer the newest when it is chosen: two
// operators can't undo each other's work without noticing. The next one waits until the last was released, so
// that at no time more than two servers besides the members are needed. A move that is interrupted is taken
// up by repeating the command: it looks at what is there and goes on.
#pragma once

#include "cells.hpp"

#include <zooid/server/server.hpp>

#include <vector>

namespace zooidctl {

/// One change of a cell's members: one for one, two more, or two fewer.
struct step {
    std::vector<zooid::server_id> out;
    std::vector<zooid::server_id> in;
    zooid::slot at; ///< where the change was chosen
    zooid::duration took{};
};

/// The next step on the way from `now` to `wanted`; an empty one when nothing is left to do. A wanted server
/// that lost its member, with its disk, takes its own place as another member, before anything else. A
/// newcomer takes the place of who leaves, and is last in the order of preference where nobody does. Requires
/// odd numbers of servers.
step next_step(zooid::configuration const& now, std::vector<zooid::server_id> const& wanted,
               std::vector<zooid::server_id> const& lost);

/// The newest configuration that any reachable member knows.
zooid::result<zooid::members_description> describe_members(colony& on, zooid::directory_entry const& cell);

/// `conflict` if somebody else changed the cell meanwhile; `unreachable` if a newcomer does not catch up;
/// `invalid_argument` or `not_found` if no cell can be on the wanted servers. `conflict`, too, as long as the
/// directory does not say that a recovery, or a birth above another cell, was founded.
zooid::result<std::vector<step>> move_cell(colony& on, zooid::bytes const& key,
                                           std::vector<zooid::server_id> const& wanted);

/// Changes the order in which servers are preferred for the proposer: the members in the order of `wanted`,
/// which has to name the servers that the cell is on. Disturbs nobody; the slot is 0 if that is the order
/// already.
zooid::result<zooid::slot> prefer_servers(colony& on, zooid::bytes const& key,
                                          std::vector<zooid::server_id> const& wanted);

/// The cell's proposer hands over to its replica on `server`, and this returns when that one leads. Where
/// nobody leads, somebody is made to first.
zooid::result<void> hand_lead_to(colony& on, zooid::bytes const& key, zooid::server_id server);

/// Finalises a version for one cell: raises the cell to it. `unsupported_version` unless the software of
/// every member, all of them up, understands it. A cell that has the version already is left alone: then the
/// slot is 0.
zooid::result<zooid::slot> finalise_version(colony& on, zooid::bytes const& key, std::uint16_t to);

} // namespace zooidctl
