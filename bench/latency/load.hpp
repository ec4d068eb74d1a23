// Load on cells: transactions that put one value, closed loop or open loop.
//
// Closed loop: as many outstanding for each cell as asked; a new one when one was answered. It says how fast
// the colony can go, and what one caller waits who waits before asking again. It does not say what callers
// wait who come by themselves: while the colony stalls, a closed loop asks nothing, and the stall counts
// once.
//
// Open loop: transactions have intended start times (exponential gaps, a fixed seed), whatever became of
// those before them, and latency counts from the intended time, so a stall counts for all that were due in
// it.
#pragma once

#include "colony.hpp"
#include "naked_quorum.hpp"

#include <zooid/base/prng.hpp>

#include <boost/asio/steady_timer.hpp>

#include <deque>

namespace latency {

class load {
  public:
    load(client_links& links, std::vector<cell> const& cells, std::size_t value_bytes);

    /// Opens a session at each cell and commits once everywhere: proposers are known and connected then.
    void warm_up();
    leg_result closed_loop(std::size_t outstanding, double seconds, double warm_up_seconds);
    leg_result open_loop(double per_second, double seconds, double warm_up_seconds);
    /// Attempts that were sent again: another proposer, overload.
    std::uint64_t retries() const { return retries_; }

  private:
    struct target {
        cell where;
        zooid::server_id proposer;
        zooid::slot as_of;
        std::uint64_t sequence = 0;
        std::deque<bool> answered; ///< of the sequences from `settled` on
        std::uint64_t settled = 1; ///< the lowest that is not answered
    };
    struct call {
        std::size_t target = 0;
        std::uint64_t sequence = 0;
        std::int64_t intended = 0;
        zooid::bytes payload;
    };

    void begin_leg(double seconds, double warm_up_seconds);
    leg_result end_leg();
    std::size_t take_call();
    void start(std::size_t target, std::int64_t intended);
    void send(std::size_t index);
    void on_reply(std::size_t index, zooid::reply const& r);
    void on_failure(std::size_t index, zooid::reply const& r);
    void retry_soon(std::size_t index);
    void settle(target& t, std::uint64_t sequence);
    void finish(std::size_t index);
    void start_due();
    void wait_for_due();

    client_links& links_;
    zooid::client_id session_; ///< of this load alone: its sequences count from 1
    std::size_t value_bytes_;
    std::vector<target> targets_;
    std::vector<call> calls_;
    std::vector<std::size_t> free_calls_;
    std::vector<std::size_t> retrying_;
    boost::asio::steady_timer retry_at_;
    boost::asio::steady_timer due_at_;
    zooid::prng random_{20260101};
    leg_result result_;
    std::int64_t measured_from_ = 0;
    std::int64_t until_ = 0;
    std::int64_t due_ = 0; ///< the next intended start
    double gap_ns_ = 0;    ///< mean; 0: closed loop
    std::size_t outstanding_ = 0;
    std::size_t next_target_ = 0;
    std::uint64_t retries_ = 0;
};

} // namespace latency
