#pragma once

#include <zooid/file/data_directory.hpp>

namespace zooid {

std::unique_ptr<file_journal> make_file_journal(journal_recovery recovery, life_id life,
                                                std::filesystem::path const& folder, flush_method method,
                                                boost::asio::any_io_executor blocking,
                                                boost::asio::any_io_executor owner);

} // namespace zooid
