// The part of a cell's log that a replica holds in memory.
//
// A dense window of slots: it begins at the oldest slot that is still kept for teaching and ends at the
// highest slot that this replica accepted or learned. Below it only the checkpoint knows.
#pragma once

#include <zooid/base/ballot.hpp>
#include <zooid/base/hash.hpp>
#include <zooid/cell/entry.hpp>

#include <cstddef>
#include <vector>

namespace zooid {

/// What this replica knows of one slot.
struct log_slot {
    ballot accepted;     ///< zero: nothing accepted here
    digest value_digest; ///< of the value accepted or chosen
    entry value;         ///< empty with a digest: accepted once, unreadable now
    bool chosen = false;
    bool recorded = false; ///< a journal record with exactly this digest was emitted

    bool vacant() const { return !accepted && !chosen; }
};

class log_window {
  public:
    explicit log_window(slot first = slot{1}) : first_(first) {}

    slot first() const { return first_; }
    /// The highest slot held; first() - 1 when empty.
    slot last() const { return first_ + slots_.size() - 1; }

    /// Null for a slot outside the window.
    log_slot const* find(slot at) const;
    log_slot* find(slot at);
    /// Grows the window to include `at`. Requires at >= first().
    log_slot& open(slot at);
    /// Forgets every slot below `at`.
    void trim(slot at);
    /// Forgets everything up to `at` and goes on after it; what lies above stays.
    void restart_after(slot at);

    /// Encoded bytes of all values held.
    std::size_t value_bytes() const;
    std::size_t memory_bytes() const { return slots_.capacity() * sizeof(log_slot) + value_bytes(); }

  private:
    slot first_;
    std::vector<log_slot> slots_;
};

} // namespace zooid
