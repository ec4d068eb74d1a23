// The servers around us: who is heard, who hears us, and what each claimed of its journal.
//
//   V1  Heard both ways: the peer echoed a pulse that we sent less than a timeout ago.
//   V2  Suspected: silent beyond the timeout, stopping, or with a journal that hangs beyond it.
//   V3  The highest claim heard of a peer's journal is kept, and told to the peer at every handshake: a peer
//       that knows less of itself than others heard of it was rolled back (trap 6).
#pragma once

#include "server/wire.hpp"

#include <zooid/cell/liveness.hpp>
#include <zooid/server/options.hpp>

#include <array>
#include <vector>

namespace zooid {

/// Of one server: disks are replaced rarely.
inline constexpr std::size_t journals_remembered_max = 8;

/// Everything kept of one peer.
struct peer_state {
    server_id server;
    bool connected = false;
    bool ever_heard = false;
    time_point heard_at; ///< the last pulse; before the first one, when we began to listen
    time_point both_ways_until;
    std::uint64_t sent = 0;               ///< pulses of ours
    std::array<time_point, 16> sent_at{}; ///< of the last ones, by number
    std::uint64_t heard = 0;              ///< the highest number of theirs, in their present life
    bool stopping = false;
    bool hung = false;
    time_point answered_pulse_at;      ///< when we last pulsed out of turn
    std::vector<journal_claim> claims; ///< the highest heard of each of its journals, the latest journal last
    bool claim_changed = false;        ///< since they were last made durable
    bytes now;                         ///< messages of this turn that may leave at once
    bytes durable;                     ///< messages of this turn that wait for its flush
    std::vector<std::uint32_t> led;    ///< cells whose proposer is there, with stale ones among them
    std::vector<std::uint32_t> watching; ///< cells to be told when it returns
};

/// Lists of cells are appended to, and cleared of doubles when they are needed or have grown too long.
void keep_each_once(std::vector<std::uint32_t>& cells);

class peer_table {
  public:
    peer_table(server_id self, life_id life, server_options const& options)
        : options_(options), self_(self), life_(life), liveness_(self, life) {
        liveness_.set_leases(options.lease.on() ? liveness::leased_reads::on : liveness::leased_reads::off);
    }

    liveness const& view() const { return liveness_; }
    std::vector<peer_state>& all() { return peers_; }
    std::vector<peer_state> const& all() const { return peers_; }
    peer_state* find(server_id peer);
    peer_state const* find(server_id peer) const;
    peer_state& add(server_id peer, time_point now);

    /// True if the process behind the peer is another one than before.
    bool note_life(peer_state& peer, life_id life);
    /// R2: it told what it remembers of our journal. One that names no journal or no life does not remember.
    void note_answer(peer_state& peer, journal_claim const& own) {
        if (own.journal && own.life) liveness_.note_answer(peer.server, own.journal);
    }
    /// Until its next life.
    void note_rollback(peer_state& peer, journal_claim const& own) {
        if (is_rolled_back(own)) liveness_.note_rollback(peer.server, own.journal);
    }
    /// A journal that was rolled back, in a process that we do not know, while another is heard as that server,
    /// and did not say that it stops: perhaps copies of one disk, and this one may not take the other's place.
    bool is_dead_copy(server_id peer, life_id life, journal_claim const& own, time_point now) const;
    /// Takes in a pulse. False for one of a process that is gone.
    bool take(peer_state& peer, pulse const& heard, time_point now);
    pulse next_pulse(peer_state& peer, time_point now);
    /// G1: holds promises for the peer's process, which asked by this pulse, if it is heard both ways.
    void grant(peer_state& peer, pulse const& asked, time_point now);
    void hold_all_until(time_point until) { liveness_.hold_all_until(until); }
    /// Judges V1 and V2 anew; true if the verdict on being suspected or heard both ways changed.
    bool judge(peer_state& peer, time_point now);
    /// Is what a process claims below, or beside, what was heard of that journal?
    bool contradicts(peer_state const& peer, life_id life, journal_claim const& claimed) const;
    /// Keeps the higher of two claims of one journal.
    void note_claim(peer_state& peer, journal_claim const& claimed);

  private:
    void hear_grant(peer_state const& peer, grant_notice const& told, time_point now);
    static bool remembers(peer_state const& peer, std::uint64_t number);

    server_options const& options_;
    server_id self_;
    life_id life_;
    liveness liveness_;
    std::vector<peer_state> peers_; ///< ascending by server
};

} // namespace zooid
