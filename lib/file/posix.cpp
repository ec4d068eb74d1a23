#include "file/posix.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace zooid {
namespace {

errc code_of(int number) {
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return errc::no_space;
    case EACCES:
    case EPERM:
    case EROFS: return errc::permission_denied;
    case ENOENT: return errc::not_found;
    case EMFILE:
    case ENFILE:
    case ENOMEM: return errc::overloaded;
    default: return errc::io_failed;
    }
}

constexpr std::uint64_t unreadable_unit = 4096;

} // namespace

error system_error(std::string const& doing, std::filesystem::path const& path) {
    int const number = errno;
    char text[128] = {};
    return {code_of(number), doing + " " + path.string() + ": " + ::strerror_r(number, text, sizeof text)};
}

descriptor::~descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

result<descriptor> open_file(std::filesystem::path const& path, int flags) {
    int const fd = ::open(path.c_str(), flags | O_CLOEXEC, 0640);
    if (fd < 0) return system_error("open", path);
    return descriptor(fd);
}

result<void> write_all(descriptor const& file, std::filesystem::path const& path, bytes_view content,
                       std::uint64_t offset) {
    while (!content.empty()) {
        auto const n = ::pwrite(file.get(), content.data(), content.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("write", path);
        content.remove_prefix(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return outcome::success();
}

// Never repeated, not even after EINTR: a second fdatasync may succeed on pages that the first one gave up.
result<void> sync_data(descriptor const& file, std::filesystem::path const& path) {
    if (::fdatasync(file.get()) == 0) return outcome::success();
    auto const e = system_error("flush", path);
    return error(errc::io_failed, std::string(e.detail()));
}

result<void> sync_folder(std::filesystem::path const& path) {
    ZOOID_TRY(auto folder, open_file(path, O_RDONLY | O_DIRECTORY));
    if (::fsync(folder.get()) == 0) return outcome::success();
    auto const e = system_error("flush", path);
    return error(errc::io_failed, std::string(e.detail()));
}

result<bytes> read_range(descriptor const& file, std::filesystem::path const& path, std::uint64_t offset,
                         std::uint64_t size) {
    bytes content(size, '\0');
    std::uint64_t done = 0;
    while (done < size) {
        auto const n =
            ::pread(file.get(), content.data() + done, size - done, static_cast<off_t>(offset + done));
        if (n == 0) break;
        if (n > 0) {
            done += static_cast<std::uint64_t>(n);
        } else if (errno ==
                   EIO) { // a bad block: zeros fail every checksum, and recovery says whom it concerns
            done = std::min(size, (done / unreadable_unit + 1) * unreadable_unit);
        } else if (errno != EINTR) {
            return system_error("read", path);
        }
    }
    content.resize(done);
    return content;
}

result<bytes> read_file(std::filesystem::path const& path) {
    ZOOID_TRY(auto file, open_file(path, O_RDONLY));
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return system_error("examine", path);
    return read_range(file, path, 0, static_cast<std::uint64_t>(facts.st_size));
}

} // namespace zooid
