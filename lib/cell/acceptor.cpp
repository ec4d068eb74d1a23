// The acceptor: promises and acceptances, the only memory that safety rests on.
//
//   A1  The promise never goes down.
//   A2  Nothing is accepted below the promise; accepting raises the promise to the ballot of the acceptance.
//   A3  One (slot, ballot) is never accepted with two values: being asked to quarantines this replica.
//   A4  No answer leaves before what it says is durable: all answers here go out by `send_durably`, refusals
//       excepted, which promise nothing.
//   A5  Where a slot is known to be chosen no other value is accepted; whoever proposes another one, or
//       anything at or below the known prefix, is taught instead.
//   A6  What is held above the known prefix fits into one promise, and that into one frame.
//   A7  Whoever stands is a member by its own log. If it knows no more than we do, and no configuration that
//       we hold names it, it was released: each slot that it could propose in is chosen, or left to those
//       who follow (C3): it is told so, and deposes nobody.
//   G1  While a lease of its owner's server holds the promise, no higher ballot of anybody else is promised
//       or accepted. G6: unless the owner let go. G8: the candidate hears nothing, and the owner is asked.
#include "cell/turn.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/limits.hpp>
#include <zooid/base/mutant.hpp>

namespace zooid {

void turn::raise_promise(ballot const& to) {
    ZOOID_CHECK(to >= s_.acceptor.promised, "A1: a promise never goes down");
    if (to == s_.acceptor.promised) return;
    s_.acceptor.promised = to;
    s_.acceptor.let_go = false;
    s_.election.round_seen = std::max(s_.election.round_seen, to.round);
    persist(promise_record{to});
}

// R2. After a restart the disk may be an older image of itself (trap 6). Members that make a majority with us
// have to answer what they had heard of our journal first; the server compares, and gives the journal up if
// they know more than it holds. An older image need not know who the members are by now: it learns of every
// change that whoever asks knows, up to `base`, and looks again whenever it learned of one.
bool turn::allowed_to_vote(slot base) {
    acceptor_state& a = s_.acceptor;
    if (a.is_new || mutated(mutant::vote_before_handshake)) return a.may_vote = true;
    if (a.may_vote && mutated(mutant::image_votes_as_it_was)) return true;
    if (base > s_.members.base() && !mutated(mutant::image_votes_as_it_was)) return false;
    if (a.may_vote && a.asked_of == s_.members.base()) return true;
    a.asked_of = s_.members.base();
    return a.may_vote = have_answered_from(s_.learner.prefix + 1);
}

bool turn::have_answered_from(slot first) {
    for (governed const& g : s_.members.between(first, s_.learner.prefix + s_.alpha)) {
        member_set answered;
        for (std::size_t i = 0; i < g.members.size(); ++i) {
            if (around_.servers.answered(g.members[i])) answered.insert(i);
        }
        if (g.members.is_quorum(answered)) continue;
        reached(sometimes::restart_waited_for_majority);
        return false;
    }
    return true;
}

// A confirmation counts in the configuration of the slot after the read's, which we may be past: what was
// learned raised no promise.
bool turn::allowed_to_confirm(slot at) {
    if (s_.acceptor.is_new || at > s_.learner.prefix || mutated(mutant::image_votes_as_it_was)) return true;
    return s_.members.held().front().from <= at && have_answered_from(at);
}

// What is missing may be known by what the request itself says: those slots are chosen, in that ballot. What
// is delivered by that may end our part in the cell.
bool turn::learns_to_vote(member const& from, commit const& known, slot base) {
    if (allowed_to_vote(base)) return true;
    on(from, known);
    return !is_released() && s_.quarantine.empty() && allowed_to_vote(base);
}

// A7
bool turn::was_released(member const& from, slot known) const {
    if (mutated(mutant::released_depose_others)) return false;
    return !s_.members.find(from.replica) && known <= s_.learner.prefix;
}

// Cell.tla: Promise.
void turn::on(member const& from, prepare const& m) {
    if (from.server != m.in.server) return;
    if (was_released(from, m.from - 1)) return tell_of(m.from, from);
    if (!allowed_to_vote(m.base)) return want(m.from - 1, from); // it knows what was chosen below
    ballot const promised = s_.acceptor.promised;
    if (m.in < promised) {
        reached(sometimes::promise_refused_lower_ballot);
        return send(from, rejected_ballot{m.in, promised});
    }
    if (m.in.round.value > promised.round.value + limits::round_jump_max) return;
    if (is_held_from(from, m.in)) return;

    if (s_.proposer && s_.proposer->in < m.in) step_down(m.in);
    raise_promise(m.in);
    follow(m.in);

    promise answer{m.in, s_.learner.prefix, {}};
    for (slot at = s_.learner.prefix + 1; at <= s_.log.last(); ++at) {
        log_slot const* held = s_.log.find(at);
        if (!held || held->vacant()) continue;
        if (held->value.empty()) reached(sometimes::unreadable_value_reported);
        answer.accepted.push_back({at, held->accepted, held->value_digest, held->chosen, held->value});
    }
    if (mutated(mutant::acknowledge_before_durable)) return send(from, std::move(answer));
    send_durably(from, std::move(answer));
}

// Cell.tla: Accepted.
void turn::on(member const& from, accept const& m) {
    if (from.server != m.in.server) return;
    if (was_released(from, m.chosen)) return tell_of(m.at, from);
    if (!learns_to_vote(from, {m.in, m.chosen}, m.base)) return;
    if (was_released(from, m.chosen)) return tell_of(m.at, from); // by what we learned just now
    if (m.in < s_.acceptor.promised && !mutated(mutant::accept_below_promise))
        return send(from, rejected_ballot{m.in, s_.acceptor.promised});
    if (m.in.round.value > s_.acceptor.promised.round.value + limits::round_jump_max) return;
    if (is_held_from(from, m.in)) return;
    if (s_.proposer && s_.proposer->in < m.in) step_down(m.in);
    if (!mutated(mutant::accept_without_raising_promise) && m.in >= s_.acceptor.promised) raise_promise(m.in);
    follow(m.in);

    if (m.at <= s_.learner.prefix) return tell_of(m.at, from); // A5
    if (m.at - s_.learner.prefix > s_.options.slots_ahead_max || !has_room_for(m.at, m.value))
        return want(m.chosen, from);

    log_slot& held = s_.log.open(m.at);
    digest const value_digest = m.value.value_digest();
    if (held.chosen &&
        held.value_digest != value_digest) { // A5: a proposer that does not know of its preemption
        if (!held.value.empty()) send(from, slice{m.at, {held.value}, s_.learner.prefix});
        return;
    }
    if (held.accepted == m.in) {
        ZOOID_CHECK(held.value_digest == value_digest, "A3: one slot and ballot has one value");
    }
    bool const recorded = held.recorded && held.value_digest == value_digest;
    if (!held.chosen && !(recorded && held.accepted == m.in)) {
        ZOOID_CHECK(held.accepted <= m.in || mutated(mutant::accept_without_raising_promise) ||
                        mutated(mutant::accept_below_promise),
                    "A2: acceptances of a slot rise");
        held = log_slot{m.in, value_digest, m.value, false, false};
        record_slot(m.at, held);
    } else if (held.value.empty()) {
        held.value = m.value;
        record_slot(m.at, held);
    }
    if (m.at > s_.learner.prefix + 1) reached(sometimes::acceptance_before_previous_chosen);

    accepted answer{m.in, m.at, value_digest, s_.learner.recorded};
    if (mutated(mutant::acknowledge_before_durable)) {
        send(from, std::move(answer));
    } else {
        send_durably(from, std::move(answer));
    }
    on(from, commit{m.in, m.chosen});
}

// Perhaps an old repeat: only what costs nothing. Who lacks more learns the prefix, and asks for it.
void turn::tell_of(slot at, member const& to) {
    if (to.replica == s_.identity.self.replica) return;
    slice lesson{at, {}, s_.learner.prefix};
    if (at >= s_.log.first() && at <= s_.learner.prefix) lesson.values.push_back(s_.log.find(at)->value);
    send(to, std::move(lesson));
}

// A6. One that lags says nothing and catches up; one that does not takes the first unknown slot at least, so
// its prefix goes on, and makes room.
bool turn::has_room_for(slot wanted, entry const& value) const {
    if (wanted == s_.learner.prefix + 1) return true;
    std::size_t held = value.encoded().size();
    for (slot at = s_.learner.prefix + 1; at <= s_.log.last(); ++at) {
        if (at != wanted) held += s_.log.find(at)->value.encoded().size();
    }
    return held <= accepted_bytes_max;
}

// The record names the prefix as of now; a restart believes in it, so it may only cover slots whose records
// hold what was chosen (invariant L1). mark_chosen sees to that.
void turn::record_slot(slot at, log_slot& held) {
    held.recorded = true;
    s_.learner.recorded = s_.learner.prefix;
    persist(
        acceptance_record{at, held.accepted, held.value_digest, held.chosen, s_.learner.prefix, held.value});
}

// ---- leases

bool turn::is_held_from(member const& candidate, ballot const& asked) {
    ballot const& held = s_.acceptor.promised;
    bool const same_process = asked.server == held.server && asked.life == held.life;
    if (asked <= held || same_process || s_.acceptor.let_go || !around_.servers.holds(held, now()))
        return false;
    if (mutated(mutant::lease_yields_to_complaint) && s_.election.despite == held) return false;
    reached(sometimes::promise_held_for_lease);
    // G8. It may have left the cell since, and its server pulses on; then no replica there is named.
    member const* const owner = s_.members.find(held.server);
    if (!owner && mutated(mutant::lease_asks_members_only)) return true;
    send(owner ? *owner : member{held.server, {}, {}}, keeps_waiting{held, candidate.replica});
    return true;
}

// By the word of the process that drew the ballot, nobody leads in it any more, or ever will (G6).
void turn::let_go(ballot const& in) {
    if (in != s_.acceptor.promised || s_.acceptor.let_go) return;
    s_.acceptor.let_go = true;
    if (around_.servers.holds(in, now())) reached(sometimes::lease_let_go);
}

// Only for ballots of this life: of an earlier one this process knows nothing.
void turn::on(member const& from, keeps_waiting const& m) {
    bool const ours = m.in.server == s_.identity.self.server && m.in.life == s_.identity.life;
    if (ours && !(s_.proposer && s_.proposer->in == m.in)) send(from, resigned{m.in, m.candidate});
}

// Cell.tla: Confirmed.
void turn::on(member const& from, confirm const& m) {
    if (!learns_to_vote(from, {m.in, m.base}, m.base)) return;
    if (m.in < s_.acceptor.promised) {
        reached(sometimes::read_confirmation_refused);
        return send(from, rejected_ballot{m.in, s_.acceptor.promised});
    }
    if (!allowed_to_confirm(m.at)) return tell_of(m.at, from);
    if (m.in == s_.acceptor.promised) send_durably(from, confirmed{m.in, m.round});
}

} // namespace zooid
