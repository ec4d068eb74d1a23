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

/// How a journal is run.
struct file_journal_options {
    journal_options journal; ///< its block_bytes is replaced by the manifest's
    flush_method method = flush_method::fdatasync;
};

} // namespace zooid
