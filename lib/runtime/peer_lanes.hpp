// A peer with which this shard has several lanes, because the two servers have different numbers of shards.
//
// The host of cells (room server) knows one peer for each server. Here that peer is made of its shards:
//
//   L1  It is up while all lanes are, in one life of the peer. Each lane's claims name its journal, and it is
//       that journal's members that have answered then (PROTOCOL.md, R2).
//   L2  It is heard as often as the one of its shards that is heard least, stops or hangs if one of them
//       does, hears both ways whom all of them do, echoes what all of them echo, and understands what all do.
//   L3  Claims are not mixed: each names its journal, and the host compares it with that journal's alone.
//   L4  A message goes over the lane of the shard that owns its cell over there.
//   L5  Nothing is granted or asked for, in either direction (PROTOCOL.md, G9). A grant speaks of one
//       shard's promises, in epochs of its own, and names a pulse by a number that L2 replaces. One that
//       were passed on would vouch for cells of a shard whose lane was away for longer than a hold.
//   L6  Of two processes on copies of one disk the one that was found out comes up on no lane while the other
//       is up on any with votes to give. The host knows only who was whole.
//
// How many lanes there are follows from the numbers of shards alone, which are fixed for the lives of both
// servers: so it is the same before, while and after some of them are up. Where it is one, as with equal
// numbers, none of this is used, and what the peer grants reaches the host as it was said.
#pragma once

#include "server/wire.hpp"

#include <zooid/transport/session.hpp>

#include <map>
#include <optional>

namespace zooid {

/// A host remembers claims of so many journals of a server; of more it would forget some (L3).
inline constexpr std::size_t lanes_max = 8;

/// A value; what is sent and handed in is the owner's business.
class peer_lanes {
  public:
    /// Requires that more than one of the peer's shards are joined with `self`.
    peer_lanes(shard_place self, std::uint16_t shards);

    std::uint16_t shards() const { return shards_; }
    /// L1
    bool is_whole() const;
    life_id life() const;

    bool admits(hello const& peer) const; ///< L6
    void up(hello const& peer);
    void down(std::uint16_t shard);
    /// The shard of a lane that is up and whose claims were not admitted yet.
    std::optional<std::uint16_t> awaits_admission() const;
    bytes_view claims_of(std::uint16_t shard) const { return lanes_.at(shard).claims; }
    void admitted(std::uint16_t shard) { lanes_.at(shard).claims_wait = false; }

    /// A pulse came over a lane. What the host is to hear now: nothing, or a pulse for each lane (L2, L3).
    result<std::vector<bytes>> hear(std::uint16_t shard, bytes_view encoded);

    struct outgoing {
        std::uint16_t shard = 0;
        bytes payload;
    };
    /// The host's pulse, for each lane with the echo that belongs there (L5).
    std::vector<outgoing> spread_pulse(bytes_view encoded) const;
    /// The host's frame, cut by the shards that own its cells (L4).
    std::vector<outgoing> split_cells(bytes_view frame) const;

  private:
    struct lane {
        bool up = false;
        bool rolled_back = false; ///< its journal was, as it last said
        life_id life;
        bytes claims;
        bool claims_wait = false;
        std::uint64_t heard = 0; ///< the highest number, in this life
        bool fresh = false;      ///< heard since the host last heard the peer
        pulse latest;
    };

    bool all_fresh() const;
    pulse worst() const;

    std::uint16_t shards_;
    std::map<std::uint16_t, lane> lanes_; ///< by shard of the peer
    std::uint64_t rounds_ = 0;            ///< that the host was told of
};

} // namespace zooid
