// Which shard of a server a cell belongs to, and which shards of two servers talk to each other.
//
// A server has 1 to 256 shards, one for each store of its data directory, fixed when that is formatted. A
// cell belongs to the shard `hash mod shards`, so no table is kept and nothing is looked up. Servers of one
// colony may have different numbers of shards. Then a shard talks to every shard of the peer that it can
// share a cell with, and to no other: hash mod n = j and hash mod m = k have a solution exactly if j and k
// are equal modulo the greatest common divisor of n and m. With equal numbers that is the shard of the same
// number alone.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/ids.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace zooid {

inline constexpr std::uint32_t shards_max = 256;

/// XXH3 with 64 bits and the seed "zidshard", of the id's 16 bytes as they are on the wire, modulo `shards`.
/// A rule of the data directory and of the wire: it never changes. Requires shards >= 1.
std::uint16_t shard_of(cell_id cell, std::uint16_t shards);

/// A shard, as one of its server's.
struct shard_place {
    std::uint16_t shard = 0;
    std::uint16_t shards = 1;
    friend bool operator==(shard_place, shard_place) = default;
};

/// True if a cell may belong to both: then there is a lane between them.
bool are_joined(shard_place a, shard_place b);
/// The shards of a peer with `shards` of them that `self` is joined with, ascending; never empty.
std::vector<std::uint16_t> joined_shards(shard_place self, std::uint16_t shards);

/// What a connection's first bytes say of whom it is for. Nobody has proven anything by then: it is good for
/// choosing the shard that will judge, and for nothing else.
struct arrival {
    bool is_server = false;
    shard_place from;         ///< of a server
    std::uint16_t wanted = 0; ///< our shard that it dialled
};
inline constexpr std::size_t arrival_bytes = 32; ///< of a hello that have to be there
/// Nothing for what is no hello.
std::optional<arrival> look_at_hello(bytes_view first);
/// The shard of ours, of `shards`, that takes a server's connection: the one that was dialled, if there is a
/// lane, or else one that has a lane, from which the dialler learns how many there are.
std::uint16_t receiving_shard(arrival const& a, std::uint16_t shards);

} // namespace zooid
