// Everything that slots 1 to s of a cell's log amount to; with s = 0, the founding record.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/configuration.hpp>
#include <zooid/base/error.hpp>
#include <zooid/base/hash.hpp>
#include <zooid/base/ids.hpp>

#include <cstdint>
#include <vector>

namespace zooid {

/// A configuration and the first slot that it governs.
struct governed {
    slot from;
    configuration members;

    friend bool operator==(governed const&, governed const&) = default;
};

/// A cell's state after slot `at`, complete enough to go on from: what is taught to a replica that is far
/// behind, what a checkpoint in the journal holds, and, at slot 0, how a cell is founded.
///
/// It names every configuration that is not released or governs a slot above `at`, not "the" configuration:
/// one that forgets a change that is chosen but not yet in force loses it (trap 15).
struct snapshot {
    cell_id cell;
    bytes key;               ///< the partition key that the cell serves
    zooid::generation birth; ///< of the key; rises with each birth and each emergency fork
    std::uint16_t cell_version = 1;
    std::uint8_t alpha = 3;               ///< fixed when the cell is founded
    slot at;                              ///< the last slot that is in it; 0 for the founding record
    std::vector<governed> configurations; ///< ascending; from the one that the last release kept on
    digest state_digest;                  ///< of `state`, as the state machine gives it
    shared_bytes state;                   ///< state_machine::snapshot; empty means the initial state
    std::uint32_t colour = 0;             ///< of every server that may hold a replica of the cell

    friend bool operator==(snapshot const&, snapshot const&) = default;
};

/// The canonical encoding, with kind and version.
bytes encode(snapshot const& s);

/// Errors: `malformed` for bytes that no snapshot encodes to (no configuration, slots that descend, an alpha
/// out of range), `unsupported_version` for any format but ours. A cell version above ours passes: whoever
/// would go on from it has to stop, and say so (PROTOCOL.md, V1).
result<snapshot> decode_snapshot(bytes_view encoded);

} // namespace zooid
