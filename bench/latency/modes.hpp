// What bench_latency can be asked to measure. Each mode prints its table and returns the same as JSON.
#pragma once

#include "colony.hpp"
#include "naked_quorum.hpp"

#include <boost/json/object.hpp>

namespace latency {

struct options {
    std::string zooidd;
    std::string folder;      ///< scratch
    std::size_t servers = 0; ///< 0: as many as replicas
    std::size_t replicas = 7;
    std::size_t value_bytes = 256;
    std::size_t block_bytes = 4096;
    std::vector<std::size_t> outstanding{1, 32};
    std::vector<std::size_t> cells{1};
    std::vector<double> rates{500};
    std::size_t pairs = 15;
    double seconds_per_leg = 1;
    double warm_up_seconds = 0.2;
    bool durable = true;
    flushing how = flushing::fdatasync;
    std::string flush_thread = "adaptive";
    std::vector<std::size_t> shards{1}; ///< of each server

    /// With the first of the numbers of shards.
    colony_options colony() const { return colony_with(shards.front()); }
    colony_options colony_with(std::size_t shards_each) const;
    naked_options naked(flushing method, std::size_t outstanding) const;
};

/// The machine's own limits: round trips, flushes, naked quorums.
boost::json::object measure_floors(options const& o);
/// Closed loop against the naked quorum, in alternating pairs.
boost::json::object measure_pairs(options const& o);
/// Closed loop on many cells, for each number of shards: transactions per second.
boost::json::object measure_throughput(options const& o);
/// Open loop at given rates.
boost::json::object measure_open(options const& o);
/// Memory and packets of a colony that does nothing, by number of cells.
boost::json::object measure_idle(options const& o);

} // namespace latency
