// Tuning of a journal; no format depends on it, but for the size of a block.
#pragma once

#include <cstdint>
#include <string>

namespace zooid {

/// Tuning, except `block_bytes`, which is fixed for a journal when it is formatted.
struct journal_options {
    /// Batches start and end at multiples of it, so a torn write never touches a flushed one. At least the
    /// unit in which the disk, and the kernel's page cache, write: 4,096; simulated disks: 512. A power of 2,
    /// 512 to 65,536.
    std::uint32_t block_bytes = 4096;
    /// Segments are created in this size, or larger for a larger batch; at least 8 blocks, below 2 GiB, and a
    /// multiple of `block_bytes`.
    std::uint64_t segment_bytes = 16 * 1024 * 1024;
    /// Appends join a batch until it has this size; at least one does. One block to 256 MiB.
    std::uint64_t batch_bytes_max = 4 * 1024 * 1024;
    /// At most this much is moved by reclaiming in one batch, so that appends don't wait behind it. Above 0.
    std::uint64_t reclaim_bytes_max = 256 * 1024;
    /// Reclaiming starts when sealed segments hold less than this share of live bytes, in percent; 1 to 90.
    std::uint32_t live_percent_min = 50;
    /// Reclaiming leaves this many sealed segments alone.
    std::uint32_t sealed_segments_min = 2;

    friend bool operator==(journal_options const&, journal_options const&) = default;
};

/// Empty, or what is wrong with the options.
std::string explain_invalid(journal_options const& options);

} // namespace zooid
