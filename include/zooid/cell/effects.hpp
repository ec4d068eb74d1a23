// The contract of the core: what goes into a step, and all that comes out of it.
//
//   event ──► replica::step ──► effects: records to persist
//                                        messages that may leave now
//                                        messages that wait until those records are durable
//                                        deliveries to the state machine, answers to callers
//
// The replica does no I/O. Its host carries out the effects in this order of trust: nothing in
// `after_durable` leaves before the records of this and every earlier step of the replica are durable.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/base/time.hpp>
#include <zooid/base/trace.hpp>
#include <zooid/cell/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zooid {

/// Names a caller's request at this replica; drawn by the host, never reused within a life.
using token = tagged<struct token_tag>;

// ---- events

/// A message of another member, or of this one: messages to oneself come back through the host as well.
struct received {
    server_id server;   ///< as the authenticated connection says
    replica_id replica; ///< as the envelope says
    zooid::message content;
};
/// Order this command. Ends in a `delivery` that carries the token, or in an `ended`: `timed_out` if no slot
/// came free for it before `until`.
struct propose {
    token request;
    shared_bytes command;
    time_point until = never; ///< nobody waits for it any longer
};
/// Whether a read may be answered from a lease; if there is none, it is a strict one all the same.
enum class read_mode : std::uint8_t { strict, leased };
/// A linearizable read: ends in `read_ready` or `ended`.
struct read {
    token request;
    read_mode how = read_mode::strict;
};
/// Change the cell's members. Newcomers are taught first; the change is proposed when they have caught up.
/// Ends in `change_chosen`, or in `ended`: `conflict` if it was computed from another configuration than the
/// newest, `overloaded` while another change waits, `unreachable` if a newcomer does not catch up in time.
struct change_members {
    token request;
    configuration_change what;
};
/// Raise the cell's version. Ends in `change_chosen`, or in `ended`: `conflict` if it was computed from
/// another configuration than the newest or is not above the cell's version, `unsupported_version` if the
/// software of a member does not understand it, or if that can't be said because its server is not heard;
/// `overloaded` while another one waits.
struct raise_version {
    token request;
    version_rise what;
};
/// Digests of these slots are compared: the host answers the delivery of one with an `applied` of its own.
inline constexpr std::uint64_t audit_interval = 64;
constexpr bool is_audited(slot at) {
    return at.value % audit_interval == 0;
}
/// The state machine applied everything up to `at` and has this digest now.
struct applied {
    slot at;
    digest state_digest;
};
/// The state that `want_snapshot` asked for.
struct snapshot_taken {
    slot at;
    shared_bytes state;
    digest state_digest;
};
/// The state machine could not go on.
struct apply_failed {
    enum class reason : std::uint8_t {
        software, ///< a command or a snapshot above its version: goes on after an upgrade
        state,    ///< a snapshot that is not what it claims to be: to be taught again
    };
    slot at;
    std::string cause;
    reason why = reason::software;
};
/// The records of the step that emitted this ticket are durable, and so are all before them.
struct persisted {
    std::uint64_t ticket = 0;
};
/// The deadline has passed.
struct woken {};
/// Something changed for a server of this cell: suspected, returned, connected.
struct liveness_changed {
    server_id server;
};
/// A client says that it gets no answer from the proposer that it was sent to.
struct complaint {};
/// A promise or acceptance of this replica may be lost, says its journal: it never votes again.
struct votes_lost {
    std::string cause;
};
/// The journal can't read a value of this slot any more, or a checkpoint at this slot; the votes beside it
/// are intact. It is written again while it is in memory.
struct value_lost {
    slot at;
};
/// Lead no longer: the journal under this replica hangs, the server is stopping, or an operator prefers
/// another. The others are told, and `successor` (zero: whoever is first in line) stands at once.
struct resign {
    replica_id successor;
};
/// The cell lost its majority for good and goes on elsewhere (recovery.hpp): never vote, answer or learn
/// again, and tell everybody who asks where it is. Durable when the records of the step are. There is no way
/// back.
struct seal {
    successor_cell to;
};

using event = std::variant<received, propose, read, change_members, raise_version, applied, snapshot_taken,
                           apply_failed, votes_lost, value_lost, persisted, woken, liveness_changed,
                           complaint, resign, seal>;

// ---- effects

/// Voting state: this replica promised `in`.
struct promise_record {
    ballot in;
    friend bool operator==(promise_record const&, promise_record const&) = default;
};
/// Voting state, with its value framed apart. `chosen`: known to be chosen when this was written (taught,
/// counted here, founded with it, or kept by a seal); `accepted` then need not be a ballot in which this
/// value was proposed. `prefix` is what was known to be chosen by then.
struct acceptance_record {
    slot at;
    ballot accepted;
    digest value_digest;
    bool chosen = false;
    slot prefix;
    entry value;
    friend bool operator==(acceptance_record const&, acceptance_record const&) = default;
};
/// Supersedes acceptances and values up to its slot.
struct checkpoint_record {
    snapshot state;
    friend bool operator==(checkpoint_record const&, checkpoint_record const&) = default;
};
/// Every slot up to `at` is known to be chosen, and its value has a record before this one.
struct prefix_record {
    slot at;
    friend bool operator==(prefix_record const&, prefix_record const&) = default;
};
/// What a replica that stopped is no longer trusted with.
enum class distrust : std::uint8_t {
    /// It broke an invariant, or can't go on: nothing of it is believed, and it is not healed. Only to be
    /// safe it is counted as one that may vote again (Y1).
    state = 0,
    votes = 1,      ///< its promises and acceptances: it never votes again, and goes on as a learner
    learned = 2,    ///< what it learned and applied; its votes are sound: it is healed by teaching
    nothing = 3,    ///< only in a record: it was healed
    sealed = 4,     ///< nothing of it is in doubt: the cell was recovered elsewhere
    everything = 5, ///< its votes, and what it learned
};
std::string_view name_of(distrust of); ///< "votes"
/// It never votes again under this id.
constexpr bool is_voteless(distrust of) {
    return of == distrust::votes || of == distrust::everything;
}
/// This replica stopped, and why; or it was healed; or it was sealed, whatever was wrong with it before.
struct quarantine_record {
    std::string cause;
    distrust of = distrust::state;
    std::optional<successor_cell> sealed_for{}; ///< where the cell went
    friend bool operator==(quarantine_record const&, quarantine_record const&) = default;
};
using durable_record =
    std::variant<promise_record, acceptance_record, prefix_record, checkpoint_record, quarantine_record>;

/// A message and the member that it is addressed to.
struct outgoing {
    member to;
    zooid::message content;
};
/// Apply this entry. Slots arrive in order without gaps. At the replica that proposed it, `requests` has the
/// token of each command of the batch; elsewhere it is empty.
struct delivery {
    slot at;
    entry value;
    std::vector<token> requests;
};
/// The read, strict or leased, may be answered from any state at or after `at`, which is applied.
struct read_ready {
    token request;
    slot at;
};
/// A request that this replica will not carry through. `outcome_unknown`: it was proposed and may yet be
/// chosen. `conflict`: a change or a rise that is void, chosen or not. All others: it was not proposed.
struct ended {
    token request;
    errc why = errc::not_proposer;
};
/// The change or the rise was chosen in `at` and is not void. A change is in force from at + alpha on.
struct change_chosen {
    token request;
    slot at;
};
/// Replace the state machine's state by this; answer with `applied` or `apply_failed`.
struct install {
    snapshot state;
};

/// Everything that one step asks of the host. A step clears it first and keeps its memory: use one again and
/// again.
struct effects {
    std::vector<durable_record> persist;
    std::vector<outgoing> now;
    std::vector<outgoing> after_durable;
    std::vector<delivery> deliver;
    std::vector<read_ready> reads;
    std::vector<ended> ended_requests;
    std::vector<change_chosen> changed;
    std::optional<install> restore;
    std::optional<std::uint64_t> tell_when_durable; ///< answer with `persisted{ticket}`
    bool want_snapshot = false;                     ///< answer with `snapshot_taken`, at once
    std::vector<server_id> watch;                   ///< tell `liveness_changed` when this server returns
    slot digests_differ;  ///< the state after it has no digest that a majority reported, and never will
    bool retired = false; ///< released: by its own log this replica is needed no more and may be destroyed
    sometimes_set marks;

    void clear();
    bool empty() const; ///< nothing is asked of the host; marks don't count
};

} // namespace zooid
