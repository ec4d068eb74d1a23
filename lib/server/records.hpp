// A replica's durable records as the journal keeps them, and back. The journal's format leaves payloads open:
// records.cpp, with cell/snapshot.cpp and cell/entry.cpp, is the specification of their bytes.
#pragma once

#include <zooid/cell/replica.hpp>
#include <zooid/journal/journal.hpp>

#include <optional>
#include <string>
#include <vector>

namespace zooid {

/// The `reserved` record: this replica id was drawn for a cell that is to be born in `birth`.
struct reservation {
    cell_id cell;
    replica_id replica;
    generation birth;
    bool of_this_life = false; ///< drawn since the start; not recorded
};

record to_record(reservation const& r);
/// Appends one or two records: an acceptance and its value are framed apart, so that a damaged value leaves
/// the vote readable.
void to_records(cell_id cell, replica_id replica, durable_record const& fact, std::vector<record>& out);

/// The `moved` record: the replica was released and is destroyed, and whom its cell had as members by then.
record to_record(cell_id cell, replica_id released, configuration const& members);

/// Facts of the journal itself are records of replica 0. Those of peers are at the peer's id; of the others,
/// one says that the journal is dead, one for how long it may have held promises, one who wrote its batches.
inline constexpr slot dead_journal{0};
inline constexpr slot held_promises_at{~std::uint64_t{0}};

/// G7: no life on this journal granted longer.
struct held_promises {
    duration hold{};
};
record to_record(held_promises const& h);
/// Nothing if it says something else. One that can't be read says the longest that there can be.
std::optional<held_promises> held_promises_of(record const& fact);

/// R2: a life that wrote the batches from `first` on, up to the next one's. The oldest of so many is dropped.
struct lived {
    life_id life{};
    std::uint64_t first = 0;
    friend bool operator==(lived const&, lived const&) = default;
};
inline constexpr slot lives_at{~std::uint64_t{0} - 1};
inline constexpr std::size_t lives_remembered = 512;
record to_record(std::vector<lived> const& lives);
/// Nothing if it says something else; no lives if it can't be read.
std::optional<std::vector<lived>> lives_of(record const& fact);

/// What became of a replica that the journal knows.
struct found_replica {
    reservation reserved;
    std::optional<recovered_state> state; ///< absent: reserved and never founded, or beyond recovery
    std::optional<configuration> moved;   ///< it was released and destroyed; its cell's members as of then
    std::string trouble;                  ///< what the journal lost of it; empty if nothing
};
found_replica interpret(recovered_replica const& found);

} // namespace zooid
