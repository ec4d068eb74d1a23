// Carries out the steps of a journal's tasks on the files of one store's folder. Blocking.
//
// Descriptors. A segment that is committed to, and the one prepared next, have one each, opened with
// `io_open`: a commit opens nothing, so it fails only if the disk does. It is closed when the next segment is
// committed to. Everything else is opened for a task and closed when it is flushed, or at the task's end: a
// store holds a few, however many segments it has.
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

/// Two tasks may be carried out at once, a commit and another one, on different segments.
class file_disk {
  public:
    file_disk(std::filesystem::path folder, flush_method method)
        : folder_(std::move(folder)), method_(method) {}

    io_outcome carry_out(io_task const& task);

  private:
    struct opened {
        descriptor file;
        std::filesystem::path path; ///< for errors; made once, not for each batch
    };
    /// What a task has open: from the first write to the flush, so that no error in between is missed.
    using task_files = std::map<std::uint64_t, opened>;
    struct released {
        void operator()(char* p) const { std::free(p); }
    };

    result<void> run(io_step const& step, task_files& open, bytes& read);
    result<void> commit(io_write const& w);
    result<void> create(io_create const& c, task_files& open);
    result<void> flush(io_flush const& f, task_files& open);
    result<void> remove(io_remove const& r);
    result<void> make_ready(io_open const& o);
    result<opened const*> file(std::uint64_t segment, task_files& open) const;
    /// Stays valid until a later segment is asked for. Requires that it was made ready.
    opened const& committed_to(std::uint64_t segment);
    static void forget_cached(descriptor const& f);
    bytes_view aligned(bytes_view content);

    std::filesystem::path folder_;
    flush_method method_;
    std::mutex mutex_; // guards ready_
    std::map<std::uint64_t, opened> ready_;
    std::unique_ptr<char, released> aligned_; // used by the commit lane only
    std::size_t aligned_bytes_ = 0;
};

} // namespace zooid
