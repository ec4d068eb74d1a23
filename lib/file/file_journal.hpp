// How a data directory makes its journals: on files of one folder, each write and flush a task that goes by
// way of an executor that may block.
#pragma once

#include <zooid/file/data_directory.hpp>
#include <zooid/journal/recovery.hpp>

namespace zooid {

/// `lock` is held until the last task has ended, also one that outlives the journal: who opens the directory
/// next must not meet a write of an earlier life.
std::unique_ptr<file_journal>
make_file_journal(journal_recovery recovery, life_id life, std::filesystem::path const& folder,
                  file_journal_options const& options, boost::asio::any_io_executor blocking,
                  boost::asio::any_io_executor owner, std::shared_ptr<void const> lock);

} // namespace zooid
