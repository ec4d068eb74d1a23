// Connecting: an address becomes a socket, or an error that names it.
#pragma once

#include "tcp/stream.hpp"

#include <functional>

namespace zooid::tcp_detail {

/// Connects in the background and calls `done` once, on the socket's executor, unless it is dropped first. It
/// has no time limit of its own: `cancel` it.
class dial : public std::enable_shared_from_this<dial> {
  public:
    using completion = std::function<void(result<void>, socket)>;

    dial(executor e, tcp_address address, completion done);
    void start();
    /// Ends it; `done` is not called.
    void cancel();

  private:
    void try_next();
    void finish(result<void> outcome);
    std::string words(error_code const& failure) const;

    asio::ip::basic_resolver<asio::ip::tcp, executor> resolver_;
    socket socket_;
    tcp_address address_;
    completion done_;
    std::vector<asio::ip::tcp::endpoint> candidates_; // the next one last
};

/// "host:port".
std::string to_string(tcp_address const& address);

} // namespace zooid::tcp_detail
