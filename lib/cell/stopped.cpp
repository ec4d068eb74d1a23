// What a replica still does that stopped: it is quarantined, alone, and says why.
//
//   T4  One that lost its votes goes on as a learner: it learns what is chosen and keeps it durably, teaches it,
//       and retires when it is released, so that its server may be given another replica of the cell. It says
//       nothing that counts. That includes how far it is: a release takes a report for the word of one that
//       answers phase 1 (C3). One whose state is in doubt teaches nobody.
//   D5  One that learned something wrong is taught again, and votes on (audit.cpp).
//   D6  One whose votes are in doubt is never healed, and once its state is in doubt as well it does nothing any
//       more: it comes back under a new id.
//
// Callers are refused. Who takes it for the proposer is told at once that it leads no more.
#include "cell/turn.hpp"

namespace zooid {

void turn::quarantine(std::string cause, bool durably, distrust of) {
    step_down({});
    give_back_waiting(errc::quarantined);
    bool const voteless = lost_votes();
    bool const both = voteless || (!s_.quarantine.empty() && of == distrust::votes); // D6
    s_.quarantine = both ? s_.quarantine + "; " + cause : std::move(cause);
    s_.quarantined_for = both ? distrust::everything : of;
    s_.upgrade_resumes = !durably && !voteless;
    s_.learner.to_teach.clear();
    s_.learner.starting = s_.learner.starting && !lost_votes(); // it learns what it is told of
    if (s_.quarantined_for == distrust::learned) arm(s_.learner.fetch_again, s_.options.retransmit);
    reached(sometimes::replica_quarantined);
    if (durably) out_.persist.emplace_back(quarantine_record{s_.quarantine, s_.quarantined_for});
}

bool turn::learns() const {
    return s_.quarantine.empty() || s_.quarantined_for == distrust::votes;
}

bool turn::lost_votes() const {
    bool const votes = s_.quarantined_for == distrust::votes || s_.quarantined_for == distrust::everything;
    return !s_.quarantine.empty() && votes;
}

// Whatever it stopped for before. Newer software would vote again, with what is left of its memory (V1).
void turn::on(votes_lost const& e) {
    if (!lost_votes()) quarantine(e.cause, true, distrust::votes);
}

void turn::run_stopped(event const& what) {
    refuse_callers(what, errc::quarantined);
    if (auto const* asked = std::get_if<seal>(&what)) return seal_stopped(*asked);
    if (auto const* lost = std::get_if<votes_lost>(&what)) return on(*lost);
    auto const* const r = std::get_if<received>(&what);
    if (r) {
        if (auto const* told = std::get_if<sealed>(&r->content)) return seal_stopped({told->to});
        member const from{r->server, {}, r->replica};
        if (auto const* m = std::get_if<keeps_waiting>(&r->content)) on(from, *m); // G8: it leads no more
        if (auto const* m = std::get_if<probe>(&r->content)) send(from, probed{m->attempt, {}});
    }
    if (s_.quarantined_for == distrust::learned) return heal(what);
    if (s_.quarantined_for == distrust::votes) return learn_only(what);
    if (auto const* taken = std::get_if<snapshot_taken>(&what)) on(*taken);
}

// T4
void turn::learn_only(event const& what) {
    if (s_.start_from) install_recovered();
    slot const before = s_.learner.prefix;
    if (auto const* r = std::get_if<received>(&what)) learn_from(*r);
    if (auto const* e = std::get_if<applied>(&what)) on(*e);
    if (auto const* e = std::get_if<apply_failed>(&what)) on(*e);
    if (auto const* e = std::get_if<persisted>(&what)) on(*e);
    if (auto const* e = std::get_if<snapshot_taken>(&what)) on(*e);
    if (auto const* e = std::get_if<value_lost>(&what)) on(*e);
    if (s_.quarantined_for != distrust::votes || s_.sealed_for) return;
    if (s_.learner.prefix > before) reached(sometimes::learned_without_votes);
    if (s_.learner.fetch_again.at <= now()) fetch_now();
    retire_if_released();
    checkpoint_if_due();
}

// From members and strangers alike: what is chosen is chosen whoever says so (T1, T5).
void turn::learn_from(received const& e) {
    member const* const known = s_.members.find(e.replica);
    if (known && known->server != e.server) return;
    member const from = known ? *known : member{e.server, {}, e.replica};
    if (auto const* m = std::get_if<commit>(&e.content); m && m->in.server == e.server) want(m->chosen, from);
    if (auto const* m = std::get_if<slice>(&e.content)) on(from, *m);
    if (auto const* m = std::get_if<teach_snapshot>(&e.content)) on(from, *m);
    if (auto const* m = std::get_if<moved>(&e.content)) on(from, *m);
    if (auto const* m = std::get_if<fetch>(&e.content)) on(from, *m);
    if (auto const* m = std::get_if<outvoted>(&e.content)) on(from, *m);
}

} // namespace zooid
