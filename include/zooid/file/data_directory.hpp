// A server's data directory on a real file system: who owns it, its stores, and their journals.
//
//     DIR/manifest            format version, server, colony, journal ids; text, written once by `format`
//     DIR/lock                held by the process that has it open
//     DIR/store-<n>/          one per journal: segments `<16 hexadecimal digits>.segment`
//
// The number of stores is fixed by `format`. A store that is missing, or holds segments of another journal,
// is an error or damage, never an empty journal.
#pragma once

#include <zooid/file/file_journal_options.hpp>
#include <zooid/journal/log.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <memory>
#include <vector>

namespace zooid {

/// Who may open a directory.
struct directory_owner {
    server_id server;
    colony_id colony;
    friend bool operator==(directory_owner const&, directory_owner const&) = default;
};

/// What is fixed when a directory is formatted.
struct directory_format {
    directory_owner owner;
    std::uint32_t stores = 1;         ///< 1 to 256: one for each shard that the server will ever have
    std::uint32_t block_bytes = 4096; ///< see journal_options
};

/// The content of the manifest.
struct directory_manifest {
    std::uint32_t format_version = 1;
    directory_owner owner;
    std::uint32_t block_bytes = 4096;
    std::vector<journal_id> journals; ///< one per store
    friend bool operator==(directory_manifest const&, directory_manifest const&) = default;
};

/// A journal on files. Destroy it on its completion executor, or when that no longer runs anything.
class file_journal : public journal {
  public:
    /// What was found when it was opened; the caller may move from it.
    virtual recovered_journal& recovered() = 0;
    /// Unless `flush_thread::blocking`: writes and flushes the batch that is due, if there is one, and calls
    /// the listener. Blocks for as long as the device takes. The owner calls this or `flush_elsewhere` after
    /// `append` and `probe`, when its turn has nothing else to do, and never from within the listener; else a
    /// batch waits for the next call.
    virtual void flush() = 0;
    /// Hands the batch that is due, if there is one, to the blocking executor.
    virtual void flush_elsewhere() = 0;
    /// A task that the operating system has not answered yet is left to its executor; files are closed by it.
    ~file_journal() override = default;
};

/// An open data directory. It must outlive its journals. The lock is kept until it is destroyed and the last
/// write or flush that a journal had in flight has ended.
///
/// All functions block: call them where that is allowed. Thread safe: different stores may be opened at once.
/// Errors name the path. `permission_denied`, `no_space` (also a quota), `overloaded` (no descriptor is
/// left), `io_failed` as the system says; a disk that is mounted read-only is `permission_denied`.
class data_directory {
  public:
    /// Makes an empty or absent directory a data directory, with new random journal ids. `already_exists` if
    /// there is anything in it; `invalid_argument` for numbers out of range. On failure no manifest is left,
    /// as far as the file system still does what it is told; one that comes back is complete.
    static result<directory_manifest> format(std::filesystem::path const& path, directory_format const& how);

    /// `not_found` without a manifest, `malformed` if it can't be read, `wrong_owner` if it is not `owner`'s,
    /// `unsupported_version` for any format but ours, `in_use` while another process, or this one, has it
    /// open.
    static result<std::unique_ptr<data_directory>> open(std::filesystem::path const& path,
                                                        directory_owner const& owner);

    /// Reads the manifest and nothing else: takes no lock and asks for no owner.
    static result<directory_manifest> read_manifest(std::filesystem::path const& path);

    /// Reads the segments of a store as they are, without any lock or change; for tools and tests. What can't
    /// be read counts as zeros. `not_found` if the store's folder is missing.
    static result<disk_image> read_store(std::filesystem::path const& path, std::uint32_t store);

    ~data_directory();
    /// As it was when the directory was opened: it never changes.
    directory_manifest const& manifest() const;
    std::filesystem::path const& path() const;

    /// Reads and recovers one store: writes nothing, so it succeeds on a full disk, and it reads with a
    /// read-only one (whose journal then fails with `permission_denied` when it is started).
    /// `invalid_argument` if the file system refuses the flush method. `life` is drawn anew for each start of
    /// the process. Blocking work of the journal runs on `blocking`, one task at a time for appends and one
    /// for housekeeping; its functions are called, and its listener is called, on `owner`, which must be
    /// serial (one thread, or a strand).
    result<std::unique_ptr<file_journal>> open_journal(std::uint32_t store, life_id life,
                                                       file_journal_options const& options,
                                                       boost::asio::any_io_executor blocking,
                                                       boost::asio::any_io_executor owner);

  private:
    struct state;
    explicit data_directory(std::unique_ptr<state> s);
    std::unique_ptr<state> state_;
};

} // namespace zooid
