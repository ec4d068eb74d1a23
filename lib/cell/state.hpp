// A replica's state, one struct for each role that it plays at once. Handlers are in turn.hpp.
#pragma once

#include "cell/log.hpp"
#include "cell/membership.hpp"

#include <zooid/base/limits.hpp>
#include <zooid/base/prng.hpp>
#include <zooid/cell/replica.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace zooid {

/// A6: what an acceptor holds above its prefix goes into one promise, and that into one frame. A value for
/// the first unknown slot is taken in any case, so one batch comes on top.
inline constexpr std::size_t accepted_bytes_max =
    limits::frame_bytes_max - limits::batch_bytes_max - 64 * 1024;

/// A repeated request: when to send it again, and how long to wait after that.
struct repeat {
    time_point at = never;
    duration wait{};
};

/// Acceptor: what this replica must never take back.
struct acceptor_state {
    ballot promised;
    bool may_vote = true; ///< enough members had answered when it was last asked to (PROTOCOL.md, R2)
    bool is_new = true;   ///< its id was drawn in this life: no older image of the disk has it
    slot asked_of;        ///< R2: the base of the configurations whose members had answered then
    bool let_go = false;  ///< nobody leads in `promised` any more, its owner said: no lease holds it (G6)
};

/// A snapshot that was taken here or taught to us, on its way into the journal.
struct pending_checkpoint {
    std::uint64_t ticket = 0;
    slot at;
    std::optional<snapshot> taught; ///< to be installed once it is durable
};

/// Learner: what is known to be chosen, and how it reaches the state machine.
struct learner_state {
    slot prefix;   ///< every slot up to it is chosen, and its value was handed to the state machine
    slot recorded; ///< the highest prefix that a record names: what a restart will still know
    slot applied;  ///< as the state machine reported
    slot released; ///< every release at or below the prefix is at or below this slot
    digest state_digest;
    slot wanted;   ///< somebody knows slots up to here; above `prefix`: fetch
    member source; ///< who said so, and was not asked yet; a member that we know or not (T5)
    repeat fetch_again;
    bool starting = false;         ///< after a restart: ask until a majority has nothing newer
    std::vector<replica_id> asked; ///< of the members asked while starting: who answered
    slot checkpoint;
    std::size_t log_bytes = 0;        ///< chosen since the checkpoint
    std::size_t checkpoint_bytes = 0; ///< of the state in the last checkpoint
    std::optional<pending_checkpoint> pending;
    std::vector<member> to_teach; ///< waiting for a snapshot to be taken
    bool snapshot_wanted = false; ///< asked of the host, not answered yet
    bool checkpoint_owed = false; ///< the last one, or a value since, is lost on the disk
    bool digest_owed = false;     ///< to the proposer, once everything known is applied
};

/// A caller's command that waits for a slot.
struct waiting_command {
    token request;
    shared_bytes command;
    time_point until; ///< nobody waits for it any longer
};

/// Election: who leads, and whether this replica should.
struct election_state {
    enum class phase : std::uint8_t { idle, waiting, canvassing };

    ballot proposer; ///< the highest ballot seen in use; its owner is the proposer as far as we know
    round_number round_seen;
    phase now = phase::idle;
    time_point at = never; ///< waiting: when to canvass; canvassing: when to give up
    std::uint64_t attempt = 0;
    unsigned failures = 0; ///< in a row; widens the back-off
    member_set welcome;    ///< answered the present canvass without vouching
    ballot despite;        ///< its owner failed our probe
    bool wanted = false;   ///< lead as soon as a quorum is in sight
    time_point probe_fails_at = never;
    std::vector<waiting_command> commands; ///< arrived while nobody is known to lead
    std::size_t command_bytes = 0;
    std::vector<token> reads;
};

/// A slot that was proposed in this ballot and is not known to be chosen.
struct open_slot {
    slot at;
    entry value;
    digest value_digest;
    std::vector<token> requests;
    member_set votes; ///< of config(at)
    time_point sent;
    bool chosen = false; ///< but not delivered yet: a slot below is still open
};

/// One member's answer to phase 1. It covers the slots above `prefix`; of those below it says that they are
/// chosen, not with what.
struct promise_report {
    member from;
    slot prefix;
    std::vector<acceptance> accepted;
};

/// Strict reads that share one round of confirmation.
struct read_round {
    std::uint64_t round = 0;
    slot at;              ///< r: answered once it is applied
    configuration voters; ///< config(r + 1), as of asking: a release may let go of it meanwhile
    member_set confirmed;
    std::vector<token> requests;
};
struct confirmed_reads {
    slot at;
    std::vector<token> requests;
};

/// What a member said of its prefix.
struct member_progress {
    replica_id replica;
    slot known;
    slot durable;
};

/// G4: the replica answered something that was sent at `asked_at` with a promise of exactly this ballot.
struct standing_promise {
    replica_id replica;
    time_point asked_at;
};

/// What a member said of its state.
struct digest_report {
    replica_id from;
    slot at;
    digest state_digest;
    bool told = false; ///< that it is outvoted
};

/// A change of members that waits for its newcomers to catch up.
struct waiting_change {
    token request;
    configuration_change what;
    repeat ask_again;
    time_point gives_up_at = never;
};

/// A rise of the version that waits for a slot.
struct waiting_rise {
    token request;
    version_rise what;
};

/// Proposer: exists from phase 1 until it is preempted.
struct proposer_state {
    ballot in;
    time_point began;              ///< phase 1: nothing in this ballot was sent before
    std::vector<replica_id> asked; ///< for a promise in this ballot
    std::vector<promise_report> promises;
    slot reported;    ///< the highest slot that any promise reports an acceptance for
    slot must_know;   ///< slots up to it are chosen, a promise says
    replica_id knows; ///< who said so
    bool leading = false;
    slot next; ///< to be proposed
    std::deque<open_slot> open;
    std::deque<waiting_command> commands;
    std::size_t command_bytes = 0;
    std::vector<token> reads;
    std::optional<read_round> asking;
    std::vector<confirmed_reads> confirmed;
    std::uint64_t round = 0;                              ///< of confirmations, the last
    time_point round_began;                               ///< when it was asked for
    std::vector<member_progress> progress;                ///< what members reported
    std::vector<standing_promise> standing;               ///< for leased reads, if they are on
    std::vector<std::pair<member, std::uint64_t>> probes; ///< answered after the next confirmation
    slot announced;                 ///< the highest prefix that was sent to all members, or is due to be
    repeat again;                   ///< phase 1 and 2 requests and confirmations without an answer
    repeat laggards;                ///< members that may not know what is chosen
    time_point gives_up_at = never; ///< phase 1 without a quorum

    std::optional<waiting_change> change;
    std::vector<member>
        learners;    ///< of the change that waits or is on its way: proposals are sent to them too
    slot fill_below; ///< open slots up to here are filled, so that a change comes into force
    slot releasing;  ///< the change whose release was proposed last in this ballot
    std::optional<waiting_rise> rise;
    std::vector<digest_report> digests; ///< of the last few slots that were compared
    slot differed;                      ///< the highest slot that was reported to have no majority
    std::vector<member> released;       ///< told what is chosen until they know, or are out of sight
    time_point members_since = time_point::min(); ///< when we learned of the last change of members
};

struct replica_state {
    replica_identity identity;
    cell_options options;
    prng random;
    cell_id cell;
    bytes key;
    generation birth;
    cell_demands demands; ///< its colour, and its version
    std::uint8_t alpha = 3;
    bool joined = false;  ///< a held configuration named this replica, as far as it knew
    bool retired = false; ///< released: takes part in nothing any more
    distrust quarantined_for = distrust::state;
    distrust recorded_for = distrust::state; ///< what the last record of a quarantine says
    membership members;
    log_window log;
    acceptor_state acceptor;
    learner_state learner;
    election_state election;
    std::unique_ptr<proposer_state> proposer;
    std::optional<snapshot> start_from; ///< recovered: to be installed first; sealed: what it keeps (X2)
    std::uint64_t tickets = 0;
    std::string quarantine;                     ///< the cause; empty while healthy
    std::optional<successor_cell> sealed_for{}; ///< the cell goes on there; whatever else is wrong here
    std::optional<successor_cell> sealing{};    ///< asked for, and waits for the state to be taken
    bool quarantine_unrecorded = false;         ///< no record says it: those that are missing do
    bool upgrade_resumes = false; ///< V1: quarantined for what newer software understands; no record says so
};

} // namespace zooid
