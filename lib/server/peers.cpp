#include "server/peers.hpp"

#include <algorithm>

namespace zooid {

void keep_each_once(std::vector<std::uint32_t>& cells) {
    std::sort(cells.begin(), cells.end());
    cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
}

peer_state* peer_table::find(server_id peer) {
    return const_cast<peer_state*>(std::as_const(*this).find(peer));
}

peer_state const* peer_table::find(server_id peer) const {
    auto const at = std::lower_bound(peers_.begin(), peers_.end(), peer,
                                     [](peer_state const& p, server_id s) { return p.server < s; });
    return at != peers_.end() && at->server == peer ? &*at : nullptr;
}

peer_state& peer_table::add(server_id peer, time_point now) {
    if (peer_state* known = find(peer)) return *known;
    auto const at = std::lower_bound(peers_.begin(), peers_.end(), peer,
                                     [](peer_state const& p, server_id s) { return p.server < s; });
    peer_state& added = *peers_.emplace(at);
    added.server = peer;
    added.heard_at = now;
    (void)liveness_.at(peer);
    return added;
}

bool peer_table::note_life(peer_state& peer, life_id life) {
    peer_liveness& known = liveness_.at(peer.server);
    if (known.life == life) return false;
    known.life = life;
    known.hears.clear();
    known.taken = {};
    known.version_highest = 0;
    known.rolled_back.clear();
    peer.heard = 0;
    peer.stopping = peer.hung = false;
    peer.both_ways_until = {};
    return true;
}

bool peer_table::is_dead_copy(server_id peer, life_id life, journal_claim const& own, time_point now) const {
    peer_state const* const known = find(peer);
    if (!is_rolled_back(own) || !known || !known->ever_heard || known->stopping) return false;
    return liveness_.find(peer)->life != life && now - known->heard_at <= options_.pulse_timeout;
}

bool peer_table::take(peer_state& peer, pulse const& heard, time_point now) {
    peer_liveness& known = liveness_.at(peer.server);
    if (heard.life != known.life) return false;
    peer.ever_heard = true;
    peer.heard_at = now;
    peer.heard = std::max(peer.heard, heard.number);
    peer.stopping = heard.stopping;
    peer.hung = std::chrono::milliseconds(heard.journal_age_ms) > options_.pulse_timeout;
    known.hears = heard.hears;
    known.version_highest = heard.version_highest;
    hear_grant(peer, heard.grant, now);
    if (remembers(peer, heard.echo)) { // V1
        time_point const sent = peer.sent_at[heard.echo % peer.sent_at.size()];
        peer.both_ways_until = std::max(peer.both_ways_until, sent + options_.pulse_timeout);
    }
    return true;
}

// When did we send it? Only of the last pulses.
bool peer_table::remembers(peer_state const& peer, std::uint64_t number) {
    return number > 0 && number <= peer.sent && peer.sent - number < peer.sent_at.size();
}

void peer_table::hear_grant(peer_state const& peer, grant_notice const& told, time_point now) {
    if (!options_.lease.on() || told.to != life_ || !remembers(peer, told.through)) return;
    time_point const sent = peer.sent_at[told.through % peer.sent_at.size()];
    liveness_.at(peer.server).taken.heard(told, options_.lease.clock_ratio_max, sent, now);
}

void peer_table::grant(peer_state& peer, pulse const& asked, time_point now) {
    peer_liveness& known = liveness_.at(peer.server);
    if (!asked.grant.asks || !known.both_ways || known.suspected) return;
    known.given.prolong(known.life, asked.number, options_.lease.hold, now);
}

pulse peer_table::next_pulse(peer_state& peer, time_point now) {
    ++peer.sent;
    peer.sent_at[peer.sent % peer.sent_at.size()] = now;
    pulse p;
    p.life = {};
    p.number = peer.sent;
    p.echo = peer.heard;
    for (peer_liveness const& other : liveness_.peers()) {
        if (other.is_heard_whole()) p.hears.push_back(other.server);
    }
    p.grant = liveness_.at(peer.server).given.notice();
    if (!options_.lease.on()) p.grant = {};
    p.grant.asks = options_.lease.on();
    return p;
}

bool peer_table::judge(peer_state& peer, time_point now) {
    peer_liveness& known = liveness_.at(peer.server);
    bool const silent = now - peer.heard_at > options_.pulse_timeout;
    bool const suspected = silent || peer.stopping || peer.hung; // V2
    bool const both_ways = now < peer.both_ways_until && !silent;
    bool const changed = suspected != known.suspected || both_ways != known.both_ways;
    known.suspected = suspected;
    known.both_ways = both_ways;
    return changed;
}

namespace {

// One that claims nothing yet, or is dead, says nothing.
bool says_something(journal_claim const& claimed) {
    return claimed.batch > 0 && claimed.life;
}

template <typename Claims>
auto find_claim(Claims& of, journal_id journal) {
    return std::find_if(of.begin(), of.end(), [&](journal_claim const& c) { return c.journal == journal; });
}

} // namespace

bool peer_table::contradicts(peer_state const& peer, life_id life, journal_claim const& claimed) const {
    auto const kept = find_claim(peer.claims, claimed.journal);
    if (!says_something(claimed) || kept == peer.claims.end()) return false;
    if (claimed.batch == kept->batch) return claimed.chain != kept->chain;
    bool const said_earlier = liveness_.find(peer.server)->life == life; // by that process, on another link
    return claimed.batch < kept->batch && !said_earlier;
}

void peer_table::note_claim(peer_state& peer, journal_claim const& claimed) {
    if (!says_something(claimed)) return;
    auto kept = find_claim(peer.claims, claimed.journal);
    if (kept == peer.claims.end()) {
        if (peer.claims.size() >= journals_remembered_max) peer.claims.erase(peer.claims.begin());
        kept = peer.claims.insert(peer.claims.end(), journal_claim{claimed.journal, {}, 0, 0});
    }
    if (claimed.batch <= kept->batch) return;
    peer.claim_changed = true;
    *kept = claimed;
}

} // namespace zooid
