// System calls that fail when a test says so: this program's own pwrite, fdatasync, fsync and open stand in
// front of the C library's, so that the code under test is the code that is shipped.
#pragma once

#include <cstdint>

namespace zooid::file_test {

enum class fault : std::uint8_t {
    none,
    flush_fails,    ///< an fdatasync or fsync fails with EIO, and what was written since the last one is gone
    write_fails,    ///< a pwrite fails with EIO and writes half
    disk_full,      ///< a pwrite fails with ENOSPC and writes nothing; all later ones too
    disk_full_half, ///< a pwrite writes half; the rest, and all later ones, fail with ENOSPC
    write_is_short, ///< a pwrite writes half, says so, and nothing is wrong
    no_direct,      ///< the file system refuses O_DIRECT, as tmpfs does
    read_only,      ///< the file system is mounted read-only
    no_descriptor,  ///< an open fails with EMFILE
};

/// Arms one fault: it strikes at the `at`-th call that it concerns, counted from 0. Its destructor disarms
/// it.
class armed_fault {
  public:
    armed_fault(fault what, std::uint64_t at);
    ~armed_fault();
    armed_fault(armed_fault const&) = delete;
    armed_fault& operator=(armed_fault const&) = delete;

    /// False if fewer calls came.
    bool struck() const;
};

} // namespace zooid::file_test
