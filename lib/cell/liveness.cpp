#include <zooid/cell/liveness.hpp>

#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

namespace {

bool precedes(peer_liveness const& peer, server_id server) {
    return peer.server < server;
}

bool contains(std::vector<journal_id> const& all, journal_id one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

} // namespace

peer_liveness& liveness::at(server_id peer) {
    auto found = std::lower_bound(peers_.begin(), peers_.end(), peer, precedes);
    if (found == peers_.end() || found->server != peer) {
        found = peers_.insert(found, peer_liveness{peer, {}, false, false, {}, {}, {}, 0, {}, {}});
    }
    return *found;
}

peer_liveness const* liveness::find(server_id peer) const {
    auto const found = std::lower_bound(peers_.begin(), peers_.end(), peer, precedes);
    return found != peers_.end() && found->server == peer ? &*found : nullptr;
}

bool liveness::both_ways(server_id peer) const {
    if (peer == self_) return true;
    peer_liveness const* known = find(peer);
    return known && known->both_ways;
}

bool liveness::suspected(server_id peer) const {
    if (peer == self_) return false;
    peer_liveness const* known = find(peer);
    return known && known->suspected;
}

bool liveness::rolled_back(member const& one) const {
    peer_liveness const* known = find(one.server);
    return known && contains(known->rolled_back, one.journal);
}

void liveness::note_rollback(server_id peer, journal_id journal) {
    std::vector<journal_id>& known = at(peer).rolled_back;
    if (!contains(known, journal)) known.push_back(journal);
}

bool liveness::answered(member const& one) const {
    if (one.server == self_) return true;
    peer_liveness const* known = find(one.server);
    if (!known) return false;
    if (mutated(mutant::answer_of_any_journal)) return !known->answered.empty();
    return contains(known->answered, one.journal);
}

void liveness::note_answer(server_id peer, journal_id journal) {
    std::vector<journal_id>& known = at(peer).answered;
    if (!contains(known, journal)) known.push_back(journal);
}

bool liveness::hears_quorum(configuration const& members) const {
    member_set heard;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (hears(members[i])) heard.insert(i);
    }
    return members.is_quorum(heard);
}

bool liveness::vouches(ballot const& proposer, configuration const& members) const {
    if (gone(proposer)) return false;
    if (proposer.server == self_) return hears_quorum(members);
    peer_liveness const* known = find(proposer.server);
    if (!known || !known->is_heard_whole()) return false;
    member_set connected;
    for (std::size_t i = 0; i < members.size(); ++i) {
        server_id const server = members[i].server;
        bool const hears =
            server == known->server || std::binary_search(known->hears.begin(), known->hears.end(), server);
        if (hears) connected.insert(i);
    }
    return members.is_quorum(connected);
}

// The process that drew an earlier ballot of our own has ended.
bool liveness::holds(ballot const& promised, time_point now) const {
    if (!promised || promised.server == self_) return false;
    if (now < all_held_until_) return true;
    peer_liveness const* known = find(promised.server);
    return known && known->given.holds(promised.life, now);
}

void liveness::hold_all_until(time_point until) {
    if (!mutated(mutant::lease_forgotten_on_start)) all_held_until_ = until;
}

bool liveness::counts_on(server_id peer, time_point asked, time_point now) const {
    peer_liveness const* known = find(peer);
    return known && known->taken.counts(asked, now);
}

bool liveness::gone(ballot const& proposer) const {
    if (proposer.server == self_) return proposer.life != life_;
    peer_liveness const* known = find(proposer.server);
    return known && (known->suspected || (known->life && known->life != proposer.life));
}

} // namespace zooid
