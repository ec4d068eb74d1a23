// The load generator's side: one connection to each server, and requests as envelopes, without a client
// library.
//
// Why not the remote client: what is to be measured is what a server answers, and on a machine whose few CPUs
// servers and load share, each microsecond of the load generator's is one that the servers don't get. The
// requests are those of the real client, though: each commit is a transaction within a session (client,
// sequence, as_of), sent again under the same sequence if its proposer changed.
#pragma once

#include "system.hpp"

#include <zooid/tcp/connection.hpp>
#include <zooid/transport/request.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace latency {

struct server_address {
    zooid::server_id server;
    std::uint16_t port = 0;
};

/// Connections to all servers of a colony on this machine. One thread, `io()`, runs everything.
class client_links {
  public:
    using handler = std::function<void(zooid::reply const&)>;

    client_links(std::vector<server_address> const& servers, zooid::key_ring keys);
    ~client_links();
    client_links(client_links const&) = delete;
    client_links& operator=(client_links const&) = delete;

    /// Connects to all; throws if that takes longer than `patience`.
    void connect(std::chrono::nanoseconds patience);
    /// Queues a request; `then` is called with the reply. Throws if the server is not connected.
    void ask(zooid::server_id to, zooid::request r, handler then);
    void flush();
    /// Asks, and runs until the reply is there. A server that is still recovering is asked again.
    zooid::bytes ask_and_wait(zooid::server_id to, zooid::request r);
    /// Runs until `done()`; throws after `patience`.
    void run_until(std::function<bool()> const& done, std::chrono::nanoseconds patience,
                   std::string const& what);
    boost::asio::io_context& io() { return io_; }
    std::vector<zooid::server_id> servers() const;

  private:
    class link;

    boost::asio::io_context io_{1};
    std::map<zooid::server_id, std::unique_ptr<link>> links_;
    std::unordered_map<std::uint64_t, handler> waiting_;
    std::uint64_t correlations_ = 0;
};

} // namespace latency
