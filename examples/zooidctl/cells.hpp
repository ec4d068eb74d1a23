// Births: the directory's cells, and cells that it then names.
//
// A creation goes through three steps, and may be interrupted after any of them:
//   1  reserve: each server draws a replica id for the new cell id and makes it durable. Interrupted here,
//      the reservations hold a few bytes and never vote; the next attempt draws another cell id.
//   2  the directory: a conditional write of the whole entry under the key. From here on the birth is
//      decided: whoever repeats the command, or loses the race, finds this entry and goes on with it.
//   3  found: every server gets the same immutable founding record. It may be repeated at will.
// A birth above an older generation ends that one between 2 and 3 (ending.hpp).
#pragma once

#include "colony.hpp"

#include <zooid/discovery/directory.hpp>

#include <boost/json/array.hpp>

#include <map>
#include <optional>

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

struct birth_wish {
    zooid::generation birth{1};
    std::vector<zooid::server_id> on;
    std::string stop_after{}; ///< for tests: die after this step, "directory" or "end"
};

/// `already_exists` if the key is bound to a cell that was born elsewhere, or to a generation that is not
/// older than the one wished for. An older generation is ended first: see ending.hpp for what keeps it from
/// that.
zooid::result<birth> create_cell(colony& on, zooid::bytes const& key, birth_wish const& wish);

/// `not_found` if the directory does not know the key. The directory's own cells have no entry: they follow
/// from the colony, without founders.
zooid::result<zooid::directory_entry> look_up(colony& on, zooid::bytes const& key);

// ---- the steps, for births of another kind

/// An entry of the directory, and the version at which a conditional write replaces it.
struct found_entry {
    zooid::directory_entry entry;
    zooid::version at;
};

/// Nothing if the directory does not know the key.
zooid::result<std::optional<found_entry>> read_entry(colony& on, zooid::bytes const& key);
/// Replaces `older`, or writes where there is none. Nothing if it was written; otherwise what is in its
/// place. After a lost answer it looks, and is `outcome_unknown` if that tells nothing.
zooid::result<std::optional<found_entry>> decide_entry(colony& on, zooid::bytes const& key,
                                                       zooid::directory_entry const& entry,
                                                       std::optional<found_entry> const& older);
zooid::result<void> check_servers(colony const& on, std::vector<zooid::server_id> const& servers);
zooid::result<zooid::configuration> reserve(colony& on, zooid::cell_id cell, zooid::generation birth_of,
                                            std::vector<zooid::server_id> const& servers);
zooid::result<zooid::cell_id> draw_cell_id();
zooid::bytes founding_record(zooid::bytes const& key, zooid::directory_entry const& entry);
/// It goes on from a cell that lost its majority; else it was created above one, which it ended.
bool is_recovery(zooid::fork_origin const& origin);
/// It goes on from, or ends, another one, and the directory does not say yet that it was founded.
bool is_unfinished(zooid::directory_entry const& entry);
/// `conflict`: what finishes an unfinished one.
zooid::error unfinished_birth(zooid::bytes const& key, zooid::directory_entry const& entry);
std::vector<zooid::server_id> ids_of(std::vector<std::uint64_t> const& numbers);
std::vector<zooid::server_id> servers_of(zooid::configuration const& members);
boost::json::array numbers_of(std::vector<zooid::server_id> const& servers);
bool same_servers(std::vector<zooid::server_id> a, std::vector<zooid::server_id> b);
/// For tests: as SIGKILL at this point.
void maybe_die(std::string const& stop_after, std::string_view step);
std::string quoted(zooid::bytes const& key);
zooid::error on_server(zooid::server_id server, zooid::error const& e);
std::string listed(std::vector<zooid::server_id> const& servers); ///< "1,2,3"
std::string named(std::vector<zooid::server_id> const& servers);  ///< "server 1", "servers 1 and 2"

} // namespace zooidctl
