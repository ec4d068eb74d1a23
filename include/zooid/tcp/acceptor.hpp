// Listens for all shards of a server: one address, whatever the number of shards.
//
// It looks at the first bytes of each connection without taking them, and hands the socket to the shard that
// goes on with it: a server's to the shard that it dialled, clients to one shard after the other. What the
// bytes say is not proven; a wrong guess costs the connection, or a detour, and never safety. A server with
// one shard needs none: its endpoint listens itself.
#pragma once

#include <zooid/tcp/endpoint.hpp>

#include <functional>

namespace zooid {

struct tcp_acceptor_options {
    tcp_address listen;                                     ///< port 0: any, see `port()`
    std::uint16_t shards = 1;                               ///< to hand connections to
    duration first_bytes_timeout = std::chrono::seconds(5); ///< then shard 0 may find out what is wrong
    std::size_t waiting_max = 1024;                         ///< connections that said nothing yet
    std::size_t descriptors_reserved = 64;                  ///< as tcp_endpoint_options says
};

/// Everything runs on the executor given, which must be serial; other rules as for tcp_endpoint.
class tcp_acceptor {
  public:
    /// Called on the executor; it usually posts to the executor of the shard's endpoint, which `adopt`s it.
    using taker = std::function<void(std::uint16_t shard, tcp_socket accepted)>;

    /// Listens; errors as `tcp_endpoint::open`.
    static result<std::unique_ptr<tcp_acceptor>> open(boost::asio::any_io_executor executor,
                                                      tcp_acceptor_options const& options, taker take);
    /// Takes nothing more; what has not been handed over is closed.
    ~tcp_acceptor();

    /// Accepts from here on. Called on the executor, once.
    void start();
    void stop();                ///< as destruction
    std::uint16_t port() const; ///< that is listened on

    class impl;

  private:
    explicit tcp_acceptor(std::shared_ptr<impl> made);
    std::shared_ptr<impl> impl_;
};

} // namespace zooid
