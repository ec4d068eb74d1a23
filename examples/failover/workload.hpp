// Clients: each takes a volume, reads who is primary and replica, and swaps them if nobody did so meanwhile.
// Everything that was asked and answered is kept, to be checked afterwards.
#pragma once

#include "fleet.hpp"

#include <zooid/remote/remote_client.hpp>
#include <zooid/runtime/histogram.hpp>
#include <zooid/sim/history.hpp>

#include <boost/asio/io_context.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace failover {

struct workload_options {
    std::size_t clients = 8;
    std::vector<std::string> cells;
    std::uint64_t seed = 1;
    zooid::duration deadline = std::chrono::seconds(4);
};

struct tally {
    std::uint64_t committed = 0;
    std::uint64_t rejected = 0; ///< somebody else swapped first
    std::uint64_t unknown = 0;
    std::uint64_t failed = 0; ///< known not to have happened
    std::uint64_t reads = 0;
    std::map<std::string, std::uint64_t> errors; ///< by name, of unknown and failed
};

/// A commit's place and time, for the gaps after a kill.
struct commit_mark {
    std::size_t cell = 0;
    std::int64_t at_ns = 0;
};

/// Runs on one io_context, in its one thread.
class workload {
  public:
    /// Opens the clients. Nothing is asked before `start`.
    static zooid::result<std::unique_ptr<workload>> open(workload_options options, fleet const& servers,
                                                         boost::asio::io_context& io);
    ~workload();

    /// Every client loops until `finish`.
    void start();
    /// Lets calls that wait end, and starts no more. `idle()` tells when.
    void finish() { finishing_ = true; }
    bool idle() const { return running_ == 0; }
    /// Reads every volume once, strictly; counts those that answered.
    void read_all();
    std::size_t read_all_answered() const { return last_reads_; }

    tally const& counts() const { return counts_; }
    zooid::histogram const& write_latency() const { return writes_; }
    zooid::histogram const& read_latency() const { return reads_; }
    std::vector<commit_mark> const& commits() const { return commits_; }
    zooid::sim::history const& calls() const { return history_; }

  private:
    struct client;

    workload(workload_options options, boost::asio::io_context& io);
    void keep(client& who, std::size_t cell, zooid::sim::call_kind kind, zooid::kv::transaction const& asked,
              std::int64_t invoked, zooid::result<zooid::transaction_reply> const& reply);

    workload_options options_;
    boost::asio::io_context& io_;
    std::vector<std::unique_ptr<client>> clients_;
    zooid::sim::history history_;
    zooid::histogram writes_;
    zooid::histogram reads_;
    std::vector<commit_mark> commits_;
    tally counts_;
    std::size_t running_ = 0;
    std::size_t last_reads_ = 0;
    bool finishing_ = false;
};

/// Nanoseconds of the clock that all times of a history are taken from.
std::int64_t now_ns();

} // namespace failover
