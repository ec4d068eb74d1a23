// How much of each segment is live, and which one to give back next.
//
// Kept up to date with every record that comes or goes, so that a batch asks no segment that it does not
// touch: choosing a victim by scanning all of them was a third of the CPU with many small segments.
//
// U1  A segment is a candidate while it is sealed and nothing keeps it: neither evidence of damage nor
//     reclaiming that is under way. Only candidates are removed or reclaimed.
// U2  Candidates are ordered by their share of live bytes, in whole percent, then by number: the order
//     depends on what is live, never on how it came about.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace zooid {

/// Whether a segment may be given back.
enum class standing : std::uint8_t {
    kept,     ///< open, evidence, or being reclaimed
    stuck,    ///< can't be emptied by reclaiming; may be removed once nothing in it is live
    reclaims, ///< may be reclaimed, and removed once nothing in it is live
};

class segment_usage {
  public:
    /// A record of that size came to live there, or does no longer.
    void add(std::uint64_t segment, std::uint64_t size);
    void drop(std::uint64_t segment, std::uint64_t size);

    /// From now on the segment, of `size` bytes, is treated so. A segment that was never named is kept.
    void set(std::uint64_t segment, std::uint64_t size, standing how);
    /// The segment is no part of the log any more. Requires that nothing in it is live.
    void forget(std::uint64_t segment);

    std::uint64_t live_bytes(std::uint64_t segment) const;
    std::uint64_t live_bytes() const { return live_; }
    /// Candidates without a live byte, by number.
    std::set<std::uint64_t> const& empty() const { return empty_; }

    /// Over all segments that may be reclaimed.
    struct totals {
        std::uint64_t count = 0;
        std::uint64_t bytes = 0;
        std::uint64_t live = 0;
    };
    totals const& reclaimable() const { return reclaimable_; }

    /// The segment with the smallest share of live bytes among those that may be reclaimed and have any.
    struct emptiest_segment {
        std::uint64_t number = 0; ///< 0: there is none
        std::uint64_t live_percent = 0;
    };
    emptiest_segment emptiest() const;

  private:
    struct row {
        std::uint64_t live = 0;
        std::uint64_t size = 0;
        standing how = standing::kept;
        std::uint64_t percent() const { return live * 100 / size; }
    };

    /// Takes the row out of whatever lists it, and puts it back.
    void unlist(std::uint64_t segment, row const& r);
    void list(std::uint64_t segment, row const& r);

    std::map<std::uint64_t, row> rows_;
    std::set<std::uint64_t> empty_;
    std::set<std::pair<std::uint64_t, std::uint64_t>> by_share_; // percent, segment
    totals reclaimable_;
    std::uint64_t live_ = 0;
};

} // namespace zooid
