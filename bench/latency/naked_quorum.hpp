// The physical limit: the work that any replicated, durable write has to do, and nothing else.
//
// As many processes as there are replicas. The first sends the bytes of a write to all others over loopback
// TCP and flushes them itself; each of the others writes and flushes them and answers with a count. A write
// is done when a majority has flushed it, the leader's own flush counted as one of them. There is no
// protocol: no term, log, checksum, authentication or client. With several writes outstanding every process
// flushes whatever has arrived at once.
#pragma once

#include "histogram.hpp"
#include "system.hpp"

namespace latency {

/// Whether the leader's own flush runs before it looks at the answers, or in a thread beside it.
enum class own_flush { first, beside };

struct naked_options {
    std::string folder; ///< for the files, one per process
    std::size_t replicas = 7;
    std::size_t value_bytes = 256;
    std::size_t block_bytes = 4096; ///< each flush writes whole blocks, as journals do
    std::size_t outstanding = 1;
    flushing how = flushing::fdatasync;
    own_flush own = own_flush::beside;
    double seconds = 1;
    double warm_up_seconds = 0.1;
};

struct leg_result {
    histogram latencies;
    double seconds = 0; ///< that were measured
    std::uint64_t failed = 0;
    double per_second() const { return seconds > 0 ? static_cast<double>(latencies.count()) / seconds : 0; }
};

leg_result run_naked_quorum(naked_options const& how);

// ---- the floors below it

/// A message of `bytes` there and back over loopback TCP between two processes on two CPUs.
histogram loopback_round_trips(std::size_t bytes, double seconds);
/// `processes` flush blocks of their own files in a loop: latencies of all, and all flushes per second.
leg_result flushes(std::string const& folder, std::size_t processes, std::size_t bytes,
                   std::size_t block_bytes, flushing how, double seconds);

} // namespace latency
