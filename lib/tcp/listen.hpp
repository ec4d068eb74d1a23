// Listening: an address becomes a port where callers are taken, one after the other, until it is closed.
#pragma once

#include "tcp/stream.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <functional>

namespace zooid::tcp_detail {

/// True if this accepted descriptor is one of those that are kept for what is no connection. The system gives
/// the lowest that is free, so all below it are taken.
bool is_reserved(int descriptor, std::size_t reserved, std::uint16_t shards);

/// Everything happens on the executor; its owner keeps the only reference that lasts.
class port_listener final : public std::enable_shared_from_this<port_listener> {
  public:
    using taker = std::function<void(socket)>;

    explicit port_listener(executor const& e) : executor_(e), acceptor_(e), retry_(e) {}

    /// Nothing is done for an empty host. An error names the address.
    result<void> open(tcp_address const& at);
    /// From now on, if it is open. `take` may close it.
    void start(taker take);
    void close();
    /// That is listened on; 0 for none.
    std::uint16_t port() const { return port_; }

  private:
    void accept();
    void accept_later();

    executor executor_;
    asio::basic_socket_acceptor<asio::ip::tcp, executor> acceptor_;
    timer retry_;
    taker take_;
    std::uint16_t port_ = 0;
    bool closed_ = false;
};

} // namespace zooid::tcp_detail
