// A network inside one process, for tests: no sockets, no keys, no time. Everything happens in `deliver`.
#pragma once

#include <zooid/transport/transport.hpp>

#include <memory>

namespace zooid {

/// Connects the transports that it makes. Perfect, first in first out, until links are cut. One thread.
/// Outlives its transports and client links.
class loopback_network_for_tests {
  public:
    loopback_network_for_tests();
    ~loopback_network_for_tests();
    loopback_network_for_tests(loopback_network_for_tests const&) = delete;
    loopback_network_for_tests& operator=(loopback_network_for_tests const&) = delete;

    /// A server joins; destroying its transport is its crash. `listener` outlives the transport.
    std::unique_ptr<transport> attach(server_id server, life_id life, transport_listener& listener);
    /// A client dials a server that may or may not be there.
    std::unique_ptr<client_link> connect(server_id to, principal_id principal, client_link_listener& listener,
                                         party_role role = party_role::client);

    /// Cuts or heals both ways. What is under way is lost by a cut.
    void cut(server_id a, server_id b);
    void heal(server_id a, server_id b);

    /// Brings links up and down and delivers until nothing is left. Returns the number of frames delivered.
    std::size_t deliver();

    /// Bytes that may wait for one peer; that of a session until it is set.
    void set_queue_bytes_max(std::size_t limit);

  private:
    struct world;
    std::unique_ptr<world> world_;
};

} // namespace zooid
