// Election: who should lead, and when this replica stands. Liveness only; nothing here can break safety.
//
//   E1  A candidate needs a view in which it hears a quorum both ways, members whose journals were rolled
//       back not counted; otherwise it keeps quiet and is told when that changes.
//   E2  It canvasses before it disturbs: one member that vouches for a proposer makes it stand back. To
//       vouch, a member's own server must hear the proposer's process, and know that it hears a quorum.
//   E3  Candidates wait by their rank among the members that are up, then by jitter, then by a back-off that
//       doubles.
//   E4  A client's complaint is a probe through the proposer, and only a probe that fails makes a candidate.
//       Who is still in phase 1 answers when it leads. A member that does not hear the proposer's server both
//       ways canvasses at once: whether the fault is its own, the vouchers tell (trap 17).
//   E5  The order of the configuration's members decides who stands first, and takes the lead from nobody.
#include "cell/turn.hpp"

#include <zooid/base/limits.hpp>

#include <algorithm>

namespace zooid {

// Somebody else does, as far as we can tell, and hears us: send callers there.
bool turn::somebody_leads() const {
    ballot const& proposer = s_.election.proposer;
    return proposer && proposer.server != s_.identity.self.server && !around_.servers.gone(proposer) &&
           around_.servers.both_ways(proposer.server) && s_.members.find(proposer.server) &&
           s_.election.now == election_state::phase::idle;
}

// Remembers whom to send callers to. A proposer that we see in use ends our own plans, unless we know that it
// does not hear us: its requests arrive, our answers do not, and nobody else may be left to stand (trap 17).
void turn::follow(ballot const& proposer) {
    election_state& e = s_.election;
    e.round_seen = std::max(e.round_seen, proposer.round);
    if (proposer < e.proposer) return;
    if (proposer != e.proposer) {
        e.proposer = proposer;
        e.despite = {};
        e.probe_fails_at = never;
    }
    if (proposer.server == s_.identity.self.server || !around_.servers.both_ways(proposer.server)) return;
    e.wanted = false;
    e.failures = 0;
    if (e.now == election_state::phase::idle) return;
    e.now = election_state::phase::idle;
    e.at = never;
    give_back_waiting(errc::not_proposer);
}

void turn::give_back_waiting(errc why) {
    election_state& e = s_.election;
    for (waiting_command const& waiting : e.commands)
        end(waiting.request, why);
    for (token request : e.reads)
        end(request, why);
    e.commands.clear();
    e.command_bytes = 0;
    e.reads.clear();
}

void turn::leadership_won() {
    s_.election.failures = 0;
    s_.election.wanted = false;
    follow(s_.proposer->in);
    arm(s_.proposer->laggards, s_.options.quiet);
}

void turn::consider_candidacy(duration wait) {
    election_state& e = s_.election;
    if (s_.proposer || !s_.quarantine.empty() || e.now != election_state::phase::idle) return;
    e.wanted = true;
    e.now = election_state::phase::waiting;
    e.at = now() + wait;
    if (wait > duration::zero() || e.failures > 0) back_off();
}

// For a canvass, and for phase 1. It widens with each failure: on a network that is slower than expected the
// next attempt ends, though this one did not.
duration turn::patience() const {
    return s_.options.candidacy_timeout * (1u << std::min(s_.election.failures, 4u));
}

void turn::back_off() {
    election_state& e = s_.election;
    duration const doubled = s_.options.candidacy_jitter * (1u << std::min(e.failures, 6u));
    e.at += jitter(doubled);
}

void turn::election_timers() {
    election_state& e = s_.election;
    if (e.probe_fails_at <= now()) {
        e.probe_fails_at = never;
        e.despite = e.proposer;
        consider_candidacy(duration::zero());
    }
    if (e.at > now()) return;
    if (e.now == election_state::phase::waiting) return begin_canvass();
    if (e.now == election_state::phase::canvassing) give_up_attempt();
}

void turn::begin_canvass() {
    election_state& e = s_.election;
    configuration const& voters = present_config();
    auto const self = voters.index_of(s_.identity.self.replica);
    if (!self || !around_.servers.hears_quorum(voters)) { // E1
        e.now = election_state::phase::idle;
        e.at = never;
        for (member const& m : voters.members()) {
            if (!around_.servers.hears(m)) out_.watch.push_back(m.server);
        }
        return give_back_waiting(errc::unreachable);
    }
    e.now = election_state::phase::canvassing;
    e.at = now() + patience();
    e.welcome = {};
    e.welcome.insert(*self);
    ++e.attempt;
    if (voters.is_quorum(e.welcome)) return start_phase_one();
    for (member const& to : voters.members()) {
        if (to.replica != s_.identity.self.replica) send(to, canvass{e.attempt, e.despite});
    }
}

void turn::on(member const& from, canvass const& m) {
    ballot const& proposer = s_.election.proposer;
    canvassed answer{m.attempt, s_.acceptor.promised, {}};
    // A ballot below one that failed its probe was superseded by it: nobody leads in it any more.
    // Nor does one that was released, though its server goes on.
    bool const defended = proposer && proposer.server != from.server && proposer > m.despite &&
                          s_.members.find(proposer.server);
    bool const ours = defended && proposer.server == s_.identity.self.server;
    if (defended && (!ours || leads()) && around_.servers.vouches(proposer, present_config())) { // E2
        answer.vouched = proposer;
    }
    send(from, answer);
}

void turn::on(member const& from, canvassed const& m) {
    election_state& e = s_.election;
    if (e.now != election_state::phase::canvassing || m.attempt != e.attempt) return;
    if (m.promised.round.value <= e.round_seen.value + limits::round_jump_max) {
        e.round_seen = std::max(e.round_seen, m.promised.round);
    }
    if (m.vouched) {
        reached(sometimes::vouched_candidate_stood_back);
        follow(m.vouched);
        e.now = election_state::phase::idle;
        e.at = never;
        e.wanted = false;
        ++e.failures;
        return give_back_waiting(errc::not_proposer);
    }
    configuration const& voters = present_config();
    auto const index = voters.index_of(from);
    if (!index) return;
    e.welcome.insert(*index);
    if (voters.is_quorum(e.welcome)) start_phase_one();
}

// A canvass or a phase 1 that found no quorum in time.
void turn::give_up_attempt() {
    election_state& e = s_.election;
    ++e.failures;
    e.now = election_state::phase::idle;
    e.at = never;
    if (s_.proposer) {
        e.despite = {}; // others hold to that proposer, whatever became of our probe
        for (waiting_command const& waiting : s_.proposer->commands)
            end(waiting.request, errc::unreachable);
        s_.proposer->commands.clear();
        step_down({});
    }
    give_back_waiting(errc::unreachable);
    consider_candidacy(s_.options.candidacy_timeout);
}

void turn::on(liveness_changed const& e) {
    if (s_.learner.starting && s_.learner.fetch_again.at == never)
        arm(s_.learner.fetch_again, s_.options.retransmit);
    if (leads()) {
        if (!around_.servers.suspected(e.server)) arm(s_.proposer->laggards, s_.options.quiet);
        return;
    }
    ballot const& proposer = s_.election.proposer;
    bool const in_sight = !around_.servers.gone(proposer) && around_.servers.both_ways(proposer.server);
    bool const lost = proposer && proposer.server == e.server && !in_sight;
    if (!lost && !s_.election.wanted) return;
    consider_candidacy(s_.options.candidacy_step * (rank() + 1));
}

// E3: how many members in sight come before this one in the order of preference.
std::int64_t turn::rank() const {
    std::int64_t before = 0;
    for (member const& m : present_config().members()) {
        if (m.replica == s_.identity.self.replica) break;
        if (!around_.servers.suspected(m.server) && m.server != s_.election.proposer.server) ++before;
    }
    return before;
}

void turn::on(complaint const&) {
    election_state& e = s_.election;
    if (s_.proposer || e.now != election_state::phase::idle || e.probe_fails_at != never) return;
    if (!e.proposer || around_.servers.gone(e.proposer)) return consider_candidacy(duration::zero());
    member const* const leader = s_.members.find(e.proposer.server);
    if (!leader || !around_.servers.both_ways(e.proposer.server)) { // E4
        return consider_candidacy(duration::zero());
    }
    ++e.attempt;
    e.probe_fails_at = now() + s_.options.probe_timeout;
    send(*leader, probe{e.attempt});
}

void turn::on(member const& from, probe const& m) {
    if (!s_.proposer) return send(from, probed{m.attempt, {}});
    s_.proposer->probes.emplace_back(from, m.attempt);
}

void turn::on(member const&, probed const& m) {
    election_state& e = s_.election;
    if (e.probe_fails_at == never || m.attempt != e.attempt) return;
    e.probe_fails_at = never;
    if (m.in) return;
    e.despite = e.proposer;
    consider_candidacy(duration::zero());
}

void turn::on(resign const& e) {
    hand_over(e.successor);
}

} // namespace zooid
