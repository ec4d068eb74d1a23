// System calls as results: every error names its path. Reads and writes that are interrupted are repeated.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/error.hpp>

#include <cstdint>
#include <filesystem>
#include <utility>

namespace zooid {

/// The error of the last system call, for a path: ENOSPC and EDQUOT and EFBIG no_space, EACCES, EPERM and
/// EROFS permission_denied, ENOENT not_found, EMFILE, ENFILE and ENOMEM overloaded, all others io_failed.
error system_error(std::string const& doing, std::filesystem::path const& path);

/// A file descriptor that is closed.
class descriptor {
  public:
    descriptor() = default;
    explicit descriptor(int fd) : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor();
    int get() const { return fd_; }

  private:
    int fd_ = -1;
};

result<descriptor> open_file(std::filesystem::path const& path, int flags);
result<void> write_all(descriptor const& file, std::filesystem::path const& path, bytes_view content,
                       std::uint64_t offset);
result<void> sync_data(descriptor const& file, std::filesystem::path const& path);
result<void> sync_folder(std::filesystem::path const& path);
/// Reads a whole file, or up to `size` from `offset`. What the device can't read counts as zeros.
result<bytes> read_range(descriptor const& file, std::filesystem::path const& path, std::uint64_t offset,
                         std::uint64_t size);
result<bytes> read_file(std::filesystem::path const& path);

} // namespace zooid
