// The transport: what a server needs of a network, and a specification for who implements one.
//
// A transport carries opaque frames between the servers of a colony, and between clients and servers. What it
// must guarantee is little, and what it must not pretend is as important:
//   T1  Identity. `from` in a callback is who sent the frame: proven, not claimed. A frame that `from` did
//       not send, or that was changed on the way, is never delivered.
//   T2  Order and once. On one link frames arrive in the order sent, each at most once. Between a down and
//       the next up any number may be lost, at both ends and without notice.
//   T3  No delivery promise. `send` that succeeded says that the frame was queued, and nothing else. Whoever
//       needs more (the cells, the client) repeats.
//   T4  Bounded. Queues are bounded in bytes for each peer; a full one refuses at once and counts it. A slow
//       peer never delays another. Pulses don't queue behind other channels.
//   T5  One link per (peer, shard of the peer) is used at any time: `on_peer_up` and `on_peer_down`
//       alternate, and frames come only between them. A peer with another life is a new link: down first,
//       then up.
//   T6  Everything happens on the owner's executor: calls go in on it, callbacks come out on it, never inside
//       of a call of `send`, `reply` or `flush`. Callbacks may call the transport, and may not destroy it.
//   T7  After destruction no callback comes.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/error.hpp>
#include <zooid/base/ids.hpp>
#include <zooid/transport/session.hpp>

#include <string>

namespace zooid {

/// A client's connection at this server; never used again within a life.
using link_id = tagged<struct link_tag>;

/// Who asks: the link to answer on, and what its keys prove that it may do.
struct requester {
    link_id link;
    party_role role = party_role::client;
};

enum class channel : std::uint8_t {
    pulse, ///< liveness between servers: small, rare, urgent
    cells, ///< everything else between servers
};

/// A handshake that failed, or a connection that ended for a reason worth telling an operator.
struct refused_connection {
    std::string address; ///< of the other end, as text
    server_id peer;      ///< whom we dialled, or who proved itself; zero when nobody knows
    close_reason reason = close_reason::none;
    bool by_peer = false; ///< it was the other end that refused
    error failure;        ///< what and where, in words
};

/// Implemented by who uses a transport: the server room. Views end with the call.
class transport_listener {
  public:
    virtual ~transport_listener() = default;

    /// What to claim towards a peer (or empty): journals, lives, and what was heard of the peer.
    virtual bytes claims_for(server_id peer) = 0;
    /// Another connection proved itself as a peer whose link is up, and would take its place. Return an error
    /// to keep the present one: the other is refused.
    virtual result<void> may_replace_link(hello const&) { return outcome::success(); }
    /// `peer.claims` is what the peer claims. Return an error to refuse it: the peer is told, and tries
    /// again at growing intervals.
    virtual result<void> on_peer_up(hello const& peer) = 0;
    virtual void on_frame(server_id from, channel on, bytes_view payload) = 0;
    virtual void on_peer_down(server_id peer, error const& why) = 0; ///< what was queued may be lost
    /// The same, naming the shard of the peer; called in their place. Who has one link to each peer, as every
    /// server with one shard has to every other such server, need not care.
    virtual void on_lane_frame(server_id from, std::uint16_t, channel on, bytes_view payload) {
        on_frame(from, on, payload);
    }
    virtual void on_lane_down(server_id peer, std::uint16_t, error const& why) { on_peer_down(peer, why); }

    /// Requests are the envelopes of request.hpp; answer with `transport::reply`, in any order, at any time.
    virtual void on_request(requester from, bytes_view request) = 0;
    virtual void on_client_up(link_id, hello const&) {} ///< it proved itself: requests may come
    virtual void on_client_down(link_id) {}

    virtual void on_refused(refused_connection const&) {} ///< for an operator
};

struct transport_statistics {
    session_statistics frames;
    std::uint64_t reads = 0;  ///< system calls that brought bytes: about packets
    std::uint64_t writes = 0; ///< system calls that took bytes: about packets
    std::uint64_t links_opened = 0;
    std::uint64_t links_refused = 0;
    std::uint64_t dropped_unreachable = 0; ///< frames for a peer, or replies for a client, that is not up
    std::size_t peers_up = 0;
    std::size_t clients_up = 0;
};

/// Destruction drops all links without a word to the listener; calls in flight end silently.
class transport {
  public:
    virtual ~transport() = default;

    /// Queues a frame for a peer. `unreachable`: no link (counted); `overloaded`: its queue is full
    /// (counted); `too_large`: beyond wire::payload_bytes_max.
    virtual result<void> send(server_id to, channel on, bytes_view payload) = 0;
    /// Queues a reply for a client. Errors as `send`; `unreachable` if that client has gone.
    virtual result<void> reply(link_id client, bytes_view payload) = 0;
    /// Ends the turn: everything queued leaves now, one write for each peer. What is not flushed leaves by
    /// itself soon after, at the latest when the owner's executor gets to it.
    virtual void flush() = 0;
    virtual bool is_up(server_id peer) const = 0; ///< to every shard of it that there is a lane to
    virtual transport_statistics statistics() const = 0;
};

/// Implemented by who uses a client link: the client.
class client_link_listener {
  public:
    virtual ~client_link_listener() = default;
    virtual void on_up(hello const& server) = 0; ///< it proved itself; at most once, and first
    virtual void on_reply(bytes_view reply) = 0; ///< the view ends with the call
    /// Once, last; also for a connection that never came up. Never inside of a call of the link's.
    virtual void on_down(close_reason reason, error const& why) = 0;
};

/// A client's connection to one server; T1 to T4, T6 and T7 hold here too. Destruction hangs up.
class client_link {
  public:
    virtual ~client_link() = default;
    /// Queues a request envelope. `unreachable` unless up, `overloaded`, `too_large`.
    virtual result<void> send(bytes_view request) = 0;
    virtual void flush() = 0; ///< as `transport::flush`
    virtual bool is_up() const = 0;
};

} // namespace zooid
