// Phase 1: a candidate asks for promises and learns what it is obliged to propose.
//
//   P1  A ballot belongs to one replica in one life of its server: it is drawn above every round that was
//       seen, and above those that replicas which were destroyed on this server saw in that life. Its
//       promise is asked of this replica's own acceptor like of any other.
//   P2  Phase 2 for slot j needs promises that cover j from a quorum of config(j), and all slots up to
//       j - alpha known. `quorum_promised` is asked for each slot, never once and for all (trap 1).
//   P3  The value with the highest reported ballot is proposed, if it could have been chosen.
//   P4  A promise reports a prefix, and acceptances above it: it covers slot j only if its prefix is below j.
//       Slots up to the highest prefix reported are chosen; they are learned from whoever knows them, or
//       proposed again under promises that cover them, since whoever knows them may be gone. What was known
//       may be forgotten in a crash: who promised, but not for the next slot, is asked again.
#include "cell/turn.hpp"

#include <zooid/base/limits.hpp>
#include <zooid/base/mutant.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace zooid {

// Cell.tla: StartPhaseOne.
void turn::start_phase_one() {
    election_state& election = s_.election;
    auto proposer = std::make_unique<proposer_state>();
    round_number const above = std::max(election.round_seen, s_.acceptor.promised.round);
    proposer->in = ballot{above + 1, s_.identity.self.server, s_.identity.life};
    proposer->next = s_.learner.prefix + 1;
    proposer->began = now();
    proposer->announced = s_.learner.prefix;
    proposer->commands.assign(election.commands.begin(), election.commands.end());
    proposer->command_bytes = std::exchange(election.command_bytes, 0);
    proposer->reads = std::move(election.reads);
    if (mutated(mutant::ballot_outlives_life)) proposer->in.life = {1};
    election.commands.clear();
    election.reads.clear();
    election.now = election_state::phase::idle;
    election.at = never;
    election.round_seen = proposer->in.round;
    proposer->gives_up_at = now() + patience();
    arm(proposer->again, s_.options.retransmit);
    s_.proposer = std::move(proposer);
    extend_phase_one();
}

// Asks those that govern a slot of the window and were not asked yet: all at first, later those that a
// change adds, in the same ballot. (Phase 1 is not once per proposer: trap 1. Cell.tla: IsAsked.)
void turn::extend_phase_one() {
    if (!s_.proposer) return;
    proposer_state& p = *s_.proposer;
    if (p.leading && mutated(mutant::skip_extension)) return;
    for (member const& to : everyone()) {
        if (std::find(p.asked.begin(), p.asked.end(), to.replica) != p.asked.end()) continue;
        p.asked.push_back(to.replica);
        send(to, to_promise());
        if (p.again.at == never) arm(p.again, s_.options.retransmit);
    }
}

// Every member that governs a slot which could be proposed now.
std::vector<member> turn::everyone() const {
    std::vector<member> all;
    for (governed const& g : s_.members.between(s_.learner.prefix + 1, s_.learner.prefix + s_.alpha)) {
        for (member const& m : g.members.members()) {
            if (std::find(all.begin(), all.end(), m) == all.end()) all.push_back(m);
        }
    }
    return all;
}

// And those that were removed and are not released.
std::vector<member> turn::everyone_held() const {
    std::vector<member> all = everyone();
    for (governed const& g : s_.members.held()) {
        for (member const& m : g.members.members()) {
            if (std::find(all.begin(), all.end(), m) == all.end()) all.push_back(m);
        }
    }
    return all;
}

namespace {

// What is not what its digest says flipped in the memory of the acceptor: it is unreadable, as on a disk.
std::vector<acceptance> without_flipped_values(std::vector<acceptance> all) {
    for (acceptance& a : all) {
        if (!a.value.empty() && a.value.value_digest() != a.value_digest) a.value = {};
    }
    return all;
}

} // namespace

void turn::on(member const& from, promise const& m) {
    if (!s_.proposer || m.in != s_.proposer->in) return;
    proposer_state& p = *s_.proposer;
    auto const same = [&](promise_report const& report) { return report.from == from; };
    auto const earlier = std::find_if(p.promises.begin(), p.promises.end(), same);
    if (earlier == p.promises.end()) {
        p.promises.push_back({from, m.prefix, without_flipped_values(m.accepted)});
        note_standing(from.replica, p.began);
    } else if (m.prefix < earlier->prefix) { // it was asked again because it forgot what it knew
        *earlier = {from, m.prefix, without_flipped_values(m.accepted)};
    } else {
        return want(m.prefix, from); // it may have told us what we still miss
    }
    for (acceptance const& a : m.accepted)
        p.reported = std::max(p.reported, a.at);
    if (m.prefix > p.must_know) p.must_know = m.prefix, p.knows = from.replica;
    note_progress(from.replica, m.prefix, {});
    member const* const knows = s_.members.find(p.knows);
    if (p.must_know > s_.learner.prefix) want(p.must_know, knows ? *knows : from);
    if (!p.leading && quorum_answered()) {
        p.leading = true;
        p.gives_up_at = never;
        leadership_won();
    }
}

// Phase 1 is won when a quorum promised, whatever the promises cover.
bool turn::quorum_answered() const {
    configuration const& voters = present_config();
    member_set promised;
    for (promise_report const& report : s_.proposer->promises) {
        if (auto const index = voters.index_of(report.from)) promised.insert(*index);
    }
    return voters.is_quorum(promised);
}

// A slot of the window whose configuration has not promised by a quorum yet.
bool turn::phase_one_is_open() const {
    slot const first = s_.learner.prefix + 1;
    for (governed const& g : s_.members.between(first, s_.learner.prefix + s_.alpha)) {
        if (!quorum_promised(std::max(first, g.from))) return true;
    }
    return false;
}

bool turn::quorum_promised(slot at) const {
    if (mutated(mutant::skip_phase_one)) return true;
    bool const once = mutated(mutant::skip_extension);
    configuration const& voters = once ? s_.members.held().front().members : config(at);
    member_set promised;
    for (promise_report const& report : s_.proposer->promises) {
        if (report.prefix >= at && !mutated(mutant::ignore_reported_prefix)) continue; // P4
        if (auto const index = voters.index_of(report.from)) promised.insert(*index);
    }
    return voters.is_quorum(promised);
}

void turn::on(member const&, rejected_ballot const& m) {
    if (m.promised.round.value > s_.acceptor.promised.round.value + limits::round_jump_max) return;
    s_.election.round_seen = std::max(s_.election.round_seen, m.promised.round);
    if (!s_.proposer || m.asked != s_.proposer->in || m.promised <= s_.proposer->in) return;
    reached(sometimes::duelling_proposers);
    step_down(m.promised);
    follow(m.promised);
}

// What was proposed may be chosen yet: its callers cannot know. What was not proposed never will be.
void turn::step_down(ballot const& preempted_by) {
    if (!s_.proposer) return;
    std::unique_ptr<proposer_state> const p = std::move(s_.proposer);
    if (p->open.size() >= s_.alpha) reached(sometimes::proposer_preempted_with_pipeline_full);
    for (open_slot const& open : p->open) {
        for (token request : open.requests)
            end(request, errc::outcome_unknown);
    }
    for (waiting_command const& waiting : p->commands)
        end(waiting.request, errc::not_proposer);
    for (token request : p->reads)
        end(request, errc::not_proposer);
    if (p->asking) {
        for (token request : p->asking->requests)
            end(request, errc::not_proposer);
    }
    for (confirmed_reads const& reads : p->confirmed) {
        for (token request : reads.requests)
            end(request, errc::not_proposer);
    }
    if (p->change) end(p->change->request, errc::not_proposer);
    if (p->rise) end(p->rise->request, errc::not_proposer);
    if (s_.election.proposer == p->in) s_.election.proposer = preempted_by;
}

namespace {

struct reported_at {
    bool chosen = false;
    ballot accepted;
    digest value_digest;
    std::size_t members = 0;
    entry value;
};

// The acceptances of one slot, grouped by ballot: what is known to be chosen first, then the highest.
std::vector<reported_at> by_ballot(slot at, std::vector<promise_report> const& promises,
                                   configuration const& voters) {
    std::vector<reported_at> groups;
    for (promise_report const& report : promises) {
        for (acceptance const& a : report.accepted) {
            if (a.at != at || (a.value.empty() && mutated(mutant::unreadable_is_empty))) continue;
            auto group = std::find_if(groups.begin(), groups.end(), [&](reported_at const& g) {
                return g.chosen == a.chosen && g.accepted == a.accepted;
            });
            if (group == groups.end()) {
                group = groups.insert(groups.end(), {a.chosen, a.accepted, a.value_digest, 0, {}});
            }
            // By the whole member: one that answered as a learner, under the same id, is no second voter.
            if (voters.index_of(report.from)) ++group->members;
            if (!a.value.empty()) group->value = a.value;
        }
    }
    std::sort(groups.begin(), groups.end(), [](reported_at const& a, reported_at const& b) {
        if (mutated(mutant::adopt_lowest_ballot)) return a.accepted < b.accepted;
        return std::tie(a.chosen, a.accepted) > std::tie(b.chosen, b.accepted);
    });
    return groups;
}

entry readable_elsewhere(digest const& wanted, std::vector<reported_at> const& groups) {
    for (reported_at const& group : groups) {
        if (group.value_digest == wanted && !group.value.empty()) return group.value;
    }
    return {};
}

} // namespace

// A value may be unreadable at every acceptor that reports it. Then it can be passed over only if it cannot
// have been chosen in that ballot: those who reported it or a higher one (and may have accepted it before),
// with all who have not answered for this slot, are no majority. Everybody who answered has promised our
// ballot and will not accept in that one any more. (Cell.tla: Obliged.)
obligation obliged(slot at, std::vector<promise_report> const& promises, configuration const& voters) {
    std::size_t answered = 0;
    for (promise_report const& report : promises) {
        answered += report.prefix < at && voters.index_of(report.from) ? 1 : 0;
    }
    std::size_t at_or_above = 0;
    auto const groups = by_ballot(at, promises, voters);
    for (reported_at const& group : groups) {
        at_or_above += group.members;
        entry value = group.value.empty() ? readable_elsewhere(group.value_digest, groups) : group.value;
        if (!value.empty()) return {obligation::kind::value, std::move(value)};
        if (group.chosen || at_or_above + (voters.size() - answered) >= voters.majority())
            return {obligation::kind::unknown, {}};
    }
    return {obligation::kind::none, {}};
}

} // namespace zooid
