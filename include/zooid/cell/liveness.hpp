// What a server believes of the servers around it: an input of every step, never a part of a replica.
#pragma once

#include <zooid/base/ballot.hpp>
#include <zooid/base/configuration.hpp>
#include <zooid/base/ids.hpp>
#include <zooid/base/time.hpp>
#include <zooid/cell/leases.hpp>

#include <vector>

namespace zooid {

/// One other server, as pulses and handshakes show it.
struct peer_liveness {
    server_id server;
    life_id life;                     ///< of its process, as it last said; zero: never heard
    bool both_ways = false;           ///< we hear it, and its pulses show that it hears us
    bool suspected = false;           ///< silent beyond the pulse timeout, or it says that its journal hangs
    std::vector<journal_id> answered; ///< the servers of these told since our start what they had heard of us
    std::vector<journal_id> rolled_back; ///< of its journals these were, it says: no votes there
    std::vector<server_id> hears;        ///< ascending: the servers that are heard whole there
    std::uint16_t version_highest = 0; ///< the highest cell version that its process understands; 0: unknown
    given_grant given;                 ///< our promises that are held for it
    taken_grant taken;                 ///< its promises that are held for us

    /// Both ways, and all its journals that we heard of have votes to give.
    bool is_heard_whole() const { return both_ways && rolled_back.empty(); }
};

/// The liveness of all known peers, ascending by server; a value that the server room keeps up to date.
/// Our own server counts as heard, not suspected and answered.
class liveness {
  public:
    liveness(server_id self, life_id life) : self_(self), life_(life) {}

    server_id self() const { return self_; }
    /// The peer's entry, created on first use.
    peer_liveness& at(server_id peer);
    peer_liveness const* find(server_id peer) const; ///< null: nothing was ever said of it

    bool both_ways(server_id peer) const;      ///< as its entry says; false without one
    bool suspected(server_id peer) const;      ///< the same
    bool rolled_back(member const& one) const; ///< its journal was, its server says (PROTOCOL.md, R2)
    void note_rollback(server_id peer, journal_id journal);
    /// Both ways, and it has a vote as far as we know.
    bool hears(member const& one) const { return both_ways(one.server) && !rolled_back(one); }
    /// Did the member's server tell since our start what it had heard of our journal (PROTOCOL.md, R2)? One
    /// that lost its disk has another journal, and has forgotten.
    bool answered(member const& one) const;
    void note_answer(server_id peer, journal_id journal);
    /// Does this server hear a quorum of `members`, itself included?
    bool hears_quorum(configuration const& members) const;
    /// Is the process that leads in `proposer` still the one that runs, heard both ways, unsuspected, and
    /// itself hearing a quorum of `members`, as its pulses say?
    bool vouches(ballot const& proposer, configuration const& members) const;
    /// Has the process that drew `proposer` ended, or is its server suspected?
    bool gone(ballot const& proposer) const;

    /// G1, G7: must a replica here keep this promise, whoever asks for another?
    bool holds(ballot const& promised, time_point now) const;
    /// Every promise that was found at the start is held until then: an earlier life may have granted it.
    void hold_all_until(time_point until);
    /// G3, G4: can we count on a member there that answered, with a promise of exactly our ballot, something
    /// that was sent at `asked`?
    bool counts_on(server_id peer, time_point asked, time_point now) const;
    /// Are leased reads on at this server?
    bool leases() const { return leases_; }
    enum class leased_reads : std::uint8_t { off, on };
    void set_leases(leased_reads how) { leases_ = how == leased_reads::on; }

    std::vector<peer_liveness> const& peers() const { return peers_; }

  private:
    server_id self_;
    life_id life_;
    bool leases_ = false;
    time_point all_held_until_ = time_point::min();
    std::vector<peer_liveness> peers_;
};

/// The injected inputs of a step besides its event.
struct surroundings {
    time_point now;
    liveness const& servers;
};

} // namespace zooid
