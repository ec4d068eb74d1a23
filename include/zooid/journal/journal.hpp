// The journal: one per store, shared by all cells of the store. This page is the specification for whoever
// uses one and for whoever implements one.
//
// What a journal promises
//   J1  `persisted(n)` is called only when the records of every append with a sequence <= n are durable: they
//       survive a loss of power, and any later recovery of the journal delivers them or reports damage.
//   J2  The records of one append become durable together or not at all; appends in the order of calls.
//   J3  After `failed` nothing is persisted ever again, whatever the device says later: a device that lost a
//       write may well acknowledge the next flush. Only a new start, with its recovery, may go on.
//   J4  What was recovered is not yet durable: before `secured` no replica may vote, promise or
//       report. Reading and teaching are allowed; they need no write, so a full disk never blocks a
//       start.
//   J5  Damage below what was known to be flushed is reported with the replicas that it may concern, at every
//       recovery until each of them is forgotten. It is never taken for an end of the log.
//   J6  Appends coalesce: all that arrives while a flush is in flight shares the next write and the next
//       flush.
//
// What it does not promise: `persisted` says nothing about the last batch being there after the disk itself
// went back in time. That takes the peers: they remember claims (`claim`, `check`).
//
// Thread safety: a journal belongs to one executor. Calls come from it, the listener is called on it, and
// never from within a call. Destroying a journal is legal at any time and equals a crash: what was not
// persisted may or may not be found later.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/base/ids.hpp>
#include <zooid/base/time.hpp>
#include <zooid/journal/record.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace zooid {

/// How far a journal is known to have been durable; peers keep the highest that they heard.
struct journal_claim {
    journal_id journal{};
    life_id life{};
    std::uint64_t batch = 0; ///< the last durable batch of the log; 0 says none
    std::uint64_t chain = 0; ///< the hash of that batch and, through it, of all before it

    friend bool operator==(journal_claim const&, journal_claim const&) = default;
};

/// What a journal says to a claim that somebody heard of it.
enum class claim_verdict : std::uint8_t {
    consistent, ///< it has that batch with that hash, or is past it and can't tell any more
    lacking,    ///< it never had, or lost, that batch: it was rolled back, and its id is dead for good
    forked,     ///< it has another batch under that number: two lives used one id
    foreign,    ///< a claim of another journal
};

/// What damage destroyed.
enum class damage_kind : std::uint8_t {
    voting = 1,       ///< a voting record of `replica`: it never votes again under that id
    value = 2,        ///< a value or checkpoint of `replica`: its vote is intact
    unattributed = 3, ///< nobody can tell what was here: every replica reserved before is suspect
    harmless = 4,     ///< bytes that carry no record, such as padding
};
std::string_view name_of(damage_kind kind);

/// Bytes that were flushed and are not what was written.
struct journal_damage {
    damage_kind kind{};
    std::uint64_t segment = 0;
    std::uint64_t offset = 0; ///< in the segment
    std::uint64_t size = 0;   ///< in bytes, 0 if a whole segment is missing
    cell_id cell{};           ///< of the record, for voting and value
    replica_id replica{};     ///< of the record; 0 is the journal itself
    record_kind record{};
    slot at{};
    bool superseded = false; ///< a later record makes this one obsolete: nobody needs it

    friend bool operator==(journal_damage const&, journal_damage const&) = default;
};

/// A value, checkpoint, pointer or quarantine whose bytes are lost; the acceptance beside a value is intact.
struct unreadable_record {
    record_kind kind{};
    slot at{};
    friend bool operator==(unreadable_record const&, unreadable_record const&) = default;
};

/// One replica as it was found.
struct recovered_replica {
    cell_id cell{};
    replica_id replica{};
    std::vector<record> records{}; ///< live and readable; by kind, then slot
    std::vector<unreadable_record> unreadable{};
    bool voting_suspect = false; ///< a vote may be lost: never vote again under this id
    bool records_suspect =
        false; ///< and nobody can tell which: of some key, a record may be here that was superseded
    std::uint64_t born = 0; ///< grows from one `reserved` record to the next; 0 if it is lost

    friend bool operator==(recovered_replica const&, recovered_replica const&) = default;
};

/// What a journal held when it was opened.
struct recovered_journal {
    std::vector<recovered_replica> replicas; ///< by replica id
    std::vector<record> server;              ///< the records of replica 0, by `at`
    bool server_suspect = false;             ///< some fact of the journal itself is lost
    std::vector<journal_damage> damage;      ///< by position
    std::uint64_t tail_bytes_cut = 0;        ///< unflushed bytes of the last crash that were dropped
    journal_claim last; ///< the claim of the last batch found, with the life that wrote it
};

/// Counters; they only rise, unless said.
struct journal_statistics {
    std::uint64_t appends = 0;
    std::uint64_t records = 0;
    std::uint64_t batches = 0;       ///< formed: one write and one flush each
    std::uint64_t bytes_written = 0; ///< with framing, padding and what reclaiming moved
    std::uint64_t records_moved = 0; ///< by reclaiming
    std::uint64_t segments_created = 0;
    std::uint64_t segments_removed = 0;
    std::uint64_t scrubbed_bytes = 0;
    std::uint64_t segments = 0;      ///< now
    std::uint64_t segment_bytes = 0; ///< now
    std::uint64_t live_bytes = 0;    ///< now, with framing
    std::uint64_t live_records = 0;  ///< now
    std::uint64_t index_bytes = 0;   ///< now, of memory, roughly
};

/// What a journal tells its owner; see the promises above. Every function is called on the owner's executor.
class journal_listener {
  public:
    virtual ~journal_listener() = default;
    /// All that was recovered is durable (J4). Comes once, or `failed` comes instead.
    virtual void secured() = 0;
    /// Every append up to this sequence is durable (J1). The highest one will do, and may be told again.
    virtual void persisted(std::uint64_t sequence) = 0;
    /// A write or flush failed (J3). Comes at most once; nothing else comes after.
    virtual void failed(error const& reason) = 0;
    /// Space or descriptors ran out. Nothing is lost: appends wait, and each `probe` tries again.
    virtual void stalled(error const& reason) = 0;
    /// Reclaiming or scrubbing read bytes that are not what was written; each place is told once, and again
    /// if it grew. `voting`, unless superseded: the replica must stop voting. `unattributed` is followed by
    /// what was live there, as damage of its own; at the next start it concerns every replica that was there
    /// before.
    virtual void damage_found(journal_damage const& damage) = 0;
};

/// See the head of this page.
class journal {
  public:
    virtual ~journal() = default;

    /// Begins to secure what was recovered (J4). Called once, before any other call but the const ones;
    /// appends may follow at once. The listener outlives the journal.
    virtual void start(journal_listener& listener) = 0;

    /// Takes records to be persisted; returns at once. `sequence` is at least 1, above that of every earlier
    /// append, and comes back through `persisted`. The records are moved from. Several records with one key:
    /// the last counts. Requires for each record: a known kind, a payload <= `record_payload_bytes_max`,
    /// replica 0 if and only if the kind is `server`, one cell per replica, nothing after the replica's
    /// `forget`, only `moved` or `forget` after its `moved`, and a `checkpoint` not below the one before it.
    /// After `failed` the call does nothing.
    virtual void append(time_point now, std::uint64_t sequence, std::span<record> records) = 0;

    /// Flushes an empty batch if nothing is outstanding, so that an idle journal can be told from a hung one,
    /// and so that its last batch becomes known as flushed.
    virtual void probe(time_point now) = 0;

    /// Reads up to about `budget_bytes` of the oldest unverified segments again and verifies them.
    virtual void scrub(std::uint64_t budget_bytes) = 0;

    /// How long the oldest append or probe has been waiting for its flush; 0 if nothing is outstanding.
    virtual duration outstanding_age(time_point now) const = 0;

    /// The last durable batch. Before `secured` it names what was found.
    virtual journal_claim claim() const = 0;

    /// Compares with a claim that a peer heard of this journal.
    virtual claim_verdict check(journal_claim const& heard) const = 0;

    virtual journal_statistics statistics() const = 0; ///< for once a second, not for every append
};

} // namespace zooid
