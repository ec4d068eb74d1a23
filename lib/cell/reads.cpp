// Strict reads: linearizable without a slot of the log.
//
//   S1  r is the highest slot that this ballot proposed, raised by whatever phase 1 found above.
//   S2  The quorum that is asked is one of config(r + 1), after phase 1 for it is complete: the newest known
//       configuration is the wrong one to ask (trap 2).
//   S3  It is asked after the read arrived; reads that arrive meanwhile wait for the next round.
//   S4  The answer is given once r is applied.
//
// Why it is right: a write that was acknowledged before the read arrived was chosen in some slot w in some
// ballot c. If c is at most ours, phase 1 found it or we proposed it: w <= r. If c is above ours, a quorum of
// config(w) had promised c, and then no quorum of config(r + 1) still has a promise of exactly our ballot.
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
    if (s_.proposer->reads.size() >= s_.options.reads_max) return end(e.request, errc::overloaded);
    if (!leads()) reached(sometimes::read_waited_for_phase_one);
    s_.proposer->reads.push_back(e.request);
}

// Called at the end of every step: starts a round if somebody waits for one and none is under way.
void turn::confirm_reads() {
    if (!leads() || s_.proposer->asking) return;
    proposer_state& p = *s_.proposer;
    if (p.reads.empty() && p.probes.empty()) return;
    slot r = std::max({p.next - 1, p.reported, p.must_know, s_.learner.prefix}); // S1
    if (mutated(mutant::read_below_found)) r = s_.learner.prefix;
    if (r + 1 > s_.learner.prefix + s_.alpha || !quorum_promised(r + 1)) return; // S2
    if (mutated(mutant::read_without_quorum)) {
        p.confirmed.push_back({s_.learner.prefix, std::move(p.reads)});
        p.reads.clear();
        return;
    }
    p.asking = read_round{++p.round, r, config(r + 1), {}, std::move(p.reads)};
    p.reads.clear();
    for (member const& to : p.asking->voters.members())
        send(to, confirm{p.in, p.round}); // S3
    if (p.again.at == never) arm(p.again, s_.options.retransmit);
}

void turn::on(member const& from, confirmed const& m) {
    if (!leads() || m.in != s_.proposer->in) return;
    proposer_state& p = *s_.proposer;
    if (!p.asking || (p.asking->round != m.round && !mutated(mutant::confirm_any_round))) return;
    configuration const& voters = p.asking->voters;
    auto const index = voters.index_of(from.replica);
    if (!index || voters[*index] != from) return;
    p.asking->confirmed.insert(*index);
    if (!voters.is_quorum(p.asking->confirmed)) return;
    if (!p.asking->requests.empty()) p.confirmed.push_back({p.asking->at, std::move(p.asking->requests)});
    p.asking.reset();
    for (auto const& [to, attempt] : p.probes)
        send(to, probed{attempt, p.in});
    p.probes.clear();
}

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
