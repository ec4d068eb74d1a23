// Carries out the steps of a journal's tasks on the files of one store's folder. Blocking.
#pragma once

#include "file/posix.hpp"

#include <zooid/file/data_directory.hpp>
#include <zooid/journal/log.hpp>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

namespace zooid {

std::filesystem::path segment_path(std::filesystem::path const& folder, std::uint64_t segment);

/// A write and a flush of the same segment: what the methods differ in.
bool is_commit(io_task const& task);

/// Two tasks may be carried out at once, on different segments; the table of open files is shared.
class file_disk {
  public:
    file_disk(std::filesystem::path folder, flush_method method)
        : folder_(std::move(folder)), method_(method) {}

    io_outcome carry_out(io_task const& task);

  private:
    enum class access : std::uint8_t { plain, commit };
    struct opened {
        descriptor file;
        std::filesystem::path path; ///< for errors; made once, not for each batch
    };
    struct released {
        void operator()(char* p) const { std::free(p); }
    };

    result<void> run(io_step const& step, bytes& read);
    result<void> commit(io_write const& w);
    result<void> create(io_create const& c);
    result<void> remove(io_remove const& r);
    static void forget_cached(descriptor const& f);
    /// The open file of a segment; stays valid until the segment is removed.
    result<opened const*> file(std::uint64_t segment, access how);
    bytes_view aligned(bytes_view content);

    std::filesystem::path folder_;
    flush_method method_;
    std::mutex mutex_; // guards files_
    std::map<std::pair<std::uint64_t, access>, std::unique_ptr<opened>> files_;
    std::unique_ptr<char, released> aligned_; // used by the commit lane only
    std::size_t aligned_bytes_ = 0;
};

} // namespace zooid
