// A server's host of cells: everything between the network, the journal and the replicas, as a value.
//
// It works in turns. In a turn the owner hands in whatever arrived (frames, requests, flushes, time), then
// calls `finish`, and carries out the output: at most one append to the journal for all cells that became
// ready, and one frame per peer. Messages that wait for a flush leave in the turn in which the journal
// reports it.
//
//     s.on_frame(now, peer, channel::cells, payload);  s.on_persisted(now, sequence);  s.wake(now); ...
//     s.finish(now, out);
//     for (auto const& f : out.frames) transport.send(f.to, f.on, f.payload);
//     for (auto const& r : out.replies) transport.reply(r.to, r.payload);
//
// Cost follows work: an idle cell has no timer, sends nothing, and is not visited. Pulses are between
// servers, one per pair and interval, whatever the number of cells.
//
// Thread safety: one owner, one thread at a time. The journal belongs to the same executor.
#pragma once

#include <zooid/journal/journal.hpp>
#include <zooid/server/options.hpp>
#include <zooid/transport/request.hpp>
#include <zooid/transport/transport.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zooid {

struct output_frame {
    server_id to;
    channel on = channel::cells;
    bytes payload;
};
struct output_reply {
    link_id to;
    bytes payload;
};

/// What a turn asks of the owner. The owner may reuse it: `finish` replaces the content.
struct server_output {
    std::vector<output_frame> frames;
    std::vector<output_reply> replies;
    std::vector<server_event> events;
    std::vector<durable_fact> facts;

    void clear();
    bool empty() const { return frames.empty() && replies.empty() && events.empty() && facts.empty(); }
};

class server {
  public:
    /// A server of what its journal held; nothing votes before `on_secured`. The journal outlives the server
    /// and was opened with `identity.life`; `journal` names it. Replicas whose voting state was damaged come
    /// back quarantined and are reported in the first output.
    server(server_options const& options, server_identity const& identity, machine_kind machines,
           zooid::journal& journal, journal_id id, recovered_journal const& recovered);
    ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    /// The servers to pulse; all others are strangers until they connect.
    void set_peers(std::vector<server_id> peers);

    // What arrives. Each may be called any number of times before `finish`.
    void on_secured(time_point now);
    /// As the journal's listener hears it (journal_listener): persisted, failed, damage_found.
    void on_persisted(time_point now, std::uint64_t through);
    void on_journal_failed(time_point now, error const& reason);
    void on_damage(time_point now, journal_damage const& damage);
    /// What to put into the handshake with this peer.
    bytes claims_for(server_id peer) const;
    /// Another connection proved itself as this peer while a link is up: an error if that has to stay, since
    /// `on_peer_up` would refuse the claims of the new one.
    result<void> may_replace_link(time_point now, server_id peer, life_id life, bytes_view claims) const;
    /// Refuses, with `wrong_owner`, a peer whose claims show that our journal or its own was rolled back. (One
    /// that knows so of its own is let in, as a learner; but if another process was heard as that server,
    /// only after a pulse timeout without it, or its word that it stops.) Refuses, with `malformed` or
    /// `unsupported_version`, one whose claims can't be read.
    result<void> on_peer_up(time_point now, server_id peer, life_id life, bytes_view claims);
    void on_peer_down(time_point now, server_id peer);                             ///< as the transport says
    void on_frame(time_point now, server_id from, channel on, bytes_view payload); ///< any bytes
    /// `permission_denied` for what needs an admin (request.hpp), and for a commit to a cell of the
    /// directory, unless an admin or a server asks.
    void on_request(time_point now, requester from, bytes_view request);
    void on_client_down(link_id client); ///< what it asked for goes on
    /// Time passed; call it at `deadline()`.
    void wake(time_point now);
    /// Refuses new requests, resigns every lead at once, and sends each connected peer a pulse that says that
    /// it stops.
    void stop(time_point now);

    /// Ends the turn.
    void finish(time_point now, server_output& out);
    /// When `wake` is due next.
    time_point deadline() const;

    bool is_stopping() const;
    /// No request waits and everything appended is durable (or the journal is latched).
    bool is_quiet() const;
    /// Walks over all cells, for `replica_bytes`: for a report every few seconds, not for each turn.
    server_statistics statistics() const;
    sometimes_set const& marks() const;
    liveness const& servers() const;
    std::vector<cell_id> cells() const;                     ///< hosted; not those that left
    std::optional<explanation> explain(cell_id cell) const; ///< nothing if it is not here
    /// The replica and its state machine, for invariants and tests; null if the cell is not here.
    replica const* find_replica(cell_id cell) const;
    state_machine const* find_machine(cell_id cell) const;

    class host; ///< the inside; private to the room

  private:
    std::unique_ptr<host> host_;
};

// ---- admin payloads of transport/request.hpp

/// `reserve`: asks this server for a replica of `cell`, to be born in `birth`. The server draws the replica
/// id, makes it durable, and only then answers with the member. Asking again gives the same member, until
/// a configuration names it (`already_exists`).
struct reserve_request {
    cell_id cell;
    generation birth;
};
bytes encode(reserve_request const& r); ///< decoding: `malformed` for other bytes; here and below
result<reserve_request> decode_reserve_request(bytes_view in);
bytes encode(member const& m);
result<member> decode_member(bytes_view in);

/// `describe_members`: from what a change of members is computed, and whether the last one is released.
struct members_description {
    slot base;             ///< what a change computed from `newest` has to name
    configuration newest;  ///< chosen
    bool changing = false; ///< a change is chosen and not released: nothing of the cell may be destroyed yet
    std::uint16_t cell_version = 1; ///< as this replica knows it
};
bytes encode(members_description const& d);
result<members_description> decode_members_description(bytes_view in);

} // namespace zooid
