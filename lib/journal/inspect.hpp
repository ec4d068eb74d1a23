// What is wrong with one batch, and whom it concerns: used by recovery, reclaiming and scrubbing alike.
#pragma once

#include "journal/index.hpp"

#include <zooid/journal/journal.hpp>

#include <vector>

namespace zooid {

/// An entry that can be trusted, and where it lies.
struct found_entry {
    journal_entry content;
    entry_place place;
    bool payload_intact = true;
};

struct inspected_batch {
    std::vector<found_entry> entries;   ///< of records, in order
    std::vector<journal_damage> damage; ///< `superseded` is not decided yet
    bool unknown_kind = false;          ///< written by newer software
};

/// Reads a batch whose header is trusted. Clears `out` first.
void inspect_batch(bytes_view segment, batch_header const& header, inspected_batch& out);

/// The record of an intact entry.
record record_of(bytes_view segment, batch_header const& header, journal_entry const& e);

} // namespace zooid
