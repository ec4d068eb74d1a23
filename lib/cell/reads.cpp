// Strict reads: linearizable without a slot of the log.
//
//   S1  r is the highest slot that this ballot proposed, raised by whatever phase 1 found above.
//   S2  The quorum that is asked is one of config(r + 1), after phase 1 for it is complete: the newest known
//       configuration is the wrong one to ask (trap 2).
//   S3  It is asked after the read arrived; reads that arrive meanwhile wait for the next round.
//       A round ends with the configuration that it asks: who was released answers no more, so its reads
//       and probes wait for the next one.
//   S4  The answer is given once r is applied.
//   G5  A leased read is confirmed at once, without a round, if enough members of config(r + 1) hold their
//       promises for this ballot's life; otherwise it is a strict one.
//
// Why it is right: suppose a write above r was acknowledged before the read arrived. Then slot r + 1 was
// chosen by then, first in some ballot c, and not in ours, which proposed nothing there. If c is below ours,
// phase 1 for config(r + 1) met an acceptor of it, and r is higher. If c is above ours, a quorum of
// config(r + 1) had promised c, and no quorum of it still says that its promise is exactly ours.
#include "cell/turn.hpp"

#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

void turn::on(read const& e) {
    if (!s_.proposer) {
        if (somebody_leads()) return end(e.request, errc::not_proposer);
        if (s_.election.reads.size() >= s_.options.reads_max) return end(e.request, errc::overloaded);
        s_.election.reads.push_back(e.request);
        return consider_candidacy(duration::zero());
    }
    if (e.how == read_mode::leased && answer_under_lease(e.request)) return;
    if (s_.proposer->reads.size() >= s_.options.reads_max) return end(e.request, errc::overloaded);
    if (!leads()) reached(sometimes::read_waited_for_phase_one);
    s_.proposer->reads.push_back(e.request);
}

// S1: nothing above it can have been chosen by anybody whose ballot is not above ours.
slot turn::last_possible() const {
    if (mutated(mutant::read_below_found)) return s_.learner.prefix;
    proposer_state const& p = *s_.proposer;
    return std::max({p.next - 1, p.reported, p.must_know, s_.learner.prefix});
}

// Called at the end of every step: starts a round if somebody waits for one and none is under way. (Cell.tla:
// StartRead.)
void turn::confirm_reads() {
    if (!leads() || s_.proposer->asking) return;
    proposer_state& p = *s_.proposer;
    if (p.reads.empty() && p.probes.empty()) return;
    slot const r = last_possible();
    if (r + 1 > s_.learner.prefix + s_.alpha || !quorum_promised(r + 1)) return; // S2
    if (mutated(mutant::read_without_quorum)) {
        p.confirmed.push_back({s_.learner.prefix, std::move(p.reads)});
        p.reads.clear();
        return;
    }
    p.asking = read_round{++p.round, r, config(r + 1), {}, std::move(p.reads)};
    p.round_began = now();
    p.reads.clear();
    for (member const& to : p.asking->voters.members())
        send(to, to_confirm()); // S3
    if (p.again.at == never) arm(p.again, s_.options.retransmit);
}

void turn::confirm_anew() {
    if (!s_.proposer || !s_.proposer->asking) return;
    std::vector<token> waiting = std::move(s_.proposer->asking->requests);
    std::vector<token>& reads = s_.proposer->reads;
    waiting.insert(waiting.end(), reads.begin(), reads.end());
    reads = std::move(waiting);
    s_.proposer->asking.reset();
}

void turn::on(member const& from, confirmed const& m) {
    if (!leads() || m.in != s_.proposer->in) return;
    proposer_state& p = *s_.proposer;
    if (m.round == p.round) note_standing(from.replica, p.round_began); // also when the round has ended
    if (!p.asking || (p.asking->round != m.round && !mutated(mutant::confirm_any_round))) return;
    configuration const& voters = p.asking->voters;
    auto const index = voters.index_of(from);
    if (!index) return;
    p.asking->confirmed.insert(*index);
    if (!voters.is_quorum(p.asking->confirmed)) return;
    if (!p.asking->requests.empty()) p.confirmed.push_back({p.asking->at, std::move(p.asking->requests)});
    p.asking.reset();
    for (auto const& [to, attempt] : p.probes)
        send(to, probed{attempt, p.in});
    p.probes.clear();
}

// ---- leased reads

void turn::note_standing(replica_id replica, time_point asked_at) {
    if (!around_.servers.leases()) return;
    auto& all = s_.proposer->standing;
    auto const same = [&](standing_promise const& known) { return known.replica == replica; };
    auto found = std::find_if(all.begin(), all.end(), same);
    if (found == all.end()) found = all.insert(all.end(), {replica, asked_at});
    found->asked_at = std::max(found->asked_at, asked_at);
}

bool turn::answer_under_lease(token request) {
    if (!leads() || !around_.servers.leases()) return false;
    slot const r = last_possible();
    if (!lease_covers(r + 1)) return false;
    reached(sometimes::read_answered_under_lease);
    s_.proposer->confirmed.push_back({r, {request}});
    return true;
}

bool turn::lease_covers(slot at) const {
    if (at > s_.learner.prefix + s_.alpha || !quorum_promised(at)) return false;
    configuration const& voters =
        mutated(mutant::lease_ignores_members) ? s_.members.held().front().members : config(at);
    member_set holding;
    for (std::size_t i = 0; i < voters.size(); ++i) {
        if (holds_for_us(voters[i])) holding.insert(i);
    }
    return voters.is_quorum(holding);
}

// R2: who was asked before we knew of a change judged as a member of then whether it may answer.
bool turn::holds_for_us(member const& voter) const {
    proposer_state const& p = *s_.proposer;
    if (voter.replica == s_.identity.self.replica) return s_.acceptor.promised == p.in;
    auto const known = std::find_if(p.standing.begin(), p.standing.end(),
                                    [&](standing_promise const& s) { return s.replica == voter.replica; });
    if (known == p.standing.end()) return false;
    if (known->asked_at <= p.members_since && !mutated(mutant::lease_outlives_change)) return false;
    return around_.servers.counts_on(voter.server, known->asked_at, now());
}

// Cell.tla: AnswerRead.
void turn::answer_reads() {
    if (!s_.proposer) return;
    auto& confirmed = s_.proposer->confirmed;
    while (!confirmed.empty() && confirmed.front().at <= s_.learner.applied) { // S4
        for (token request : confirmed.front().requests)
            out_.reads.push_back({request, s_.learner.applied});
        confirmed.erase(confirmed.begin());
    }
}

} // namespace zooid
