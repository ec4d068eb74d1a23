// One replica of one cell: the consensus protocol as a value.
//
// Read PROTOCOL.md beside the sources for the protocol itself, its invariants and their reasons. In short:
// multi-Paxos with a distinguished proposer, a log whose slots are chosen up to alpha ahead of the known
// prefix, reads confirmed by a quorum, teaching outside the protocol. There is no clock, thread, file or
// randomness in here: `step` is a function of the replica, its surroundings and one event.
#pragma once

#include <zooid/cell/effects.hpp>
#include <zooid/cell/liveness.hpp>
#include <zooid/cell/recovery.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace zooid {

/// How patient a replica is and how much it holds. Nothing here decides an outcome; servers may differ.
/// Intervals are 1 ms to 1 h (`candidacy_jitter` may be 0), bounds above 0 unless they say otherwise.
struct cell_options {
    duration retransmit = std::chrono::milliseconds(100); ///< first repeat of an unanswered request; doubles
    duration retransmit_max = std::chrono::seconds(2);    ///< and stays there; at least `retransmit`
    duration candidacy_step = std::chrono::milliseconds(30); ///< wait per rank in the list of preference
    /// Drawn on top, from 0 to this, against duels; doubles with each failure, up to 64 times as long.
    duration candidacy_jitter = std::chrono::milliseconds(30);
    /// For canvass and phase 1; doubles with each failure, up to 16 times as long.
    duration candidacy_timeout = std::chrono::milliseconds(300);
    duration probe_timeout =
        std::chrono::milliseconds(500);              ///< a probed proposer that is silent is suspected
    duration quiet = std::chrono::milliseconds(50);  ///< after the last choice, laggards are asked
    std::size_t pending_bytes_max = 2 * 1024 * 1024; ///< commands waiting for a slot; beyond: overloaded
    std::size_t pending_count_max = 4096;            ///< the same, in commands
    std::size_t reads_max = 4096;                    ///< strict reads waiting; beyond: overloaded
    std::size_t checkpoint_log_bytes = 64 * 1024;    ///< of log above a checkpoint before the next one
    std::size_t checkpoint_log_entries = 256;        ///< the same, in entries
    std::size_t kept_log_entries = 64;               ///< below a checkpoint, to teach by slice; may be 0
    std::size_t slice_bytes_max = 256 * 1024;        ///< of one log slice
    std::uint64_t slots_ahead_max = 1024;            ///< accepted above the known prefix
    std::uint64_t caught_up_within = 32; ///< slots that a newcomer may lag when its change is proposed; or 0
    duration newcomer_timeout = std::chrono::seconds(10); ///< for a newcomer to catch up; then `unreachable`
};

/// Empty, or what is wrong with the options: "retransmit: must be ...".
std::string explain_invalid(cell_options const& options);

/// The highest cell version that this software understands. Cells stay below it until an operator finalises
/// a version, so that a rollback finds nothing that it does not understand (PROTOCOL.md, V3).
inline constexpr std::uint16_t cell_version_highest = 1;

/// Who a replica is. `seed` seeds its private prng.
struct replica_identity {
    member self;
    life_id life;
    std::uint64_t seed = 0;
    std::uint16_t version_highest = cell_version_highest; ///< of entries and snapshots; beyond, it stops
    /// At or above every round that a replica which was destroyed on this server drew in this life: two
    /// replicas of one cell, one after the other, would else draw one ballot (PROTOCOL.md, P1).
    round_number rounds_used{};
};

/// What the journal gave back of a replica that was founded or taught. (One that was only reserved has none:
/// it holds a place and never votes.)
struct recovered_state {
    snapshot checkpoint;
    ballot promised;
    std::vector<acceptance_record> acceptances; ///< ascending by slot; an empty value is unreadable
    std::string quarantine;                     ///< the cause, if it was quarantined
    distrust quarantined_for = distrust::state; ///< and what it is still good for
    slot prefix{};                              ///< the highest that a prefix record names
    std::optional<successor_cell> sealed_for{}; ///< the cell was recovered there
    bool quarantine_unrecorded = false;         ///< no record says the cause: those that are missing do
    bool is_first = false; ///< it begins with this, under an id that was drawn since the server started
};

/// Roles, as `explain` and the observer name them.
enum class role : std::uint8_t { follower, canvassing, preparing, leading, quarantined };
std::string_view name_of(role r);

/// A replica's state as a person asks for it: why it does what it does.
struct explanation {
    cell_id cell;
    bytes key;
    generation birth;
    member self;
    zooid::role role = role::follower;
    ballot promised;
    ballot proposer; ///< the highest ballot that this replica believes to be led; zero: none known
    slot prefix;     ///< all slots up to it are known to be chosen
    slot applied;
    slot checkpoint;
    digest state_digest;
    configuration members;        ///< in force
    configuration newest_members; ///< chosen; the same unless a change is on its way
    slot configuration_base;      ///< of the newest: what a change has to name
    bool is_changing = false;     ///< a change is chosen and not released
    std::vector<std::pair<server_id, slot>> known_prefixes; ///< at the proposer: what each member reported
    std::size_t open_slots = 0;
    std::size_t pending_commands = 0;
    std::size_t pending_reads = 0;
    bool may_vote = false; ///< enough members had answered what they heard of us when it last mattered (R2)
    std::uint16_t cell_version = 1;             ///< as its log raised it
    std::uint16_t version_highest = 1;          ///< that the software of this server understands
    std::string quarantine;                     ///< the cause; empty unless quarantined
    distrust quarantined_for = distrust::state; ///< what is not trusted; `learned`: it is being taught again
};

struct replica_state;

/// One replica. Movable, not copyable except by `clone`; used by one thread at a time. A moved-from replica
/// may only be assigned to or destroyed.
class replica {
  public:
    /// A founder: `founding` is a snapshot at slot 0 whose first configuration names `identity.self`. The
    /// host must have made the founding record durable before it delivers any event.
    static replica found(snapshot const& founding, replica_identity const& identity,
                         cell_options const& options);
    /// A replica after a restart, a newcomer with its first state, or a founder of a fork. It asks its peers
    /// what it missed, and unless it `is_first` it does not vote before members that make a majority with it
    /// have answered.
    static replica recover(recovered_state const& recovered, replica_identity const& identity,
                           cell_options const& options);

    replica(replica&&) noexcept;
    replica& operator=(replica&&) noexcept;
    ~replica();

    /// One event, all consequences, which replace what `out` held. Same state, surroundings and event: the
    /// same effects, byte for byte. A broken invariant quarantines the replica: of that step only a record of
    /// it and the ends of callers' requests leave. Throws only std::bad_alloc.
    void step(surroundings const& around, event const& what, effects& out);

    /// When it next wants `woken`; `never` for an idle replica.
    time_point deadline() const;

    cell_id cell() const;
    member const& self() const;
    zooid::role role() const;
    ballot promised() const; ///< the highest; durable, or on its way to be
    /// The ballot of the proposer that this replica follows or is; zero if none is known.
    ballot proposer() const;
    slot prefix() const;       ///< every slot up to it is known to be chosen
    slot applied_slot() const; ///< as the state machine reported
    generation birth() const;
    bytes const& key() const;
    /// The configuration that governs the slot after the known prefix.
    configuration const& members() const;
    /// The newest configuration that is chosen, and the slot that a change computed from it has to name.
    configuration const& newest_members() const;
    slot configuration_base() const;
    /// A change is chosen whose removed members are not released: nothing of the cell may be destroyed.
    bool is_changing() const;
    /// A configuration that is held names this replica; else it is a learner, or released.
    bool is_member() const;
    bool is_quarantined() const; ///< it stopped alone; `explain` says why
    /// What its commands and limits are judged by: raised by an entry of its log only.
    std::uint16_t cell_version() const;
    /// In its first attempt to lead since it last followed or led: it waits to stand, canvasses or prepares.
    /// One whose attempts fail backs off and is not counted.
    bool is_fresh_candidate() const;
    /// The ballot that it leads in or asks for promises in; zero if it does neither. Its own acceptor may
    /// have promised less: it is one acceptor of seven, and may be held by another's lease.
    ballot proposes_in() const;
    /// The highest round that it heard of or drew.
    round_number round_seen() const;
    /// Released by the cell's own log: it takes part in nothing and may be destroyed.
    bool is_retired() const;
    /// For one that is retired: it keeps its name and its members, and lets go of log and state.
    void shed();
    /// Where the cell went, if this replica is sealed: it votes, answers and learns never again. Null
    /// otherwise.
    successor_cell const* sealed_for() const;
    /// What a recovery has to know of it.
    survey_answer survey() const;
    /// The state that a sealed replica kept, as of `survey_answer::state_at`. Null if it is not sealed, if
    /// its state is in doubt, or if it was sealed before it had applied what it knew.
    snapshot const* kept_state() const;
    explanation explain() const; ///< for people; copies

    /// Bytes of memory that this replica holds, roughly.
    std::size_t memory_bytes() const;
    /// An independent copy; for explorers and tests.
    replica clone() const;
    /// For invariants and tests; the type is private to the room.
    replica_state const& state() const { return *state_; }

  private:
    explicit replica(std::unique_ptr<replica_state> state);

    std::unique_ptr<replica_state> state_;
};

} // namespace zooid
