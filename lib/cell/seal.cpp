// Sealing: a replica of a cell that was recovered elsewhere never takes part in anything again.
//
//   X1  Sealed for good: from the step that seals it on, a replica promises, accepts, confirms, learns,
//       teaches and answers callers no more, also after a restart: a record says so, and where the cell is.
//   X2  What it knew stays: the state up to its prefix is made durable with the seal, its acceptances lie
//       above. So whoever asks a sealed replica gets the same answer every time, and a recovery that was
//       interrupted comes to the same founding record when it is taken up.
//   X3  It tells all members when it is sealed, or when they return, and everybody who speaks to it. A
//       replica of the old id that comes back is sealed by the first sealed one that it meets; silence is
//       always safe, so a word is enough. Unasked, because a proposer under a lease may ask nobody for long,
//       and counts on the servers of sealed replicas like on any other.
//   X4  A replica that stopped before is sealed as well: it is never healed. What was in doubt stays so.
#include "cell/turn.hpp"

#include <zooid/base/mutant.hpp>

namespace zooid {

// The state has to be taken first, which the host does at once.
void turn::on(seal const& e) {
    if (e.to.cell == s_.cell || e.to.birth <= s_.birth) return; // never backwards
    s_.sealing = e.to;
    s_.learner.snapshot_wanted = out_.want_snapshot = true;
}

void turn::on(member const&, sealed const& m) {
    on(seal{m.to});
}

// X2: a snapshot that is on its way into the journal is installed first, since a restart would begin with it.
bool turn::is_ready_to_be_sealed() const {
    bool const taught = s_.learner.pending && s_.learner.pending->taught;
    return s_.sealing && !taught;
}

// One that came back stopped has its checkpoint in hand; one that stopped while running, and may be believed
// in what it learned, has its state taken like any other.
void turn::seal_stopped(seal const& e) {
    if (e.to.cell == s_.cell || e.to.birth <= s_.birth) return;
    s_.sealing = e.to;
    if (learns() && !is_ready_to_be_sealed()) return;
    if (s_.quarantined_for == distrust::learned && s_.learner.pending) return; // X2: heal goes on with it
    bool const running = s_.quarantined_for == distrust::votes && !s_.start_from;
    if (!running || s_.learner.applied != s_.learner.prefix) return be_sealed(std::nullopt);
    s_.learner.snapshot_wanted = out_.want_snapshot = true;
}

void turn::be_sealed(std::optional<snapshot> kept) {
    step_down({});
    give_back_waiting(errc::not_here);
    s_.learner.to_teach.clear();
    s_.learner.fetch_again = {};
    s_.election.at = s_.election.probe_fails_at = never;
    if (kept) {
        persist(checkpoint_record{*kept});
        s_.start_from = std::move(kept);
    }
    // X2. Only in memory until now: what is known above a gap; and what one that was outvoted knows above its
    // checkpoint, since its log counts (Y4).
    bool const outvoted = !s_.quarantine.empty() && s_.quarantined_for == distrust::learned;
    for (slot at = (outvoted ? s_.learner.checkpoint : s_.learner.prefix) + 1; at <= s_.log.last(); ++at) {
        log_slot* const held = s_.log.find(at);
        if (held && held->chosen && !mutated(mutant::seal_forgets_choices)) record_slot(at, *held);
    }
    s_.sealed_for = std::exchange(s_.sealing, std::nullopt);
    bool const sound = s_.quarantine.empty();
    if (sound) s_.quarantined_for = distrust::sealed;
    std::string const where = "recovered as cell " + to_string(s_.sealed_for->cell) + ", generation " +
                              to_string(s_.sealed_for->birth);
    s_.quarantine = sound ? where : s_.quarantine + "; " + where;
    reached(sometimes::replica_quarantined);
    record_quarantine(s_.quarantined_for);
    for (member const& to : everyone_held())
        tell_sealed(to);
}

void turn::tell_sealed(member const& to) { // X3
    if (to.server == s_.identity.self.server) return;
    out_.watch.push_back(to.server);
    if (!around_.servers.suspected(to.server)) send(to, sealed{*s_.sealed_for});
}

void turn::run_sealed(event const& what) {
    refuse_callers(what, errc::not_here);
    if (auto const* lost = std::get_if<value_lost>(&what)) return write_again(lost->at);
    if (std::holds_alternative<votes_lost>(what)) // X1, X3: that record may be among them
        return record_quarantine(s_.recorded_for);
    if (auto const* changed = std::get_if<liveness_changed>(&what)) {
        member const* const there = s_.members.find(changed->server);
        return there ? tell_sealed(*there) : void();
    }
    auto const* e = std::get_if<received>(&what);
    if (e == nullptr || std::holds_alternative<sealed>(e->content)) return; // or two would go on for ever
    member const from{e->server, {}, e->replica};
    if (auto const* m = std::get_if<prepare>(&e->content); m && mutated(mutant::sealed_still_promises))
        return on(from, *m);
    send(from, sealed{*s_.sealed_for}); // X3
}

// What rots while it runs is written again, as ever.
void turn::write_again(slot at) {
    if (s_.start_from && at <= s_.start_from->at) return persist(checkpoint_record{*s_.start_from});
    log_slot* const held = s_.log.find(at);
    if (held && !held->value.empty()) record_slot(at, *held);
}

successor_cell const* replica::sealed_for() const {
    return state_->sealed_for ? &*state_->sealed_for : nullptr;
}

snapshot const* replica::kept_state() const {
    replica_state const& s = *state_;
    bool const sound = s.quarantined_for == distrust::sealed || s.quarantined_for == distrust::votes;
    return s.sealed_for && sound && s.start_from ? &*s.start_from : nullptr;
}

// What it can hand out is the state that it has, or the checkpoint that it came back with; what it knows to
// be chosen above that goes as acceptances that are marked. Where the state is in doubt the votes need not
// be, so all of them go that a restart would find as well (X2).
survey_answer replica::survey() const {
    replica_state const& s = *state_;
    survey_answer a;
    a.cell = s.cell;
    a.key = s.key;
    a.birth = s.birth;
    a.self = s.identity.self;
    a.life = s.identity.life;
    a.promised = s.acceptor.promised;
    a.prefix = s.learner.prefix;
    a.quarantine = s.quarantine;
    a.quarantined_for = s.quarantined_for;
    a.sealed_for = s.sealed_for;
    a.state_at = s.start_from         ? s.start_from->at
                 : has_sound_state(a) ? s.learner.prefix
                                      : s.learner.checkpoint;
    a.state_digest = s.start_from ? s.start_from->state_digest : s.learner.state_digest;
    a.alpha = s.alpha;
    a.colour = s.demands.colour;
    a.cell_version = s.demands.cell_version;
    a.held = s.members.held();
    for (slot at = a.state_at + 1; at <= s.log.last(); ++at) {
        log_slot const* held = s.log.find(at);
        if (!held || held->vacant()) continue;
        a.accepted.push_back({at, held->accepted, held->value_digest, held->chosen, held->value});
    }
    return a;
}

} // namespace zooid
