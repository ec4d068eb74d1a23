// The first half of recovery: which bytes of an image are log, which were cut, which are missing.
//
// S1  The boundary is the highest `durable_below` of any trusted header. Below it bad bytes are damage, at or
//     above it everything from the first bad byte on is unflushed tail: sectors land in any order (trap 8).
// S2  A batch names the end of its predecessor, so a tail that was cut once never counts again, whatever is
//     appended after it (bug class 56).
// S3  The first batch of a segment lists the segments that exist and where each one's log ends; what is
//     listed and not there is damage. Removal is durable in the log before it happens (bug classes 31, 36).
#pragma once

#include "journal/state.hpp"

namespace zooid {

/// A stretch of a segment in which batches were written and none can be trusted.
struct hole {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;   ///< 0: the segment itself is missing
    std::uint64_t before = 0; ///< number of a batch that is surely newer than what was here
};

/// A segment of the log as it should be, and what of it is there.
struct surveyed_segment {
    std::uint64_t number = 0;
    std::uint64_t end = 0;
    std::uint64_t first_batch = 0;
    bool header_damaged = false;
    std::vector<batch_header> batches; ///< trusted headers below `end`, in order
};

struct survey {
    std::vector<surveyed_segment> segments; ///< in order
    std::vector<hole> holes;                ///< in order
    std::vector<batch_header> tail;         ///< accepted, but not known to be flushed; also in `segments`
    log_position end;
    std::uint64_t number = 0;
    std::uint64_t chain = 0;
    life_id life;
    std::uint64_t tail_bytes_cut = 0;
    std::uint64_t segment_last = 0; ///< highest number seen anywhere
    bool lost = false;              ///< not a single batch is left
};

result<survey> survey_image(journal_id journal, std::uint32_t block_bytes, disk_image const& image);

} // namespace zooid
