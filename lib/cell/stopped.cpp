// What a replica still does that stopped: it is quarantined, alone, and says why.
//
//   T4  One that lost its votes goes on as a learner: it learns what is chosen and keeps it durably, teaches
//       it, and retires when it is released, so that its server may be given another replica of the cell. It
//       says nothing that counts for a choice or a release. That includes how far it is, since a release
//       takes a report for the word of one that answers phase 1 (C3). Its state is compared like any other
//       (D1). One whose state is in doubt teaches nobody.
//   D5  One that learned something wrong is taught again, and votes on (audit.cpp).
//   D6  One whose votes are in doubt is never healed, and once its state is in doubt as well it neither
//       learns nor teaches: it comes back under a new id.
//
// Callers are refused. Who takes it for the proposer is told at once that it leads no more.
#include "cell/turn.hpp"

#include <algorithm>

namespace zooid {

// Nobody is obliged to tell a replica without votes anything.
duration turn::news_after() const {
    return s_.options.retransmit_max * 16;
}

void turn::quarantine(std::string cause, bool durably, distrust of) {
    step_down({});
    give_back_waiting(errc::quarantined);
    election_state& e = s_.election;
    e.now = election_state::phase::idle;
    e.at = e.probe_fails_at = never;
    e.wanted = false;
    bool const voteless = lost_votes();
    bool const both = voteless || (!s_.quarantine.empty() && of == distrust::votes); // D6
    // Newer software judges the state anew, and learns on without votes (V1).
    distrust const recorded = both && !s_.upgrade_resumes ? distrust::everything : of;
    s_.upgrade_resumes = !durably && s_.quarantine.empty();
    s_.quarantine = both ? s_.quarantine + "; " + cause : std::move(cause);
    s_.quarantined_for = both ? distrust::everything : of;
    learner_state& l = s_.learner;
    l.to_teach.clear();
    if (s_.quarantined_for == distrust::learned) arm(l.fetch_again, s_.options.retransmit);
    if (s_.quarantined_for == distrust::votes)
        l.fetch_again.at = std::min(l.fetch_again.at, now() + jitter(news_after()));
    reached(sometimes::replica_quarantined);
    if (durably) record_quarantine(recorded);
}

void turn::record_quarantine(distrust of) {
    s_.recorded_for = of;
    persist(quarantine_record{s_.quarantine, of, s_.sealed_for});
}

bool turn::learns() const {
    return s_.quarantine.empty() || s_.quarantined_for == distrust::votes;
}

bool turn::lost_votes() const {
    return !s_.quarantine.empty() && is_voteless(s_.quarantined_for);
}

// Whatever it stopped for before. The record that says so may be what is lost this time.
void turn::on(votes_lost const& e) {
    if (!lost_votes()) return quarantine(e.cause, true, distrust::votes);
    record_quarantine(s_.recorded_for);
}

void turn::run_stopped(event const& what) {
    refuse_callers(what, errc::quarantined);
    if (auto const* asked = std::get_if<seal>(&what)) return seal_stopped(*asked);
    if (auto const* lost = std::get_if<votes_lost>(&what)) return on(*lost);
    if (auto const* r = std::get_if<received>(&what)) {
        if (auto const* told = std::get_if<sealed>(&r->content)) return seal_stopped({told->to});
        member const from{r->server, {}, r->replica};
        if (auto const* m = std::get_if<keeps_waiting>(&r->content)) on(from, *m); // G8: it leads no more
        if (auto const* m = std::get_if<probe>(&r->content)) send(from, probed{m->attempt, {}});
    }
    if (s_.quarantined_for == distrust::learned) return heal(what);
    if (s_.quarantined_for == distrust::votes) return learn_only(what);
    if (auto const* taken = std::get_if<snapshot_taken>(&what)) on(*taken);
    if (auto const* e = std::get_if<value_lost>(&what); e && s_.upgrade_resumes) write_again(e->at);
}

// T4
void turn::learn_only(event const& what) {
    learner_state& l = s_.learner;
    // What it records from now on may stand for what was lost, and the next start find nothing wrong.
    if (std::exchange(s_.quarantine_unrecorded, false)) record_quarantine(distrust::votes);
    if (s_.start_from) start_recovered();
    slot const before = l.prefix;
    if (auto const* r = std::get_if<received>(&what)) learn_from(*r);
    if (auto const* e = std::get_if<applied>(&what)) on(*e);
    if (auto const* e = std::get_if<apply_failed>(&what)) on(*e);
    if (auto const* e = std::get_if<persisted>(&what)) on(*e);
    if (auto const* e = std::get_if<snapshot_taken>(&what)) on(*e);
    if (auto const* e = std::get_if<value_lost>(&what)) on(*e);
    if (s_.quarantined_for != distrust::votes || s_.sealed_for) return;
    if (l.prefix > before) reached(sometimes::learned_without_votes);
    bool const returned = l.starting && std::holds_alternative<liveness_changed>(what);
    bool const due = l.fetch_again.at <= now() || returned || std::holds_alternative<complaint>(what);
    if (due) fetch_now();
    bool const misses = l.wanted > l.prefix || l.starting || is_leaving();
    if (l.fetch_again.at == never || (due && !misses)) arm(l.fetch_again, news_after());
    retire_if_released();
    checkpoint_if_due();
}

// From members and strangers alike: what is chosen is chosen whoever says so (T1, T5).
void turn::learn_from(received const& e) {
    member const* const known = s_.members.find(e.replica);
    if (known && known->server != e.server) return;
    member const from = known ? *known : member{e.server, {}, e.replica};
    auto const hear = [&](ballot const& in, slot chosen) {
        if (in.server != e.server) return;
        if (known) follow(in); // for callers; a stranger may have been released (A7)
        want(chosen, from);
    };
    if (auto const* m = std::get_if<prepare>(&e.content)) hear(m->in, m->from - 1);
    if (auto const* m = std::get_if<accept>(&e.content)) hear(m->in, m->chosen);
    if (auto const* m = std::get_if<commit>(&e.content)) {
        hear(m->in, m->chosen);
        if (m->wanted != report::none) owe_digest(); // and nothing else that is asked
    }
    if (auto const* m = std::get_if<outvoted>(&e.content)) on(from, *m);
    if (auto const* m = std::get_if<slice>(&e.content)) on(from, *m);
    if (auto const* m = std::get_if<teach_snapshot>(&e.content)) on(from, *m);
    if (auto const* m = std::get_if<moved>(&e.content)) on(from, *m);
    if (auto const* m = std::get_if<fetch>(&e.content)) on(from, *m);
}

} // namespace zooid
