// The journal's decisions, without any I/O: a value that takes appends and completions and emits disk
// commands.
//
// One *commit* task (rewrite, write, flush) and one *background* task (create, read, remove) are in flight at
// most. Steps of a task are carried out in order, stopping at the first error; then the task is completed
// once, with the bytes read or the error. Drivers: `file_journal` on real files, `memory_journal`, and the
// simulator's disk.
//
//     recover_journal(identity, options, image) -> recovery     (recovery.hpp)
//     journal_log log(std::move(recovery.state), life);
//     log.start(out);                       // secure what was recovered
//     log.append(now, 1, records, out);     // any time after start
//     for (io_task& t : out.tasks) ...      // carry out, then log.complete(t.id, outcome, out)
//     out.events ...                        // secured, persisted, failed, stalled, damage, in order
#pragma once

#include <zooid/base/trace.hpp>
#include <zooid/journal/journal.hpp>
#include <zooid/journal/options.hpp>

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace zooid {

/// All segments of a journal and their bytes: what a disk holds.
using disk_image = std::map<std::uint64_t, bytes>;

/// Create the segment, `size` bytes, written (not merely allocated) with zeros. It may exist: truncate it.
struct io_create {
    std::uint64_t segment, size;
};
/// Write at `offset`, which is a multiple of block_bytes as the size is. The bytes stay valid until the
/// task is completed.
struct io_write {
    std::uint64_t segment, offset;
    bytes_view content;
};
/// Make all that was written to the segment durable.
struct io_flush {
    std::uint64_t segment;
};
/// Make creations and removals durable.
struct io_sync_directory {};
/// Remove the segment; absent is fine.
struct io_remove {
    std::uint64_t segment;
};
/// Have ready whatever a commit to the segment takes, such as a descriptor: only a write or a flush may fail
/// then.
struct io_open {
    std::uint64_t segment;
};
/// Read that much; bytes that can't be read count as zeros, a short segment gives fewer.
struct io_read {
    std::uint64_t segment, offset, size;
};
using io_step = std::variant<io_create, io_write, io_flush, io_sync_directory, io_remove, io_open, io_read>;

/// Steps to be carried out in order.
struct io_task {
    std::uint64_t id = 0;
    std::vector<io_step> steps;
};

/// How a task ended. A failed task may have carried out any part of its steps. With `no_space` and
/// `overloaded` (no descriptor or memory is left) it may be tried again as a whole; unless it was a commit,
/// the log does so.
struct io_outcome {
    result<void> status = outcome::success();
    bytes read; ///< of the last `read` step

    static io_outcome failed(error e) { return {std::move(e), {}}; }
};

struct journal_secured {};
struct journal_persisted {
    std::uint64_t sequence;
};
struct journal_failed {
    error reason;
};
struct journal_stalled {
    error reason;
};
struct journal_damage_found {
    journal_damage damage;
};
/// A call of `journal_listener`, as a value.
using journal_event =
    std::variant<journal_secured, journal_persisted, journal_failed, journal_stalled, journal_damage_found>;

/// What one call had as consequences. The caller empties it, and may keep it for its capacity.
struct journal_effects {
    std::vector<io_task> tasks;
    std::vector<journal_event> events;

    void clear() { tasks.clear(), events.clear(); }
};

/// Hands the events to a listener, in order.
void deliver(std::span<journal_event const> events, journal_listener& listener);

/// What recovery hands to the log; made by `recover_journal` only.
struct log_state;
struct log_state_deleter {
    void operator()(log_state* state) const;
};
using log_state_pointer = std::unique_ptr<log_state, log_state_deleter>;

/// See the head of this page. Not copyable; no call is allowed from within another.
class journal_log {
  public:
    /// `life` is drawn anew at each start.
    journal_log(log_state_pointer recovered, life_id life);
    journal_log(journal_log&&) noexcept;
    ~journal_log();

    /// Secures what was recovered and prepares the segment to go on in. Call once, before anything else.
    void start(journal_effects& out);
    void append(time_point now, std::uint64_t sequence, std::span<record> records, journal_effects& out);
    void probe(time_point now, journal_effects& out); ///< these as `journal` says of each
    void scrub(std::uint64_t budget_bytes, journal_effects& out);
    void complete(std::uint64_t task, io_outcome outcome, journal_effects& out); ///< once for each task

    duration outstanding_age(time_point now) const;
    journal_claim claim() const;
    claim_verdict check(journal_claim const& heard) const;
    journal_statistics statistics() const;
    sometimes_set const& marks() const;

  private:
    class core;
    std::unique_ptr<core> core_;
};

} // namespace zooid
