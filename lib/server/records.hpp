// A replica's durable records as the journal keeps them, and back: the payloads of lib/journal/FORMAT.md.
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
};

record to_record(reservation const& r);
/// Appends one or two records: an acceptance and its value are framed apart, so that a damaged value leaves
/// the vote readable.
void to_records(cell_id cell, replica_id replica, durable_record const& fact, std::vector<record>& out);

/// The `moved` record: the replica was released and is destroyed, and whom its cell had as members by then.
record to_record(cell_id cell, replica_id released, configuration const& members);

/// What became of a replica that the journal knows.
struct found_replica {
    reservation reserved;
    std::optional<recovered_state> state; ///< absent: reserved and never founded, or beyond recovery
    std::optional<configuration> moved;   ///< it was released and destroyed; its cell's members as of then
    std::string trouble;                  ///< why `state` is absent or quarantined; empty when all is well
};
found_replica interpret(recovered_replica const& found);

} // namespace zooid
