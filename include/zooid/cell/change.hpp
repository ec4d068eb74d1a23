// Changes of a cell's members and of its version, as its log holds them.
//
// A change chosen at slot i is in force from slot i + alpha on. It is conditional: it names the slot of the
// configuration that it was computed from, and is void, the same on every replica, if that is not the newest
// one when it is applied (trap 14). A release lets go of the members that the change at slot `of`, and all
// changes before it, removed: until then they vote in their old slots and may not be destroyed (trap 3).
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/configuration.hpp>
#include <zooid/base/error.hpp>

#include <cstdint>
#include <vector>

namespace zooid {

/// What the log must know of a member that a change adds, so that every replica judges it alike.
struct newcomer {
    replica_id replica;
    std::uint32_t colour = 0;          ///< of its server; a cell has members of one colour only
    std::uint16_t version_highest = 1; ///< the highest cell version that its software understands

    friend bool operator==(newcomer const&, newcomer const&) = default;
};

/// One configuration after another, as one entry of the log.
struct configuration_change {
    slot base; ///< of the change that made the configuration it was computed from; 0: the founding record
    configuration members;           ///< afterwards, in the order of preference for the proposer
    std::vector<newcomer> newcomers; ///< one for each member that `base` has not

    friend bool operator==(configuration_change const&, configuration_change const&) = default;
};

/// A rise of the cell's version, as an operator asks for it and as the log holds it. It is void unless `base`
/// made the newest configuration (all whose software was looked at, and nobody else, are members) and `to` is
/// above the cell's version.
struct version_rise {
    slot base;
    std::uint16_t to = 0;

    friend bool operator==(version_rise const&, version_rise const&) = default;
};

/// The mark that an emergency recovery leaves in the log of the cell that it founded: the first entry that
/// is the new cell's own.
struct recovery_mark {
    cell_id from; ///< the cell that lost its majority
    slot known;   ///< of it: all slots up to here were known to be chosen
    slot taken;   ///< those above, up to here, were taken over though they may not have been chosen
    bytes words;  ///< for people: who, when, and on whose word which servers are off

    friend bool operator==(recovery_mark const&, recovery_mark const&) = default;
};

/// As an entry's payload and an operator's request have it.
bytes encode(configuration_change const& c);
/// `malformed` for bytes that no change encodes to: no members, an even number, a server named twice.
result<configuration_change> decode_change(bytes_view in);
bytes encode(version_rise const& r); ///< the same for a rise
result<version_rise> decode_rise(bytes_view in);
bytes encode(recovery_mark const& m);
result<recovery_mark> decode_mark(bytes_view in);

} // namespace zooid
