// From the bytes of a disk to what a journal holds: pure, and never a repair by itself.
#pragma once

#include <zooid/journal/log.hpp>

namespace zooid {

/// What recovery found, and the state for a `journal_log` to go on from.
struct journal_recovery {
    recovered_journal content;
    log_state_pointer state;
    sometimes_set marks;
};

/// The image of a new, empty journal: one segment whose first batch says that it exists. So a journal without
/// any segment is lost, never empty.
disk_image format_journal(journal_id journal, journal_options const& options);

/// Reads an image. Damage is content, not an error. Errors: `invalid_argument` for options out of range,
/// `wrong_owner` for segments of another journal, `unsupported_version` for segments of a newer format or of
/// another block size, `malformed` for a segment number beyond 32 bits; the detail names the segment.
result<journal_recovery> recover_journal(journal_id journal, journal_options const& options,
                                         disk_image const& image);

} // namespace zooid
