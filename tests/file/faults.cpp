#include "file/faults.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace zooid::file_test {
namespace {

struct unflushed_write {
    off_t offset;
    std::string before;
};

struct plan {
    std::mutex guard;
    fault what = fault::none;
    std::uint64_t at = 0;
    std::uint64_t calls = 0;
    bool struck = false;
    std::map<ino_t, std::vector<unflushed_write>> unflushed;
};

plan& the_plan() {
    static plan only;
    return only;
}

bool is(plan const& p, std::initializer_list<fault> any) {
    return std::find(any.begin(), any.end(), p.what) != any.end();
}

// The call that counts, or any later one of a fault that lasts.
bool strikes(plan& p) {
    if (p.struck) return is(p, {fault::disk_full, fault::disk_full_half});
    return p.struck = p.calls++ == p.at;
}

ino_t file_of(int fd) {
    struct stat facts {};
    return ::fstat(fd, &facts) == 0 ? facts.st_ino : 0;
}

ssize_t really_write(int fd, void const* from, std::size_t size, off_t offset) {
    return ::syscall(SYS_pwrite64, fd, from, size, offset);
}

void remember(plan& p, int fd, std::size_t size, off_t offset) {
    std::string before(size, '\0');
    auto const n = ::pread(fd, before.data(), size, offset);
    before.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    p.unflushed[file_of(fd)].push_back({offset, std::move(before)});
}

// After a failed flush the pages are clean and the bytes nowhere: what was written is undone.
void lose_unflushed(plan& p, int fd) {
    auto& lost = p.unflushed[file_of(fd)];
    for (auto it = lost.rbegin(); it != lost.rend(); ++it)
        really_write(fd, it->before.data(), it->before.size(), it->offset);
    lost.clear();
}

ssize_t write_with_faults(int fd, void const* from, std::size_t size, off_t offset) {
    plan& p = the_plan();
    std::lock_guard const lock(p.guard);
    if (p.what == fault::none) return really_write(fd, from, size, offset);
    if (p.what == fault::flush_fails) remember(p, fd, size, offset);
    bool const writes_count =
        is(p, {fault::write_fails, fault::disk_full, fault::disk_full_half, fault::write_is_short});
    bool const again = p.struck;
    if (!writes_count || !strikes(p)) return really_write(fd, from, size, offset);
    auto const half = p.what == fault::disk_full || again ? 0 : size / 2;
    auto const written = half == 0 ? 0 : really_write(fd, from, half, offset);
    bool const says_so = half != 0 && is(p, {fault::write_is_short, fault::disk_full_half});
    if (says_so) return written;
    errno = p.what == fault::write_fails ? EIO : ENOSPC;
    return -1;
}

int flush_with_faults(long call, int fd) {
    plan& p = the_plan();
    std::lock_guard const lock(p.guard);
    if (p.what == fault::flush_fails && strikes(p)) {
        lose_unflushed(p, fd);
        errno = EIO;
        return -1;
    }
    p.unflushed[file_of(fd)].clear();
    return static_cast<int>(::syscall(call, fd));
}

int open_with_faults(char const* path, int flags, unsigned mode) {
    plan& p = the_plan();
    {
        std::lock_guard const lock(p.guard);
        bool const refused = (p.what == fault::no_direct && (flags & O_DIRECT) != 0) ||
                             (p.what == fault::read_only && (flags & O_ACCMODE) != O_RDONLY);
        if (refused) {
            p.struck = true;
            errno = p.what == fault::no_direct ? EINVAL : EROFS;
            return -1;
        }
        if (p.what == fault::no_descriptor && strikes(p)) {
            errno = EMFILE;
            return -1;
        }
    }
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

} // namespace

armed_fault::armed_fault(fault what, std::uint64_t at) {
    plan& p = the_plan();
    std::lock_guard const lock(p.guard);
    p.what = what, p.at = at, p.calls = 0, p.struck = false;
    p.unflushed.clear();
}

armed_fault::~armed_fault() {
    std::lock_guard const lock(the_plan().guard);
    the_plan().what = fault::none;
}

bool armed_fault::struck() const {
    std::lock_guard const lock(the_plan().guard);
    return the_plan().struck;
}

} // namespace zooid::file_test

extern "C" {

ssize_t pwrite(int fd, void const* from, std::size_t size, off_t offset) {
    return zooid::file_test::write_with_faults(fd, from, size, offset);
}

int fdatasync(int fd) {
    return zooid::file_test::flush_with_faults(SYS_fdatasync, fd);
}

int fsync(int fd) {
    return zooid::file_test::flush_with_faults(SYS_fsync, fd);
}

int open(char const* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    unsigned const mode = (flags & O_CREAT) != 0 ? va_arg(rest, unsigned) : 0;
    va_end(rest);
    return zooid::file_test::open_with_faults(path, flags, mode);
}
}
