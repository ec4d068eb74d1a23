// How a journal on files is run. Apart from the data directory, so that who only carries the options does not
// include a file system.
#pragma once

#include <zooid/journal/options.hpp>

#include <cstdint>
#include <string_view>

namespace zooid {

/// How a batch is made durable.
enum class flush_method : std::uint8_t {
    fdatasync,    ///< pwrite and fdatasync: works everywhere, and fault-injection tools see it
    dsync,        ///< O_DSYNC: one system call
    direct_dsync, ///< O_DIRECT and O_DSYNC: one system call, past the page cache; where the file system
                  ///< refuses O_DIRECT, as tmpfs may, opening the journal is refused
};
std::string_view name_of(flush_method method);

/// Whose thread writes and flushes a batch. Segments are made, read and removed on the blocking executor.
enum class flush_thread : std::uint8_t {
    blocking, ///< the blocking executor's: what arrives meanwhile gathers for the next batch
    owner,    ///< the owner's, in `file_journal::flush`: no hop between threads, but the owner waits
    adaptive, ///< one or the other for each batch, as the owner decides
};

/// How a journal is run.
struct file_journal_options {
    journal_options journal; ///< its block_bytes is replaced by the manifest's
    flush_method method = flush_method::fdatasync;
    flush_thread thread = flush_thread::blocking;
};

} // namespace zooid
