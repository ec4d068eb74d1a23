// The learner: from chosen slots to a contiguous prefix, and from there to the state machine.
//
//   L1  A record may name a prefix only if every slot up to it has a record, earlier in the journal, that
//       holds the chosen value, or lies under a checkpoint. So a slot is recorded, if it is not yet with
//       exactly this value, in the step in which it is found to be chosen.
//   L2  Slots are delivered once, in order, without gaps; the prefix never goes down.
//   L3  `commit` in ballot b makes chosen only what was accepted in exactly b. The proposer of b may send it
//       only while every slot above its start was chosen by its own count, or taught with its own value; one
//       that is taught another value steps down.
#include "cell/turn.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

// Cell.tla: Commit.
void turn::on(member const& from, commit const& m) {
    if (from.server != m.in.server) return;
    // A stranger may have been released, and this its last word (A7).
    if (m.in >= s_.acceptor.promised && s_.members.find(from.replica)) follow(m.in);
    for (slot at = s_.learner.prefix + 1; at <= m.chosen && at <= s_.log.last(); ++at) {
        log_slot const& held = *s_.log.find(at);
        bool const ours = held.accepted == m.in || mutated(mutant::commit_any_ballot);
        if (held.chosen || !ours || held.value.empty()) continue;
        entry const value = held.value;
        mark_chosen(at, value, held.value_digest);
    }
    advance_prefix();
    want(m.chosen, from);
    if (m.wanted == report::none || is_released()) return; // C4: who retires reports nothing
    owe_digest();
    // What decides what may be destroyed must survive a restart: a record names it.
    learner_state& l = s_.learner;
    if (m.wanted == report::durable && l.recorded < l.prefix) {
        if (!mutated(mutant::report_prefix_not_durable)) persist(prefix_record{l.prefix});
        l.recorded = l.prefix;
    }
    send_durably(from, learned{l.prefix, l.recorded});
}

// Cell.tla: Learned.
void turn::on(member const& from, learned const& m) {
    note_progress(from.replica, m.prefix, m.durable);
}

void turn::note_progress(replica_id from, slot known, slot durable) {
    if (!s_.proposer) return;
    auto& all = s_.proposer->progress;
    auto const found =
        std::find_if(all.begin(), all.end(), [&](member_progress const& p) { return p.replica == from; });
    if (found == all.end()) {
        all.push_back({from, known, durable});
    } else {
        found->known = std::max(found->known, known);
        found->durable = std::max(found->durable, durable);
    }
}

member_progress turn::progress_of(replica_id replica) const {
    for (member_progress const& p : s_.proposer->progress) {
        if (p.replica == replica) return p;
    }
    return {};
}

void turn::mark_chosen(slot at, entry const& value, digest const& value_digest) {
    if (at <= s_.learner.prefix) {
        log_slot const* held = s_.log.find(at);
        ZOOID_CHECK(!held || held->value_digest == value_digest,
                    "agreement: a slot is chosen with one value");
        return;
    }
    if (s_.proposer) { // L3
        auto& open = s_.proposer->open;
        auto const ours =
            std::find_if(open.begin(), open.end(), [&](open_slot const& o) { return o.at == at; });
        if (ours != open.end() && ours->value_digest == value_digest) {
            ours->chosen = true;
        } else if (ours != open.end() && !mutated(mutant::go_on_after_another_choice)) {
            step_down({});
        }
    }
    log_slot& held = s_.log.open(at);
    ZOOID_CHECK(!held.chosen || held.value_digest == value_digest,
                "agreement: a slot is chosen with one value");
    bool const recorded = held.recorded && held.value_digest == value_digest;
    if (!recorded || held.value.empty()) held.value = value;
    held.value_digest = value_digest;
    held.chosen = true;
    if (!recorded && !mutated(mutant::choose_unrecorded)) record_slot(at, held); // L1
}

void turn::advance_prefix() {
    if (!learns()) return;
    for (;;) {
        slot const at = s_.learner.prefix + 1;
        log_slot const* held = s_.log.find(at);
        log_slot const* above = s_.log.find(at + 1);
        if (mutated(mutant::deliver_over_a_hole) && above && above->chosen && !(held && held->chosen)) {
            s_.learner.prefix = at;
            continue;
        }
        if (!held || !held->chosen || held->value.empty()) break;
        std::string beyond = above_version(at, held->value, s_.members, s_.identity.version_highest); // V1
        if (!beyond.empty()) return quarantine(std::move(beyond), false);
        s_.learner.prefix = at; // L2
        deliver(at, *held);
        entry_kind const kind = held->value.kind();
        if (kind == entry_kind::change || kind == entry_kind::release || kind == entry_kind::raise)
            follow_members(at, held->value, std::exchange(out_.deliver.back().requests, {}));
    }
    learner_state& l = s_.learner;
    if (l.prefix < l.wanted || l.starting) return;
    if (!is_leaving()) return void(l.fetch_again = {});
    if (l.fetch_again.at == never) arm(l.fetch_again, s_.options.retransmit_max);
}

// Progress: the back-off begins anew. A round of confirmation makes no progress by it, and is not put off.
void turn::restart_repeats() {
    proposer_state& p = *s_.proposer;
    time_point const due = p.again.at;
    arm(p.again, s_.options.retransmit);
    if (p.asking) p.again.at = std::min(p.again.at, due);
}

void turn::deliver(slot at, log_slot const& held) {
    s_.learner.log_bytes += held.value.encoded().size();
    delivery out{at, held.value, {}};
    if (s_.proposer && !s_.proposer->open.empty() && s_.proposer->open.front().at == at) {
        open_slot& ours = s_.proposer->open.front();
        if (ours.value_digest != held.value_digest && !mutated(mutant::go_on_after_another_choice)) {
            step_down({}); // L3: taught above a gap before we proposed there, and reached only now
        } else {
            out.requests = std::move(ours.requests);
            s_.proposer->open.pop_front();
            restart_repeats();
        }
    }
    out_.deliver.push_back(std::move(out));
}

void turn::on(applied const& e) {
    ZOOID_CHECK(e.at <= s_.learner.prefix, "only delivered slots are applied");
    s_.learner.applied = e.at;
    s_.learner.state_digest = e.state_digest;
    if (is_audited(e.at) || (s_.learner.digest_owed && e.at == s_.learner.prefix)) report_digest();
}

void turn::on(apply_failed const& e) {
    if (mutated(mutant::skip_unknown_entry)) return;
    bool const software = e.why == apply_failed::reason::software;
    quarantine("slot " + to_string(e.at) + ": " + e.cause, !software,
               software ? distrust::state : distrust::learned);
}

// The first step after a restart hands the checkpoint and what is known to follow it to the state machine,
// and begins to ask what was chosen meanwhile.
void turn::start_recovered() {
    snapshot const from = std::move(*s_.start_from);
    s_.start_from.reset();
    out_.restore = install{from};
    slot const known = s_.learner.prefix;
    for (slot at = from.at + 1; at <= known; ++at)
        deliver(at, *s_.log.find(at));
    advance_prefix();
    configuration const& voters = present_config();
    if (voters.majority() == 1 && voters.contains(s_.identity.self.replica)) return; // there is nobody to ask
    s_.learner.starting = true;
    arm(s_.learner.fetch_again, jitter(s_.options.retransmit));
}

} // namespace zooid
