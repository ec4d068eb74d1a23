// A client's connection to one server over TCP.
#pragma once

#include <zooid/tcp/endpoint.hpp>

namespace zooid {

struct tcp_connection_options {
    tcp_address address;
    server_id target; ///< zero: whoever answers; its id is in `on_up`
    key_ring keys;    ///< a client's ring
    life_id life;     ///< of this client process
    duration handshake_timeout = std::chrono::seconds(5);
    std::size_t queue_bytes_max = 16 << 20;
};

/// Connects once; when it is down it stays down, and whoever wants another makes another. Executor rules as
/// for tcp_endpoint. `listener` outlives the connection; `on_down` comes exactly once unless it is destroyed
/// first.
class tcp_connection final : public client_link {
  public:
    /// `invalid_argument` for keys that are not a client's.
    static result<std::unique_ptr<tcp_connection>> open(boost::asio::any_io_executor executor,
                                                        tcp_connection_options options,
                                                        client_link_listener& listener);
    ~tcp_connection() override;

    result<void> send(bytes_view request) override;
    void flush() override;
    bool is_up() const override;
    session_statistics statistics() const; ///< of this connection

    class impl;

  private:
    explicit tcp_connection(std::shared_ptr<impl> made);
    std::shared_ptr<impl> impl_;
};

} // namespace zooid
