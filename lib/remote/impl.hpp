// The client's core with links and a clock: moves values between the core and the network, decides nothing.
//
// Everything runs in one strand; only `start`, `cancel` and `statistics` may be called from elsewhere. Calls
// come in through a bounded inbox, so that many of them cost one hop into the strand and leave in one write.
#pragma once

#include "remote/completion.hpp"

#include <zooid/tcp/connection.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>

namespace zooid {

/// Monotonic, counting while the machine is suspended.
time_point now_of_the_system();
/// A deadline that is so far away that adding it would overflow is none.
time_point deadline_of(call_options const& options);

class remote_client::impl : public std::enable_shared_from_this<impl> {
  public:
    impl(remote_client_options options, boost::asio::any_io_executor executor, client_identity identity,
         life_id life);

    /// From any thread. An error in place of a request ends the call at once, through its handler.
    void start(result<call_request> request, completion waiting);
    void stop(duration grace, stop_handler handler);
    /// Ends everything; the last of the owner's calls.
    void close_later();

    client_id id() const { return identity_.client; }
    client_statistics statistics() const;
    boost::asio::any_io_executor const& executor() const { return executor_; }

  private:
    using timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                                    boost::asio::any_io_executor>;
    struct incoming {
        call_id id;
        call_request request;
        completion waiting;
    };
    struct link final : client_link_listener {
        link(impl& o, remote_server const& s) : owner(o), server(s) {}
        void on_up(hello const&) override { owner.on_up(server.server); }
        void on_reply(bytes_view reply) override { owner.on_reply(server.server, reply); }
        void on_down(close_reason, error const& why) override { owner.on_down(*this, why); }

        impl& owner;
        remote_server server;
        std::unique_ptr<tcp_connection> connection;
    };

    // all in the strand
    void drain();
    void cancel(call_id id);
    void on_up(server_id server);
    void on_reply(server_id server, bytes_view reply);
    void on_down(link& l, error const& why);
    void on_time();
    void carry_out();
    void dial(server_id server);
    void send(std::vector<outgoing_request> const& requests);
    void finish(std::vector<ended_call> ended);
    void arm();
    void note_turn();
    void close();

    remote_client_options options_;
    boost::asio::any_io_executor executor_;
    boost::asio::any_io_executor strand_;
    client_identity identity_;
    life_id life_;
    std::atomic<std::uint64_t> calls_named_{0};
    std::atomic<bool> closing_{false}; // nothing more is sent

    std::mutex mutable mutex_; // guards the next four
    std::vector<incoming> inbox_;
    std::size_t inbox_bytes_ = 0;
    bool drain_scheduled_ = false;
    client_statistics statistics_;

    client_core core_;
    client_output output_;
    std::map<call_id, completion> waiting_;
    std::map<server_id, std::unique_ptr<link>> links_;
    timer timer_;
    time_point armed_ = never;
    std::optional<time_point> stop_at_;
    std::vector<stop_handler> stopping_;
    bool closed_ = false;
};

} // namespace zooid
