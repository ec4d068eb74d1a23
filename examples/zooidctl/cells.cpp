#include "cells.hpp"

#include "ending.hpp"

#include "support/value_json.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/base/system_key.hpp>
#include <zooid/cell/snapshot.hpp>
#include <zooid/server/server.hpp>
#include <zooid/tcp/hmac.hpp>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <unistd.h>

namespace zooidctl {

using namespace zooid;

std::vector<server_id> ids_of(std::vector<std::uint64_t> const& numbers) {
    std::vector<server_id> all;
    for (std::uint64_t n : numbers)
        all.push_back({n});
    return all;
}

std::vector<server_id> servers_of(configuration const& members) {
    std::vector<server_id> all;
    for (member const& m : members.members())
        all.push_back(m.server);
    return all;
}

boost::json::array numbers_of(std::vector<server_id> const& servers) {
    boost::json::array all;
    for (server_id s : servers)
        all.push_back(s.value);
    return all;
}

bool same_servers(std::vector<server_id> a, std::vector<server_id> b) {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a == b;
}

std::string quoted(bytes const& key) {
    return boost::json::serialize(support::json_of_key(key));
}

std::string listed(std::vector<server_id> const& servers) {
    std::string all;
    for (server_id server : servers)
        all += (all.empty() ? "" : ",") + to_string(server);
    return all;
}

std::string named(std::vector<server_id> const& servers) {
    std::string all = servers.size() > 1 ? "servers " : "server ";
    for (std::size_t i = 0; i < servers.size(); ++i)
        all += (i == 0 ? "" : " and ") + to_string(servers[i]);
    return all;
}

error on_server(server_id server, error const& e) {
    return error(e.code(), fmt::format("server {}: {}", to_string(server),
                                       e.detail().empty() ? name_of(e.code()) : e.detail()));
}

result<void> check_servers(colony const& on, std::vector<server_id> const& servers) {
    if (servers.size() % 2 == 0 || servers.size() > members_max) {
        return error(errc::invalid_argument,
                     fmt::format("{} replicas: a cell has an odd number of them, from 1 to {}",
                                 servers.size(), members_max));
    }
    for (std::size_t i = 0; i < servers.size(); ++i) {
        if (!servers[i]) return error(errc::invalid_argument, "server 0: a server's id is above 0");
        if (std::count(servers.begin(), servers.end(), servers[i]) > 1)
            return error(errc::invalid_argument,
                         fmt::format("server {} is named twice", to_string(servers[i])));
        bool const known = std::any_of(on.servers().begin(), on.servers().end(),
                                       [&](remote_server const& s) { return s.server == servers[i]; });
        if (!known)
            return error(errc::not_found, fmt::format("server {} is not among those of the configuration",
                                                      to_string(servers[i])));
    }
    return outcome::success();
}

// Step 1. The first server is the preferred proposer.
result<configuration> reserve(colony& on, cell_id cell, generation birth_of,
                              std::vector<server_id> const& servers) {
    std::vector<member> members;
    for (server_id server : servers) {
        auto const reply = on.ask(operation::reserve, server, cell, encode(reserve_request{cell, birth_of}));
        if (!reply) return on_server(server, reply.error());
        auto const m = decode_member(reply.value().payload);
        if (!m) return on_server(server, m.error());
        members.push_back(m.value());
    }
    if (!configuration::valid(members))
        return error(errc::malformed, "the reservations make no configuration");
    return configuration(members);
}

bytes founding_record(bytes const& key, directory_entry const& entry) {
    snapshot record;
    record.cell = entry.cell;
    record.key = key;
    record.birth = entry.birth;
    record.alpha = static_cast<std::uint8_t>(limits::alpha_default);
    record.configurations = {{{1}, entry.founders}};
    return encode(record);
}

bool is_recovery(fork_origin const& origin) {
    return origin.confirmed != digest{};
}

bool is_unfinished(directory_entry const& entry) {
    return entry.origin && !entry.origin->is_founded;
}

error unfinished_birth(bytes const& key, directory_entry const& entry) {
    std::string const on = listed(servers_of(entry.founders)), name = quoted(key);
    auto const birth = entry.birth.value;
    if (!is_recovery(*entry.origin))
        return error(errc::conflict,
                     fmt::format("a creation of generation {1} was begun on servers {2} and is not finished: "
                                 "repeat `zooidctl cell create {0} --on {2} --generation {1}`",
                                 name, birth, on));
    return error(errc::conflict, fmt::format("a recovery as generation {} was begun on servers {} and is not "
                                             "finished ({}): finish it by `zooidctl cell recover {} --on {}` "
                                             "with the same --off",
                                             birth, on, entry.origin->words, name, on));
}

namespace {

// Step 3.
void found(colony& on, bytes const& key, birth& b) {
    bytes const encoded = founding_record(key, b.entry);
    for (std::size_t i = 0; i < b.entry.founders.size(); ++i) {
        server_id const server = b.entry.founders[i].server;
        auto const reply = on.ask(operation::found, server, b.entry.cell, encoded);
        if (reply) {
            b.founded.insert(i);
        } else {
            b.missing.emplace(server, reply.error());
        }
    }
}

} // namespace

result<cell_id> draw_cell_id() {
    ZOOID_TRY(nonce const drawn, random_bytes());
    return reader(bytes_view(drawn.data(), drawn.size())).get<cell_id>();
}

namespace {

result<std::optional<found_entry>> entry_of(kv::observation const& seen) {
    if (!seen.content) return std::optional<found_entry>();
    auto const* content = std::get_if<bytes>(&*seen.content);
    if (!content) return error(errc::malformed, "the directory holds something else under this key");
    ZOOID_TRY(auto entry, decode_directory_entry(*content));
    return std::optional<found_entry>(found_entry{std::move(entry), seen.version});
}

} // namespace

result<std::optional<found_entry>> read_entry(colony& on, bytes const& key) {
    cell_id const directory = directory_cell_id(on.id(), directory_index(key));
    auto const reply = on.read(directory, kv::transaction().read(key));
    if (!reply) {
        if (reply.error() == errc::not_found)
            return error(errc::not_found, "the directory is not there: run `zooidctl colony init` first");
        return reply.error();
    }
    auto const* done = reply.value().committed();
    auto const* seen = done ? done->find(key) : nullptr;
    if (!seen) return error(errc::malformed, "the directory did not answer the read");
    return entry_of(*seen);
}

namespace {

// Step 2. Nothing if it was written; the entry that is in its place otherwise.
result<std::optional<found_entry>> write_entry(colony& on, bytes const& key, directory_entry const& entry,
                                               std::optional<found_entry> const& older) {
    kv::transaction t;
    t.require_unchanged(key, older ? older->at : version{});
    t.put(key, kv::value(encode(entry)));
    cell_id const directory = directory_cell_id(on.id(), directory_index(key));
    auto const reply = on.commit(directory, t);
    if (!reply) return reply.error();
    if (reply.value().is_committed()) return std::optional<found_entry>();
    return entry_of(reply.value().rejected()->met);
}

// What a later attempt has to know of the cell that is to be ended: it is not in the directory any more.
fork_origin origin_of(directory_entry const& older) {
    return {
        older.cell, older.birth, {}, {}, encode(directory_entry{older.cell, older.birth, older.founders})};
}

// Without it the founders are asked, which can tell only as long as a majority of them has the cell. So a
// failure here is no harm.
void note_founded(colony& on, bytes const& key, birth& b) {
    auto const there = read_entry(on, key);
    if (!there || !there.value() || !(there.value()->entry == b.entry)) return;
    directory_entry next = b.entry;
    next.origin->is_founded = true;
    auto const winner = decide_entry(on, key, next, there.value());
    if (winner && !winner.value()) b.entry = next;
}

// From the decision on.
result<birth> finish(colony& on, bytes const& key, birth b, std::string const& stop_after) {
    bool const ends_another = is_unfinished(b.entry);
    if (ends_another && !is_founded(on, b.entry)) {
        ZOOID_TRY(auto const older, decode_directory_entry(b.entry.origin->words));
        ZOOID_TRY(end_cell(on, key, older, {b.entry.cell, b.entry.birth, b.entry.founders}));
        maybe_die(stop_after, "end");
    }
    found(on, key, b);
    if (ends_another && b.has_quorum()) note_founded(on, key, b);
    return b;
}

// A founder that refuses the founding record may have left, or come back as another member.
std::optional<configuration> members_since(colony& on, birth const& b) {
    bool const refused = std::any_of(b.missing.begin(), b.missing.end(), [](auto const& one) {
        return one.second == errc::conflict || one.second == errc::already_exists;
    });
    if (!refused) return std::nullopt;
    auto const located = on.locate(b.entry.cell);
    if (!located || located.value().members == b.entry.founders) return std::nullopt;
    return located.value().members;
}

result<birth> resume(colony& on, bytes const& key, found_entry const& there, birth_wish const& wish) {
    directory_entry const& e = there.entry;
    bool const was_recovered = e.origin && is_recovery(*e.origin);
    if (was_recovered && is_unfinished(e)) return unfinished_birth(key, e);
    if (was_recovered)
        return error(errc::already_exists,
                     fmt::format("key {} was recovered as generation {}", quoted(key), e.birth.value));
    std::string const what =
        fmt::format("key {} has generation {}, cell {}, founded on servers {}", quoted(key), e.birth.value,
                    to_string(e.cell), listed(servers_of(e.founders)));
    if (e.birth != wish.birth || !same_servers(servers_of(e.founders), wish.on))
        return error(errc::already_exists, what);
    birth b;
    b.entry = e;
    b.existed = true;
    ZOOID_TRY(auto finished, finish(on, key, std::move(b), wish.stop_after));
    if (auto const moved = members_since(on, finished))
        return error(errc::already_exists,
                     fmt::format("{}; its members were replaced since, and it is on servers {} now", what,
                                 listed(servers_of(*moved))));
    return finished;
}

} // namespace

void maybe_die(std::string const& stop_after, std::string_view step) {
    if (stop_after == step) (void)::kill(::getpid(), SIGKILL);
}

result<std::optional<found_entry>> decide_entry(colony& on, bytes const& key, directory_entry const& entry,
                                                std::optional<found_entry> const& older) {
    auto winner = write_entry(on, key, entry, older);
    bool const unknown = !winner && winner.error() == errc::outcome_unknown;
    if (unknown) winner = read_entry(on, key);
    if (!winner) return winner.error();
    if (winner.value() && winner.value()->entry == entry) return std::optional<found_entry>();
    // What is there now says nothing of a write that is still under way somewhere: nothing may be founded
    // yet.
    bool const open = unknown && (!winner.value() || (older && winner.value()->entry == older->entry));
    if (open) return error(errc::outcome_unknown, "the directory did not answer in time");
    return winner;
}

namespace {

result<directory_entry> directory_cell_of(colony& on, bytes const& key) {
    for (std::uint32_t i = 0; i < directory_cells; ++i) {
        if (directory_key(i) == key) return directory_entry{directory_cell_id(on.id(), i), {1}, {}};
    }
    return error(errc::not_found,
                 fmt::format("{} is none of the directory's {} cells", quoted(key), directory_cells));
}

} // namespace

result<directory_entry> look_up(colony& on, bytes const& key) {
    if (is_system_key(key)) return directory_cell_of(on, key);
    ZOOID_TRY(auto const there, read_entry(on, key));
    if (!there) return error(errc::not_found, "the directory does not know key " + quoted(key));
    return there->entry;
}

// The id is a function of the colony, so a repeated founding meets its own reservations, or itself.
result<birth> found_directory_cell(colony& on, std::uint32_t index, std::vector<server_id> const& servers) {
    ZOOID_TRY(check_servers(on, servers));
    birth b;
    b.entry.cell = directory_cell_id(on.id(), index);
    b.entry.birth = {1};
    auto const located = on.locate(b.entry.cell);
    if (located) {
        b.existed = true;
        b.entry.founders = located.value().members;
        if (!same_servers(servers_of(b.entry.founders), servers))
            return error(errc::already_exists, directory_key(index) + " was founded on other servers");
    } else if (located.error() == errc::not_found) {
        ZOOID_TRY(b.entry.founders, reserve(on, b.entry.cell, b.entry.birth, servers));
    } else {
        return located.error();
    }
    found(on, directory_key(index), b);
    return b;
}

result<birth> create_cell(colony& on, bytes const& key, birth_wish const& wish) {
    ZOOID_TRY(check_partition_key(key));
    ZOOID_TRY(check_servers(on, wish.on));
    ZOOID_TRY(auto const there, read_entry(on, key));
    if (there && there->entry.birth >= wish.birth) return resume(on, key, *there, wish);
    birth b;
    b.entry.birth = wish.birth;
    if (there) {
        ZOOID_TRY(can_be_ended(on, key, there->entry));
        b.entry.origin = origin_of(there->entry);
    }
    ZOOID_TRY(b.entry.cell, draw_cell_id());
    ZOOID_TRY(b.entry.founders, reserve(on, b.entry.cell, wish.birth, wish.on));
    ZOOID_TRY(auto const winner, decide_entry(on, key, b.entry, there));
    if (winner) return resume(on, key, *winner, wish);
    maybe_die(wish.stop_after, "directory");
    return finish(on, key, std::move(b), wish.stop_after);
}

} // namespace zooidctl
