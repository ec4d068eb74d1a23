// How a server is set up: tuning, identity, and what it reports. Nothing here decides an outcome.
#pragma once

#include <zooid/base/state_machine.hpp>
#include <zooid/cell/leases.hpp>
#include <zooid/cell/replica.hpp>

#include <memory>
#include <string>
#include <variant>

namespace zooid {

/// Sees every step of every replica: for tools that check whole runs, never in production, since it costs
/// much. It must outlive the server.
class step_observer {
  public:
    virtual ~step_observer() = default;
    /// A replica begins: as a founder or a newcomer, with its first record, or with what the journal gave
    /// back.
    virtual void began(replica const& r, snapshot const& first) = 0;
    virtual void came_back(replica const& r, recovered_state const& from) = 0;
    /// After a step, before anything of it is carried out.
    virtual void stepped(replica const& r, event const& what, effects const& done) = 0;
};

/// See `server_options::teach_bytes_per_second`.
inline constexpr std::uint64_t teach_bytes_per_second_min = 32 * 1024;

/// Intervals and bounds of a server. `server` is made of options only that `explain_invalid` finds nothing
/// wrong with. Intervals are 1 ms to 1 h, bounds above 0 unless they say otherwise.
struct server_options {
    duration pulse_interval = std::chrono::milliseconds(100); ///< between two pulses to one peer
    /// Of silence, or of a hung journal: suspected. At least two pulse intervals.
    duration pulse_timeout = std::chrono::milliseconds(500);
    /// An idle journal flushes this often. So a disk that hangs is noticed after this and `pulse_timeout`.
    duration probe_interval = std::chrono::milliseconds(400);
    std::size_t requests_max = 100'000; ///< of clients, waiting; beyond: overloaded
    /// Hosted here, at most 2^32 - 1; beyond: a reservation is refused as overloaded.
    std::size_t cells_max = 1'000'000;
    /// Cells here that stand for election at once because a server was lost, or returned; the others are told
    /// when these are done. A cell whose caller complains does not wait.
    std::size_t candidates_max = 512;
    /// What is sent to replicas that fell behind, in bytes a second, over all cells: 32 KiB to 8 GiB; zero:
    /// no limit. Who asks for more is not answered, and asks again. A lesson is sent whole and paid for
    /// afterwards: the 2 MiB of the largest cells keep the least budget busy for a minute or two.
    std::uint64_t teach_bytes_per_second = 64 * 1024 * 1024;
    /// Of records that wait for the journal, and of answers that wait for them. Beyond, as with a disk that
    /// hangs or is full, what others ask this server to store or to confirm is dropped as if it were lost.
    std::size_t unflushed_bytes_max = 64 * 1024 * 1024;
    /// Of "that cell moved there", at least from a start on; however long; zero: not kept.
    duration pointer_retention = std::chrono::hours(24);
    std::size_t pointers_max = 100'000; ///< of them, about 100 bytes each; the oldest go first; may be 0
    bool report_durable = false; ///< emit a `durable_fact` for each durable promise, acceptance, choice
    lease_options lease;         ///< leased reads, for readers that ask for one; off by default
    cell_options cells;
    step_observer* steps = nullptr; ///< told of every step, unless null
};

/// Empty, or what is wrong with the options: "pulse_timeout: must be ...".
std::string explain_invalid(server_options const& options);

/// Who a server is in this life. `seed` feeds every prng inside, and the replica ids that it draws: in
/// production it comes from the operating system's entropy.
struct server_identity {
    colony_id colony;
    server_id server;
    life_id life;
    std::uint64_t seed = 0;
};

/// What a cell replicates. The default is the transactional store of room kv behind sessions; one of your own
/// is put behind sessions by kv::session_machine, which clients count on: their commits are kv::request
/// envelopes, and `admit` sees the envelope.
///
/// Every server of a cell must have the same kind, and a newer version of it must still understand all that
/// an older one let into a log: commands and snapshots outlive the software that wrote them.
struct machine_kind {
    /// An empty state machine for a replica. Called on the server's thread; never null.
    std::unique_ptr<state_machine> (*make)() = nullptr;
    /// Is it a command? Asked at the proposer before it enters the log; an error goes to the caller as it is,
    /// and nothing happened. A command that passes must be understood by `state_machine::apply` on every
    /// replica: one that is not stops them all. It sees no state: what depends on it is `apply`'s reply.
    /// The cell's version is below ours until an operator raises it: let in only what that version has.
    result<void> (*admit)(bytes_view command, std::uint16_t cell_version) = nullptr;
    /// The highest cell version whose commands and snapshots this software understands. A cell is raised to
    /// it, and not by itself, when every member's server says so.
    std::uint16_t version_highest = cell_version_highest;

    /// The store of room kv behind sessions.
    static machine_kind key_value();
};

// ---- the observer: typed events, never one per message

struct leadership_changed {
    cell_id cell;
    bool leads = false; ///< this server does, or does no longer
    ballot in;          ///< that it leads in; or that it follows now, zero if it knows of none
};
struct suspicion_changed {
    server_id peer;
    bool suspected = false;
};
/// A replica that its cell's own log released; a pointer to where the cell is now stays for a while.
struct replica_retired {
    cell_id cell;
};
struct replica_stopped {
    cell_id cell;
    std::string cause; ///< of its quarantine
};
/// One that was taught again: it takes part again, with the promise that it had.
struct replica_healed {
    cell_id cell;
};
/// The replicas of a cell have different states after this slot, and none that a majority has. Nobody was
/// stopped and nobody taught: a person has to look at it.
struct digests_differ {
    cell_id cell;
    slot at;
};
/// The mark of an emergency recovery was applied here: at its founding, and again after starts that replay
/// it.
struct cell_recovered {
    cell_id cell;
    recovery_mark mark;
};
struct journal_latched {
    error reason;
};
struct journal_hung {
    bool hung = false;
};
/// Peers know batches of our journal that it does not hold: it was rolled back, and its id is dead for good.
struct journal_rolled_back {
    server_id told_by;
};
struct damage_reported {
    cell_id cell;
    std::string what;
};
struct requests_overloaded {};
struct frame_refused {
    server_id from;
    error why;
};
using server_event =
    std::variant<leadership_changed, suspicion_changed, replica_stopped, replica_healed, digests_differ,
                 replica_retired, cell_recovered, journal_latched, journal_hung, journal_rolled_back,
                 damage_reported, requests_overloaded, frame_refused>;

/// Something that is durable, for an independent check of the protocol by those who collect these from all
/// servers. Promises and acceptances are reported after their flush here; a choice when it is applied, with the
/// replies to its commands: by then a quorum has to have reported that it accepted.
struct durable_fact {
    enum class kind : std::uint8_t { promise, acceptance, chosen };
    kind what = kind::promise;
    cell_id cell;
    replica_id replica;
    slot at;
    ballot in;
    digest value_digest;
    digest state_digest; ///< of a choice: the state after it
};

/// Counters; they only rise, unless said.
struct server_statistics {
    std::uint64_t commits_admitted = 0;
    std::uint64_t commits_answered = 0;
    std::uint64_t reads_answered = 0;
    std::uint64_t reads_leased = 0; ///< of them: confirmed by a lease, without asking anybody
    std::uint64_t requests_failed = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t frames_sent = 0;
    std::uint64_t messages_refused = 0; ///< malformed, unknown, or for a replica that is not here
    std::uint64_t messages_dropped = 0; ///< they would have stored more while `unflushed_bytes_max` waited
    std::uint64_t bytes_taught = 0;     ///< slices and snapshots, to peers
    std::uint64_t lessons_refused = 0;  ///< they asked while `teach_bytes_per_second` was used up
    std::uint64_t values_rewritten = 0; ///< the journal could not read them any more
    std::uint64_t slots_applied = 0;
    std::uint64_t turns = 0;
    std::uint64_t turns_persisted = 0; ///< turns that appended to the journal
    std::uint64_t cells = 0;           ///< now
    std::uint64_t leading = 0;         ///< now
    std::uint64_t reserved = 0; ///< now: replica ids that were drawn and are neither founded nor taught
    std::uint64_t requests_waiting = 0; ///< now
    std::uint64_t replica_bytes = 0;    ///< now, of memory, roughly; computed when asked
};

} // namespace zooid
