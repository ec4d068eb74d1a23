// Changes of members: newcomers are taught, the change is chosen, comes into force, and is released.
//
//   C1  A change is proposed when each newcomer, asked since the change was, reported a prefix close to the
//       proposer's; until it is in force they are learners, and what they say counts towards no quorum (trap
//       16).
//   C2  Open slots below the one from which a change governs are filled with no-ops, so that an idle cell
//       changes in one round; what was proposed there by clients serves as well.
//   C3  A release is proposed once a quorum of the configuration that the change made reported a durable
//       prefix that reaches up to its first slot: then no slot needs those that it removed (trap 3).
//   C4  A replica that its own log releases retires. One that only sees itself removed still votes in its old
//       slots, answers phase 1 and teaches, and asks for the release until it is told.
//   C5  A proposer that is not a member any more leads until its change is released, then hands over.
//   C6  A change comes to its end without clients. Who leaves asks; and it, or whom it asks, stands if it
//       knows of nobody who leads: after a restart of all nobody may remember that there is something to do.
//
// In the specification: ChangesOf, ReleasesOf, Destroy; the extension of phase 1 is IsAsked and Covering.
#include "cell/turn.hpp"

#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

membership_effect follow_entry(membership& members, slot at, entry const& value, cell_demands& demands) {
    if (auto const change = value.changes()) {
        return members.follow(at, *change, demands) ? membership_effect::changed : membership_effect::none;
    }
    if (slot const of = value.releases(); of && members.release(of)) return membership_effect::released;
    if (auto const rise = value.raises()) { // V2
        bool const current = rise->base == members.base() || mutated(mutant::unconditional_raise);
        if (!current || rise->to <= demands.cell_version) return membership_effect::none;
        demands.cell_version = rise->to;
        return membership_effect::raised;
    }
    return membership_effect::none;
}

// ---- asked for

void turn::on(change_members const& e) {
    if (!leads()) {
        if (!s_.proposer && !somebody_leads()) consider_candidacy(duration::zero());
        return end(e.request, errc::not_proposer);
    }
    proposer_state& p = *s_.proposer;
    if (e.what.base < s_.members.base()) return end(e.request, errc::conflict); // and so it stays: M2
    if (p.change) return end(e.request, errc::overloaded);
    if (names_a_removed_one(e.what.members)) return end(e.request, errc::conflict);
    p.learners.clear();
    p.change =
        waiting_change{e.request, e.what, {now(), s_.options.quiet}, now() + s_.options.newcomer_timeout};
    name_learners();
}

// M2: it is not released, and the change would be void.
bool turn::names_a_removed_one(configuration const& wanted) const {
    auto const& all = wanted.members();
    return std::any_of(all.begin(), all.end(), [&](member const& m) {
        return s_.members.find(m.replica) && !s_.members.newest().contains(m.replica);
    });
}

// Whom the change adds, by what is known now: we may have lagged when it was asked for. What they reported
// before says nothing: one may have been a member then, and be destroyed.
void turn::name_learners() {
    proposer_state& p = *s_.proposer;
    std::vector<member> all;
    for (member const& m : p.change->what.members.members()) {
        if (s_.members.find(m.replica)) continue; // one that is removed and not released is refused
        all.push_back(m);
        if (is_learner(m.replica)) continue;
        std::erase_if(p.progress, [&](member_progress const& known) { return known.replica == m.replica; });
    }
    p.learners = std::move(all);
}

// Newcomers are told how far the cell is until they have caught up; they fetch what they miss.
void turn::reconfiguration_timers() {
    if (!leads() || !s_.proposer->change) return;
    proposer_state& p = *s_.proposer;
    if (p.change->gives_up_at <= now()) {
        end(p.change->request, errc::unreachable);
        p.change.reset();
        p.learners.clear();
        return;
    }
    if (p.change->ask_again.at > now()) return;
    name_learners();
    for (member const& to : p.learners) {
        member_progress const progress = progress_of(to.replica);
        bool const unheard = !progress.replica; // it may be that nothing was chosen yet
        if (unheard || progress.known < s_.learner.prefix || is_outvoted(to.replica))
            send(to, commit{p.in, s_.learner.prefix, report::known});
    }
    arm_again(p.change->ask_again);
}

// C1. And they know every release that we know: whoever was a member under this id before has retired.
bool turn::newcomers_caught_up() const {
    bool const early = mutated(mutant::newcomer_misses_its_release);
    slot const enough =
        std::max(s_.learner.prefix - s_.options.caught_up_within, early ? slot{} : s_.learner.released);
    auto const& learners = s_.proposer->learners;
    return std::all_of(learners.begin(), learners.end(), [&](member const& m) {
        member_progress const progress = progress_of(m.replica);
        return progress.replica && progress.known >= enough && !is_outvoted(m.replica);
    });
}

// ---- proposed

std::optional<entry> turn::membership_entry(std::vector<token>& requests) {
    proposer_state& p = *s_.proposer;
    if (auto rise = rise_to_propose(requests)) return rise;
    if (slot const due = release_due(); due > p.releasing) {
        p.releasing = due;
        return entry::release(due);
    }
    if (p.change && names_a_removed_one(p.change->what.members)) {
        end(p.change->request, errc::conflict); // we lagged when it was asked for
        p.change.reset();
        p.learners.clear();
    }
    if (!p.change) return std::nullopt;
    name_learners();
    if (!newcomers_caught_up()) return std::nullopt;
    waiting_change const change = std::move(*p.change);
    p.change.reset();
    p.fill_below = p.next + s_.alpha;
    requests.push_back(change.request);
    return entry::change(change.what);
}

// The newest change that may be released: it is in force, and enough know all that was before it (C3).
// Cell.tla: ReleasesOf.
slot turn::release_due() const {
    auto const& held = s_.members.held();
    for (std::size_t i = held.size(); i-- > 1;) {
        governed const& g = held[i];
        if (g.from > s_.learner.prefix + 1 && !mutated(mutant::release_too_early)) continue;
        member_set told;
        for (std::size_t m = 0; m < g.members.size(); ++m) {
            if (progress_of(g.members[m].replica).durable >= g.from - 1) told.insert(m);
        }
        if (g.members.is_quorum(told) || mutated(mutant::release_too_early)) return s_.members.made_at(g);
    }
    return {};
}

bool turn::has_window_to_fill() const { // C2
    return s_.proposer->next < std::max(s_.proposer->fill_below, s_.members.held().back().from);
}

// ---- chosen

void turn::follow_members(slot at, entry const& value, std::vector<token> const& requests) {
    std::vector<member> const before =
        value.releases() && s_.proposer ? everyone_held() : std::vector<member>{};
    switch (follow_entry(s_.members, at, value, s_.demands)) {
    case membership_effect::none:
        for (token request : requests)
            end(request, errc::conflict); // void
        return;
    case membership_effect::changed:
        reached(sometimes::members_changed);
        for (token request : requests)
            out_.changed.push_back({request, at});
        s_.joined = s_.joined || s_.members.find(s_.identity.self.replica);
        if (s_.proposer) s_.proposer->members_since = now();
        return extend_phase_one();
    case membership_effect::raised:
        reached(sometimes::version_raised);
        for (token request : requests)
            out_.changed.push_back({request, at});
        return;
    case membership_effect::released:
        reached(sometimes::members_released);
        s_.learner.released = at;
        succeed_if_released();
        confirm_anew();
    }
    if (!s_.proposer) return;
    if (!s_.proposer->change) s_.proposer->learners.clear(); // else they are those of the change that waits
    for (member const& m : before) {
        if (!s_.members.find(m.replica)) s_.proposer->released.push_back(m);
    }
}

// ---- leaving

// Removed and not released, as far as this replica knows. Nobody is obliged to tell it: it asks, now and
// then.
bool turn::is_leaving() const {
    replica_id const self = s_.identity.self.replica;
    return s_.joined && !s_.retired && !s_.members.newest().contains(self) && s_.members.find(self);
}

// C6. The release is asked for, and we know of nobody who could propose it. (One that we know of is not
// disturbed for it: only clients complain.)
void turn::finish_change() {
    ballot const& proposer = s_.election.proposer;
    bool const may_lead = s_.quarantine.empty() && present_config().contains(s_.identity.self.replica);
    if (may_lead && (!proposer || around_.servers.gone(proposer)))
        consider_candidacy(s_.options.candidacy_step * (rank() + 1));
}

bool turn::is_released() const {
    return s_.joined && !s_.members.find(s_.identity.self.replica);
}

// Cell.tla: Destroy begins here.
void turn::retire_if_released() {
    member const& self = s_.identity.self;
    bool const removed = s_.joined && !present_config().contains(self.replica);
    bool const early = removed && mutated(mutant::retire_when_removed);
    if (!is_released() && !early) return; // C4
    if (leads()) {
        std::vector<member> all = everyone();
        all.insert(all.end(), s_.proposer->released.begin(), s_.proposer->released.end());
        for (member const& to : all) {
            if (to.replica != self.replica) send(to, commit{s_.proposer->in, s_.learner.prefix});
        }
    }
    hand_over({}); // C5
    s_.retired = out_.retired = true;
    reached(sometimes::replica_retired);
}

// Whoever stops leading says so, and a successor need not wait for a suspicion.
void turn::hand_over(replica_id successor) {
    if (leads()) {
        for (member const& to : everyone_held()) {
            if (to.replica != s_.identity.self.replica) send(to, resigned{s_.proposer->in, successor});
        }
    }
    step_down({});
    s_.election.now = election_state::phase::idle;
    s_.election.at = never;
    s_.election.wanted = false;
    give_back_waiting(errc::not_proposer);
}

// A release that lets go of the proposer ends its lead, whether or not its last word arrives.
void turn::succeed_if_released() {
    election_state& e = s_.election;
    if (!e.proposer || s_.proposer || s_.members.find(e.proposer.server)) return;
    e.despite = std::exchange(e.proposer, {});
    if (present_config().contains(s_.identity.self.replica))
        consider_candidacy(s_.options.candidacy_step * (rank() + 1));
}

void turn::on(member const& from, resigned const& m) {
    election_state& e = s_.election;
    if (from.server == m.in.server) let_go(m.in);
    if (from.server != m.in.server || m.in < e.proposer || m.in < s_.acceptor.promised) return;
    bool const may_stand = present_config().contains(s_.identity.self.replica);
    if (m.in != e.proposer && !s_.members.find(from.replica)) { // A7: it deposes nobody
        if (may_stand && m.successor == s_.identity.self.replica) consider_candidacy(duration::zero());
        return;
    }
    e.proposer = {};
    e.despite = m.in; // who has not heard of it yet does not defend it
    if (!may_stand) return;
    reached(sometimes::leadership_handed_over);
    duration const turns = s_.options.candidacy_step * rank();
    if (m.successor == s_.identity.self.replica || !m.successor)
        return consider_candidacy(turns * (m.successor ? 0 : 1));
    consider_candidacy(s_.options.candidacy_timeout + turns);
}

} // namespace zooid
