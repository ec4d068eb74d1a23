#include "file/file_disk.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include <fcntl.h>
#include <unistd.h>

namespace zooid {
namespace {

int commit_flags(flush_method method) {
    switch (method) {
    case flush_method::fdatasync: return O_RDWR;
    case flush_method::dsync: return O_RDWR | O_DSYNC;
    case flush_method::direct_dsync: return O_RDWR | O_DSYNC | O_DIRECT;
    }
    return O_RDWR;
}

} // namespace

bool is_commit(io_task const& task) {
    return task.steps.size() == 2 && std::holds_alternative<io_write>(task.steps[0]) &&
           std::holds_alternative<io_flush>(task.steps[1]);
}

std::string_view name_of(flush_method method) {
    switch (method) {
    case flush_method::fdatasync: return "fdatasync";
    case flush_method::dsync: return "dsync";
    case flush_method::direct_dsync: return "direct_dsync";
    }
    return "unknown";
}

std::filesystem::path segment_path(std::filesystem::path const& folder, std::uint64_t segment) {
    return folder / (to_hex(segment) + ".segment");
}

result<file_disk::opened const*> file_disk::file(std::uint64_t segment, task_files& open) const {
    auto found = open.find(segment);
    if (found == open.end()) {
        auto path = segment_path(folder_, segment);
        ZOOID_TRY(auto made, open_file(path, O_RDWR));
        found = open.emplace(segment, opened{std::move(made), std::move(path)}).first;
    }
    return &found->second;
}

result<void> file_disk::make_ready(io_open const& o) {
    auto path = segment_path(folder_, o.segment);
    ZOOID_TRY(auto made, open_file(path, commit_flags(method_)));
    std::lock_guard const lock(mutex_);
    ready_.insert_or_assign(o.segment, opened{std::move(made), std::move(path)});
    return outcome::success();
}

// The segments before it are sealed.
file_disk::opened const& file_disk::committed_to(std::uint64_t segment) {
    std::lock_guard const lock(mutex_);
    ready_.erase(ready_.begin(), ready_.lower_bound(segment));
    auto const found = ready_.find(segment);
    ZOOID_CHECK(found != ready_.end(), "a segment is opened before it is committed to");
    return found->second;
}

// O_DIRECT wants memory at a multiple of the device's block.
bytes_view file_disk::aligned(bytes_view content) {
    constexpr std::size_t alignment = 4096;
    if (aligned_bytes_ < content.size()) {
        aligned_bytes_ = (content.size() + alignment - 1) / alignment * alignment;
        aligned_.reset(static_cast<char*>(std::aligned_alloc(alignment, aligned_bytes_)));
        if (!aligned_) throw std::bad_alloc();
    }
    std::memcpy(aligned_.get(), content.data(), content.size());
    return {aligned_.get(), content.size()};
}

result<void> file_disk::commit(io_write const& w) {
    opened const& f = committed_to(w.segment);
    bool const direct = method_ == flush_method::direct_dsync;
    auto done = write_all(f.file, f.path, direct ? aligned(w.content) : w.content, w.offset);
    if (done && method_ == flush_method::fdatasync) done = sync_data(f.file, f.path);
    return done;
}

// A new segment's zeros were written in large pieces, and the kernel caches them in pieces as large: each
// small batch would walk over all blocks of such a piece. Nor are zeros worth the memory; and what is read to
// be verified shall come from the disk.
void file_disk::forget_cached(descriptor const& f) {
    (void)::posix_fadvise(f.get(), 0, 0, POSIX_FADV_DONTNEED); // only an advice
}

// An earlier attempt with this number may have got as far as being ready.
result<void> file_disk::create(io_create const& c, task_files& open) {
    auto path = segment_path(folder_, c.segment);
    {
        std::lock_guard const lock(mutex_);
        ready_.erase(c.segment);
    }
    ZOOID_TRY(auto fresh, open_file(path, O_RDWR | O_CREAT | O_TRUNC));
    bytes const zeros(static_cast<std::size_t>(std::min<std::uint64_t>(c.size, 1 << 20)), '\0');
    for (std::uint64_t at = 0; at < c.size; at += zeros.size()) {
        auto const piece = bytes_view(zeros).substr(0, std::min<std::uint64_t>(zeros.size(), c.size - at));
        auto done = write_all(fresh, path, piece, at);
        if (done) continue;
        ::unlink(path.c_str()); // half a segment would keep what space is left
        return done;
    }
    open.insert_or_assign(c.segment, opened{std::move(fresh), std::move(path)});
    return outcome::success();
}

result<void> file_disk::flush(io_flush const& f, task_files& open) {
    ZOOID_TRY(auto flushed, file(f.segment, open));
    ZOOID_TRY(sync_data(flushed->file, flushed->path));
    forget_cached(flushed->file);
    open.erase(f.segment);
    return outcome::success();
}

result<void> file_disk::remove(io_remove const& r) {
    {
        std::lock_guard const lock(mutex_);
        ready_.erase(r.segment);
    }
    auto const path = segment_path(folder_, r.segment);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("remove", path);
    return outcome::success();
}

result<void> file_disk::run(io_step const& step, task_files& open, bytes& read) {
    if (auto const* c = std::get_if<io_create>(&step)) return create(*c, open);
    if (auto const* f = std::get_if<io_flush>(&step)) return flush(*f, open);
    if (auto const* r = std::get_if<io_remove>(&step)) return remove(*r);
    if (auto const* o = std::get_if<io_open>(&step)) return make_ready(*o);
    if (std::holds_alternative<io_sync_directory>(step)) return sync_folder(folder_);
    if (auto const* w = std::get_if<io_write>(&step)) {
        ZOOID_TRY(auto f, file(w->segment, open));
        return write_all(f->file, f->path, w->content, w->offset);
    }
    auto const& wanted = std::get<io_read>(step);
    ZOOID_TRY(auto f, file(wanted.segment, open));
    ZOOID_TRY(auto content, read_range(f->file, f->path, wanted.offset, wanted.size));
    read = std::move(content);
    return outcome::success();
}

io_outcome file_disk::carry_out(io_task const& task) {
    io_outcome done;
    if (is_commit(task)) {
        done.status = commit(std::get<io_write>(task.steps[0]));
        return done;
    }
    task_files open;
    for (auto const& step : task.steps) {
        done.status = run(step, open, done.read);
        if (!done.status) break;
    }
    return done;
}

} // namespace zooid
