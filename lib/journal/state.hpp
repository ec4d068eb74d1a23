// What a running log knows of its disk: made by recovery, carried on by the log.
#pragma once

#include "journal/format.hpp"
#include "journal/index.hpp"

#include <zooid/journal/log.hpp>

#include <map>
#include <optional>
#include <vector>

namespace zooid {

/// A segment that belongs to the log.
struct segment_state {
    std::uint64_t size = 0;        ///< bytes of the file
    std::uint64_t end = 0;         ///< where its log ends
    std::uint64_t first_batch = 0; ///< number of its first batch
    /// Holds, or is, evidence of damage: not to be removed before `concerned` is empty.
    bool evidence = false;
    /// The evidence can't be settled before the next recovery computes anew whom it concerns.
    bool unsettled = false;
    bool stuck = false;                  ///< holds a live record that is unreadable: it can't be emptied
    std::vector<replica_id> concerned{}; ///< sorted
};

/// Of so many batches the hashes are kept: hours of an idle journal, which writes a probe now and then.
inline constexpr std::size_t batches_remembered = 16'384;

/// The newest batches' hashes, to answer claims with.
class recent_batches {
  public:
    void insert(std::uint64_t number, std::uint64_t chain) { ring_[number % ring_.size()] = {number, chain}; }
    /// The hash, or nothing if it is too long ago.
    std::optional<std::uint64_t> chain_of(std::uint64_t number) const {
        auto const& [n, chain] = ring_[number % ring_.size()];
        if (n != number) return {};
        return chain;
    }

  private:
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ring_ =
        std::vector<std::pair<std::uint64_t, std::uint64_t>>(batches_remembered);
};

struct log_state {
    journal_id journal;
    journal_options options;
    journal_index index;
    std::map<std::uint64_t, segment_state> segments;
    recent_batches recent;

    // The head of the chain: what the next batch follows.
    log_position end;
    std::uint64_t number = 0; ///< of the last batch
    std::uint64_t chain = 0;
    life_id life; ///< of the last batch

    // For `start`: bytes that were read but may not be on the disk, and files that are no part of the log.
    struct rewrite {
        log_position position;
        bytes content;
    };
    std::vector<rewrite> rewrites;
    std::vector<std::uint64_t> obsolete;  ///< removed once a batch says so
    std::vector<std::uint64_t> leftovers; ///< the log knows nothing of them: removed once it is secured
    /// A segment that an earlier life prepared and never used; the next batch goes there.
    struct spare_segment {
        std::uint64_t number = 0;
        std::uint64_t size = 0;
    };
    std::optional<spare_segment> spare;
    std::map<log_position, std::uint64_t> reported; ///< damage that was found, and the size of holes: no news
    std::uint64_t segment_next = 1;                 ///< above every number ever seen
    sometimes_set marks;
};

} // namespace zooid
