#include <zooid/file/data_directory.hpp>

#include "file/file_disk.hpp"
#include "file/file_journal.hpp"
#include "file/manifest.hpp"
#include "file/posix.hpp"

#include <openssl/rand.h>

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace zooid {
namespace fs = std::filesystem;
namespace {

fs::path manifest_path(fs::path const& path) {
    return path / "manifest";
}
fs::path store_path(fs::path const& path, std::uint32_t store) {
    return path / ("store-" + std::to_string(store));
}

result<journal_id> draw_journal_id() {
    journal_id id;
    auto* raw = reinterpret_cast<unsigned char*>(&id);
    if (RAND_bytes(raw, sizeof id) != 1 || !id) return error(errc::io_failed, "no random bytes");
    return id;
}

error folder_error(std::string const& doing, fs::path const& path, std::error_code ec) {
    errno = ec.value();
    return system_error(doing, path);
}

result<void> make_folder(fs::path const& path) {
    std::error_code ec;
    fs::create_directories(path, ec);
    if (ec) return folder_error("create", path, ec);
    return outcome::success();
}

result<void> write_new(fs::path const& path, bytes_view content) {
    ZOOID_TRY(auto f, open_file(path, O_RDWR | O_CREAT | O_TRUNC));
    auto done = write_all(f, path, content, 0);
    return done ? sync_data(f, path) : std::move(done);
}

result<void> format_store(fs::path const& folder, journal_id journal, std::uint32_t block_bytes) {
    if (auto done = make_folder(folder); !done) return done;
    // Small: it holds one batch that says that the journal exists, and is never appended to.
    journal_options const options{.block_bytes = block_bytes, .segment_bytes = 8ull * block_bytes};
    for (auto const& [number, content] : format_journal(journal, options)) {
        if (auto done = write_new(segment_path(folder, number), content); !done) return done;
    }
    return sync_folder(folder);
}

std::string explain_invalid(directory_format const& how) {
    if (!how.owner.server || !how.owner.colony) return "server and colony are not zero";
    if (how.stores < 1 || how.stores > 256) return "stores is from 1 to 256";
    return explain_invalid(journal_options{.block_bytes = how.block_bytes});
}

result<void> require_vacant(fs::path const& path) {
    std::error_code ec;
    bool const exists = fs::exists(path, ec);
    if (!ec && exists && !fs::is_empty(path, ec)) {
        return error(errc::already_exists, path.string() + " is not empty");
    }
    if (ec) return folder_error("examine", path, ec);
    return outcome::success();
}

// The manifest comes last, by a rename: a directory with one is complete.
result<void> publish_manifest(fs::path const& path, directory_manifest const& m) {
    auto const draft = path / "manifest.new";
    if (auto done = write_new(draft, manifest_text(m)); !done) return done;
    std::error_code ec;
    fs::rename(draft, manifest_path(path), ec);
    if (ec) return folder_error("rename", draft, ec);
    return sync_folder(path);
}

// Some file systems, tmpfs among them, open nothing with O_DIRECT. Found out now, and not by the first batch;
// and never replaced by another method in silence, since whoever measures must know what was measured.
result<void> require_direct(fs::path const& folder, disk_image const& image) {
    if (image.empty()) return outcome::success();
    auto const opened = open_file(segment_path(folder, image.begin()->first), O_RDONLY | O_DIRECT);
    if (opened) return outcome::success();
    return error(errc::invalid_argument, folder.string() +
                                             ": the file system refuses O_DIRECT, which direct_dsync needs; "
                                             "use dsync or fdatasync");
}

} // namespace

struct data_directory::state {
    fs::path path;
    directory_manifest manifest;
    std::shared_ptr<descriptor const> lock; ///< shared with what journals still have in flight
};

data_directory::data_directory(std::unique_ptr<state> s) : state_(std::move(s)) {}
data_directory::~data_directory() = default;
directory_manifest const& data_directory::manifest() const {
    return state_->manifest;
}
fs::path const& data_directory::path() const {
    return state_->path;
}

result<directory_manifest> data_directory::format(fs::path const& path, directory_format const& how) {
    if (auto wrong = explain_invalid(how); !wrong.empty()) return error(errc::invalid_argument, wrong);
    if (auto done = require_vacant(path); !done) return done.error();
    if (auto done = make_folder(path); !done) return done.error();
    directory_manifest m{manifest_format_version, how.owner, how.block_bytes, {}};
    for (std::uint32_t i = 0; i < how.stores; ++i) {
        ZOOID_TRY(auto id, draw_journal_id());
        m.journals.push_back(id);
        if (auto done = format_store(store_path(path, i), id, how.block_bytes); !done) return done.error();
    }
    if (auto done = write_new(path / "lock", ""); !done) return done.error();
    auto const parent = fs::absolute(path).lexically_normal().parent_path();
    auto done = publish_manifest(path, m);
    if (done) done = sync_folder(parent);
    if (done) return m;
    std::error_code ignored;
    fs::remove(manifest_path(path), ignored); // it is there if a flush after the rename failed
    return done.error();
}

result<directory_manifest> data_directory::read_manifest(fs::path const& path) {
    ZOOID_TRY(auto text, read_file(manifest_path(path)));
    return parse_manifest(text, manifest_path(path).string());
}

result<std::unique_ptr<data_directory>> data_directory::open(fs::path const& path,
                                                             directory_owner const& owner) {
    ZOOID_TRY(auto m, read_manifest(path));
    if (m.owner != owner) {
        return error(errc::wrong_owner, path.string() + " belongs to server " + to_string(m.owner.server) +
                                            " of colony " + to_string(m.owner.colony));
    }
    ZOOID_TRY(auto lock, open_file(path / "lock", O_RDONLY));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return error(errc::in_use, path.string() + " is open elsewhere");
        return system_error("lock", path / "lock");
    }
    auto s = std::make_unique<state>(
        state{path, std::move(m), std::make_shared<descriptor const>(std::move(lock))});
    return std::unique_ptr<data_directory>(new data_directory(std::move(s)));
}

result<disk_image> data_directory::read_store(fs::path const& path, std::uint32_t store) {
    auto const folder = store_path(path, store);
    std::error_code ec;
    disk_image image;
    auto it = fs::directory_iterator(folder, ec);
    for (; !ec && it != fs::directory_iterator(); it.increment(ec)) {
        std::uint64_t zero = 0, number = 0;
        auto const name = it->path().filename().string();
        bool const named = name.size() == 24 && name.ends_with(".segment");
        if (!named || !parse_hex(std::string(16, '0') + name.substr(0, 16), zero, number)) continue;
        ZOOID_TRY(auto content, read_file(it->path()));
        image.emplace(number, std::move(content));
    }
    if (ec) return folder_error("read", folder, ec);
    return image;
}

result<std::unique_ptr<file_journal>> data_directory::open_journal(std::uint32_t store, life_id life,
                                                                   file_journal_options const& options,
                                                                   boost::asio::any_io_executor blocking,
                                                                   boost::asio::any_io_executor owner) {
    auto const& m = state_->manifest;
    if (store >= m.journals.size()) return error(errc::invalid_argument, "no store " + std::to_string(store));
    auto journal = options.journal;
    journal.block_bytes = m.block_bytes;
    ZOOID_TRY(auto image, read_store(state_->path, store));
    auto const folder = store_path(state_->path, store);
    if (options.method == flush_method::direct_dsync) {
        if (auto done = require_direct(folder, image); !done) return done.error();
    }
    auto recovery = recover_journal(m.journals[store], journal, image);
    if (!recovery) {
        auto const& e = recovery.error();
        return error(e.code(), folder.string() + ": " + std::string(e.detail()));
    }
    return make_file_journal(std::move(recovery.value()), life, folder, options, std::move(blocking),
                             std::move(owner), state_->lock);
}

} // namespace zooid
