// What the replicas of one cell say to each other. PROTOCOL.md gives each message's meaning and when it may
// leave; this file gives their shape and, with codec.cpp, their bytes.
#pragma once

#include <zooid/base/ballot.hpp>
#include <zooid/base/error.hpp>
#include <zooid/base/hash.hpp>
#include <zooid/cell/entry.hpp>
#include <zooid/cell/snapshot.hpp>
#include <zooid/cell/successor.hpp>

#include <cstdint>
#include <variant>
#include <vector>

namespace zooid {

/// Phase 1 request: promise ballot `in`, and report your prefix and what you accepted above it. The sender
/// knows all slots below `from`.
struct prepare {
    ballot in;
    slot from;
    slot base{}; ///< the newest change of members that the sender knows (PROTOCOL.md, R2)
    friend bool operator==(prepare const&, prepare const&) = default;
};

/// One acceptance as a promise reports it. `chosen` says that the slot is known to be chosen with this value,
/// whatever the ballot. An empty value says that it was damaged on disk: the vote stands, and it is never
/// taken for "nothing accepted".
struct acceptance {
    slot at;
    ballot accepted;
    digest value_digest;
    bool chosen = false;
    entry value;
    friend bool operator==(acceptance const&, acceptance const&) = default;
};

/// Phase 1 answer. All slots up to `prefix` are chosen and the sender can teach them; `accepted` lists every
/// acceptance above it.
struct promise {
    ballot in;
    slot prefix;
    std::vector<acceptance> accepted;
    friend bool operator==(promise const&, promise const&) = default;
};

/// Phase 2 request. All slots up to `chosen` are chosen.
struct accept {
    ballot in;
    slot at;
    slot chosen;
    entry value;
    slot base{}; ///< as in a prepare
    friend bool operator==(accept const&, accept const&) = default;
};

/// Phase 2 answer: the acceptance is durable, and so is that all slots up to `prefix` are known as chosen.
struct accepted {
    ballot in;
    slot at;
    digest value_digest;
    slot prefix;
    friend bool operator==(accepted const&, accepted const&) = default;
};

/// The sender has promised a higher ballot than the one it was asked in.
struct rejected_ballot {
    ballot asked;
    ballot promised;
    friend bool operator==(rejected_ballot const&, rejected_ballot const&) = default;
};

/// What a `commit` asks for in return: nothing, a `learned`, or one whose `durable` is all that is known.
enum class report : std::uint8_t { none, known, durable };

/// All slots up to `chosen` are chosen; those that you accepted in exactly this ballot have your value.
struct commit {
    ballot in;
    slot chosen;
    zooid::report wanted = report::none;
    friend bool operator==(commit const&, commit const&) = default;
};

/// The sender knows all slots up to `prefix`, and still will after a restart those up to `durable`.
struct learned {
    slot prefix;
    slot durable;
    friend bool operator==(learned const&, learned const&) = default;
};

/// Strict read: is your promise exactly `in`? Asked after the reads of this round arrived.
struct confirm {
    ballot in;
    std::uint64_t round = 0;
    slot base{}; ///< as in a prepare
    slot at{};   ///< the first that the sender did not propose: whose configuration is asked
    friend bool operator==(confirm const&, confirm const&) = default;
};

struct confirmed { ///< it is, durably
    ballot in;
    std::uint64_t round = 0;
    friend bool operator==(confirmed const&, confirmed const&) = default;
};

/// Before a candidate disturbs anybody with phase 1: would it be welcome? `despite` names a proposer whose
/// probe through the sender failed and whom a voucher should not defend.
struct canvass {
    std::uint64_t attempt = 0;
    ballot despite;
    friend bool operator==(canvass const&, canvass const&) = default;
};

/// The answer: the sender's promise, and the ballot of a proposer that it vouches for (zero: none).
struct canvassed {
    std::uint64_t attempt = 0;
    ballot promised;
    ballot vouched;
    friend bool operator==(canvassed const&, canvassed const&) = default;
};

/// A client complained: prove that you still lead by asking your quorum, and answer with `probed`.
struct probe {
    std::uint64_t attempt = 0;
    friend bool operator==(probe const&, probe const&) = default;
};

struct probed { ///< a quorum has just confirmed the sender in `in`; zero: it does not lead
    std::uint64_t attempt = 0;
    ballot in;
    friend bool operator==(probed const&, probed const&) = default;
};

/// The sender leads in `in` no longer. `successor` should stand at once, the others when it does not.
struct resigned {
    ballot in;
    replica_id successor;
    friend bool operator==(resigned const&, resigned const&) = default;
};

/// Teach me what was chosen from `from` on. 0: a snapshot, whatever you have. A `from` above what the
/// addressee knows tells it that there is more (T5).
struct fetch {
    slot from;
    friend bool operator==(fetch const&, fetch const&) = default;
};

/// Teaching by log slice: the chosen values of slots from, from + 1, ...; nothing that is not chosen. `from`
/// 0, without values: the sender does not know the addressee, and this is its prefix (T5).
struct slice {
    slot from;
    std::vector<entry> values;
    slot prefix; ///< how far the sender could teach
    friend bool operator==(slice const&, slice const&) = default;
};

/// Teaching by snapshot, for a replica that needs slots the sender no longer has one by one.
struct teach_snapshot {
    snapshot state;
    friend bool operator==(teach_snapshot const&, teach_snapshot const&) = default;
};

/// Said by the server of a replica that was released and is gone: these were the cell's members by then.
struct moved {
    configuration members;
    friend bool operator==(moved const&, moved const&) = default;
};

/// A lease holds my promise in `in`, and `candidate` asks for another. Whoever does not propose in that
/// ballot any more answers `resigned`.
struct keeps_waiting {
    ballot in;
    replica_id candidate;
    friend bool operator==(keeps_waiting const&, keeps_waiting const&) = default;
};

/// The sender's state after slot `at` has this digest.
struct digested {
    slot at;
    digest state_digest;
    friend bool operator==(digested const&, digested const&) = default;
};

/// These members, a majority, reported this digest for slot `at`; the one that is addressed reported another.
struct outvoted {
    slot at;
    digest state_digest;
    std::vector<replica_id> reported;
    friend bool operator==(outvoted const&, outvoted const&) = default;
};

/// Said by a sealed replica to all members, and to whoever speaks to it: the cell was recovered there.
struct sealed {
    successor_cell to;
    friend bool operator==(sealed const&, sealed const&) = default;
};

using message = std::variant<prepare, promise, accept, accepted, rejected_ballot, commit, learned, confirm,
                             confirmed, canvass, canvassed, probe, probed, fetch, slice, teach_snapshot,
                             resigned, moved, keeps_waiting, digested, outvoted, sealed>;

/// Appends kind, version and fields.
void encode(message const& m, bytes& out);
/// Errors: `malformed`, `unsupported_version` (an unknown kind or version).
result<message> decode_message(bytes_view encoded);
/// Is it an encoded `moved`? It is the one that is never answered: two servers that a cell left would go on
/// telling each other for ever.
bool is_moved(bytes_view encoded);
/// The message's name, for traces: "prepare"; of `teach_snapshot` "snapshot", of `rejected_ballot`
/// "rejected".
std::string_view name_of(message const& m);

} // namespace zooid
