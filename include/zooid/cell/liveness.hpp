// What a server believes of the servers around it: an input of every step, never a part of a replica.
#pragma once

#include <zooid/base/ballot.hpp>
#include <zooid/base/configuration.hpp>
#include <zooid/base/ids.hpp>
#include <zooid/base/time.hpp>

#include <vector>

namespace zooid {

/// One other server, as pulses and handshakes show it.
struct peer_liveness {
    server_id server;
    life_id life;                      ///< of its process, as it last said; zero: never heard
    bool both_ways = false;            ///< we hear it, and its pulses show that it hears us
    bool suspected = false;            ///< silent beyond the pulse timeout, or it says that its journal hangs
    bool answered = false;             ///< since our start it told us what it had heard of us (decision 15)
    std::vector<server_id> hears;      ///< ascending: the servers that it hears both ways
    std::uint16_t version_highest = 0; ///< the highest cell version that its process understands; 0: unknown

    friend bool operator==(peer_liveness const&, peer_liveness const&) = default;
};

/// The liveness of all known peers, ascending by server; a value that the server room keeps up to date.
/// Our own server counts as heard, not suspected and answered.
class liveness {
  public:
    liveness(server_id self, life_id life) : self_(self), life_(life) {}

    server_id self() const { return self_; }
    /// The peer's entry, created on first use.
    peer_liveness& at(server_id peer);
    peer_liveness const* find(server_id peer) const;

    bool both_ways(server_id peer) const;
    bool suspected(server_id peer) const;
    bool answered(server_id peer) const;
    /// Does this server hear a quorum of `members` both ways, itself included?
    bool hears_quorum(configuration const& members) const;
    /// Is the process that leads in `proposer` still the one that runs, heard both ways, unsuspected, and
    /// itself connected both ways to a quorum of `members`?
    bool vouches(ballot const& proposer, configuration const& members) const;
    /// Has the process that drew `proposer` ended, or is its server suspected?
    bool gone(ballot const& proposer) const;

    std::vector<peer_liveness> const& peers() const { return peers_; }

  private:
    server_id self_;
    life_id life_;
    std::vector<peer_liveness> peers_;
};

/// The injected inputs of a step besides its event.
struct surroundings {
    time_point now;
    liveness const& servers;
};

} // namespace zooid
