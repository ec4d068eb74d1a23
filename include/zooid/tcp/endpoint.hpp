// The transport over TCP, for one shard of a server.
#pragma once

#include <zooid/base/time.hpp>
#include <zooid/tcp/socket.hpp>
#include <zooid/transport/transport.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zooid {

/// Where a server listens. `host` is an address literal or a name; names are resolved by Asio, which
/// keeps a thread of its own for that: use literals where no extra thread is wanted.
struct tcp_address {
    std::string host;
    std::uint16_t port = 0;
};

struct tcp_peer {
    server_id server;
    tcp_address address;
};

struct tcp_endpoint_options {
    server_id self;
    life_id life;       ///< drawn at this start of the process
    shard_place place;  ///< which of this server's shards this endpoint serves
    key_ring keys;      ///< a server's ring
    tcp_address listen; ///< empty host: dial and `adopt` only; port 0: any, see `port()`
    std::vector<tcp_peer> peers{};
    /// From accepting until up. A dial has it twice: until connected, and from then until up.
    duration handshake_timeout = std::chrono::seconds(5);
    /// The first wait before dialling again; it doubles until a pulse comes.
    duration backoff_min = std::chrono::milliseconds(20);
    duration backoff_max = std::chrono::seconds(3); ///< waits are jittered: between half and whole
    std::size_t queue_bytes_max = 16 << 20;         ///< for each link; at least one frame
    std::size_t connections_max = 1024;             ///< accepted: clients, and who is not proven yet
    /// Descriptors of the process that no accepted connection may take, and 8 more for each of the server's
    /// shards: stores open files, and peers are dialled, however many connections come. At most half of what
    /// RLIMIT_NOFILE allows.
    std::size_t descriptors_reserved = 64;
};

/// Keeps one connection for each lane: to every shard of a peer that its own is joined with, and to no other.
/// How many shards a peer has it learns from the first that answers. Both ends dial; when two connections
/// meet, the one that the lower server id dialled is kept. A connection that breaks is dialled again with
/// exponential back-off and jitter for as long as the endpoint lives.
///
/// Everything runs on the executor given, which must not run two handlers at once: an io_context that one
/// thread runs, or a strand. No threads. Calls are made on it too; `open` and destruction may happen anywhere
/// while it does not run. Frames that callbacks queue leave in one write for each peer when the callbacks of
/// one read are done. A connection that says goodbye lingers on the executor for up to a second.
class tcp_endpoint final : public transport {
  public:
    /// Listens, and starts to dial. `invalid_argument` for a zero or duplicate id, foreign keys, or an
    /// address that is none; `in_use`, `permission_denied`, `io_failed` for the listening socket, naming the
    /// address. `listener` outlives the endpoint.
    static result<std::unique_ptr<tcp_endpoint>>
    open(boost::asio::any_io_executor executor, tcp_endpoint_options options, transport_listener& listener);
    ~tcp_endpoint() override;
    /// What `open` would say of the options, the address to listen on apart.
    static result<void> check(tcp_endpoint_options const& options);

    /// The port that is listened on; zero if none.
    std::uint16_t port() const;
    /// Learns or changes where a peer is; an existing link stays.
    void set_peer(tcp_peer const& peer);
    /// Takes over a connection that somebody else accepted (tcp_acceptor), as if it had been accepted here.
    void adopt(tcp_socket accepted);
    /// Refuses new connections, dials no more, says goodbye to everybody. Queued frames are written as far as
    /// the sockets take them now. No callback comes after it.
    void stop();

    /// To a peer with one lane to here, or over any of several.
    result<void> send(server_id to, channel on, bytes_view payload) override;
    /// Over the lane to that shard of the peer.
    result<void> send(server_id to, std::uint16_t shard, channel on, bytes_view payload);
    result<void> reply(link_id client, bytes_view payload) override;
    void flush() override;
    bool is_up(server_id peer) const override;
    transport_statistics statistics() const override;

    class impl;

  private:
    explicit tcp_endpoint(std::shared_ptr<impl> made);
    std::shared_ptr<impl> impl_;
};

} // namespace zooid
