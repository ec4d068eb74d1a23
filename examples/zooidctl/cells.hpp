// Births: the directory's cells, and cells that it then names.
//
// A creation goes through three steps, and may be interrupted after any of them:
//   1  reserve: each server draws a replica id for the new cell id and makes it durable. Interrupted here,
//      the reservations hold a few bytes and never vote; the next attempt draws another cell id.
//   2  the directory: a conditional write of the whole entry under the key. From here on the birth is
//      decided: whoever repeats the command, or loses the race, finds this entry and goes on with it.
//   3  found: every server gets the same immutable founding record. It may be repeated at will.
#pragma once

#include "colony.hpp"

#include <zooid/discovery/directory.hpp>

#include <map>

namespace zooidctl {

struct birth {
    zooid::directory_entry entry;
    bool existed = false;                             ///< somebody had decided it before
    std::map<zooid::server_id, zooid::error> missing; ///< servers that did not take the founding record
    bool has_quorum() const { return entry.founders.is_quorum(founded); }
    zooid::member_set founded;
};

/// Founds one directory cell. `already_exists` if it lives on other servers.
zooid::result<birth> found_directory_cell(colony& on, std::uint32_t index,
                                          std::vector<zooid::server_id> const& servers);

/// `already_exists` if the key is bound to a cell that was born elsewhere, or to a generation that is not
/// older than `wanted`.
zooid::result<birth> create_cell(colony& on, zooid::bytes const& key, zooid::generation wanted,
                                 std::vector<zooid::server_id> const& servers);

/// `not_found` if the directory does not know the key.
zooid::result<zooid::directory_entry> look_up(colony& on, zooid::bytes const& key);

} // namespace zooidctl
