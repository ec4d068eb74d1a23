// Stopping all shards of a server: each goes quiet by itself, and only when all are quiet do links close, so
// that a client is still connected when the shard of its cell answers.
#pragma once

#include "runtime/server_engine.hpp"

namespace zooid {

using server_stop_handler = boost::asio::any_completion_handler<running_server::stop_signature>;
using shard_engines = std::vector<std::shared_ptr<server_engine>>;

/// On a shard's owner; at once if there is one shard, whose owner is the caller's.
void run_on_shard(shard_engines const& all, std::size_t shard, std::function<void(server_engine&)> what);

/// Everything happens on the first shard's owner.
class graceful_stop : public std::enable_shared_from_this<graceful_stop> {
  public:
    explicit graceful_stop(shard_engines const& shards);

    void begin(duration deadline, server_stop_handler handler);
    /// The server is destroyed.
    void cancel();

  private:
    using timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                                    server_engine::executor>;

    void on_owner(void (graceful_stop::*what)());
    void note_quiet();
    void note_ended();
    void end(result<void> outcome);
    void complete(result<void> outcome);

    shard_engines shards_;
    server_engine::executor owner_;
    timer timer_;
    bool begun_ = false;
    bool ending_ = false;
    std::size_t quiet_ = 0;
    std::size_t ended_ = 0;
    result<void> outcome_ = outcome::success();
    std::optional<server_stop_handler> handler_;
    boost::asio::any_completion_executor work_; ///< keeps the handler's executor running until then
};

} // namespace zooid
