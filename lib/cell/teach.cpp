// Teaching: how a replica that fell behind learns what was chosen, outside the protocol.
//
//   T1  Only chosen entries are taught.
//   T2  A snapshot is durable here before the prefix moves to it.
//   T3  Installing keeps the promise, and every acceptance above the snapshot's slot: they may be somebody's
//       quorum (trap 10, second half).
//   T4  A replica that lost its votes goes on as a learner, and says nothing that counts; one whose state is
//       in doubt teaches nobody (stopped.cpp).
//   T5  A member that does not know us missed the change that added us, and perhaps all whom it knows are
//       gone. It answers our canvass with its prefix: we teach it, and it goes on asking us. If we lead, it
//       asks us when we tell what is chosen, and for a vote while it may not vote; if it asks one that is
//       gone, the server of that says who is there. The same for one that is to be healed (D5). And whoever
//       asks from a slot on knows all below: perhaps it left, and we are who governs now.
#include "cell/turn.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

void turn::want(slot prefix, member const& source) {
    learner_state& l = s_.learner;
    if (prefix <= l.prefix) return;
    // A timer of one that only leaves is a patient one: it must not delay what is known to be missing.
    bool const under_way = l.wanted > l.prefix || l.starting;
    l.wanted = std::max(l.wanted, prefix);
    if (!under_way || l.fetch_again.at == never) arm(l.fetch_again, jitter(s_.options.retransmit / 8));
    ask_soon(source);
}

// T5. All whom we know may be gone, and the wait for them long by now: it is cut short for one whom we do
// not.
void turn::ask_soon(member const& source) {
    learner_state& l = s_.learner;
    bool const newly = l.source.replica != source.replica && !s_.members.find(source.replica);
    l.source = source;
    if (newly) l.fetch_again.at = std::min(l.fetch_again.at, now() + jitter(s_.options.retransmit / 8));
}

// Whom to ask next: whoever said that there is more, once.
std::optional<member> turn::take_source() {
    member const source = std::exchange(s_.learner.source, {});
    return source.replica ? std::optional(source) : std::nullopt;
}

// First whoever is known to know; after that, any member of the newest configuration that we know of: those
// of the present one may have been released long ago.
void turn::fetch_now() {
    learner_state& l = s_.learner;
    if (l.wanted <= l.prefix && !l.starting && !is_leaving() && !lost_votes()) {
        l.fetch_again = {};
        return;
    }
    if (is_leaving()) finish_change(); // C6
    l.fetch_again.wait = std::max(l.fetch_again.wait, s_.options.retransmit / 2);
    if (l.pending && l.pending->taught) return arm_again(l.fetch_again); // it has to be durable first (T2)
    if (l.starting) return ask_everybody();
    if (auto const source = take_source()) {
        send(*source, fetch{l.prefix + 1});
    } else {
        ask_one_of_the_newest();
    }
    arm_again(l.fetch_again);
}

bool turn::ask_one_of_the_newest() {
    auto const to = another_of(s_.members.newest());
    if (to) send(*to, fetch{s_.learner.prefix + 1});
    return to.has_value();
}

// After a restart: until a majority with us has nothing newer. Who is suspected is asked when it returns, and
// whoever says that there is more, though it answered before, or is nobody that we know.
void turn::ask_everybody() {
    learner_state& l = s_.learner;
    bool asked = false;
    auto const source = take_source();
    for (member const& to : present_config().members()) {
        bool const says_more = source && source->replica == to.replica;
        bool const answered = std::find(l.asked.begin(), l.asked.end(), to.replica) != l.asked.end();
        if (to.replica == s_.identity.self.replica || (answered && !says_more)) continue;
        if (around_.servers.suspected(to.server)) {
            out_.watch.push_back(to.server);
            continue;
        }
        send(to, fetch{l.prefix + 1});
        asked = true;
    }
    if (source && !present_config().contains(source->replica)) {
        send(*source, fetch{l.prefix + 1});
        asked = true;
    }
    if (is_leaving())
        asked = ask_one_of_the_newest() || asked; // those of the present one may be gone for good
    asked ? arm_again(l.fetch_again) : void(l.fetch_again = {});
}

// What a checkpoint goes by: the log that is missed is longer than the state that it made. What one slice holds
// is not worth a state.
bool turn::state_is_shorter_than_log(slot from) const {
    std::size_t const most = std::max(bytes_due(), s_.options.slice_bytes_max);
    std::size_t missed = 0;
    for (slot at = from; at <= s_.learner.prefix && missed <= most; ++at)
        missed += s_.log.find(at)->value.encoded().size();
    return missed > most;
}

void turn::on(member const& from, fetch const& m) {
    if (m.from > s_.learner.prefix + 1) want(m.from - 1, from); // it knows what we do not
    if (s_.members.find(from.replica) && !s_.members.newest().contains(from.replica)) finish_change(); // C6
    slot const prefix = mutated(mutant::teach_accepted) ? s_.log.last() : s_.learner.prefix;
    if (m.from > prefix) return send(from, slice{m.from, {}, prefix});
    if (m.from < s_.log.first() || state_is_shorter_than_log(m.from)) {
        if (std::find(s_.learner.to_teach.begin(), s_.learner.to_teach.end(), from) ==
            s_.learner.to_teach.end()) {
            s_.learner.to_teach.push_back(from);
        }
        return;
    }
    slice lesson{m.from, {}, prefix};
    std::size_t size = 0;
    for (slot at = m.from; at <= prefix && size < s_.options.slice_bytes_max; ++at) {
        lesson.values.push_back(s_.log.find(at)->value); // T1: up to the prefix all is chosen
        size += lesson.values.back().encoded().size();
    }
    send(from, std::move(lesson));
}

// Cell.tla: Teach.
void turn::on(member const& from, slice const& m) {
    learner_state& l = s_.learner;
    slot const before = l.prefix;
    if (m.from == slot{} && m.prefix < l.prefix && s_.members.find(from.replica)) { // T5
        return on(from, fetch{m.prefix + 1});
    }
    slot at = m.from;
    for (entry const& value : m.values) { // what follows the prefix is delivered at once, the rest piles up
        if (at > l.prefix + s_.options.slots_ahead_max || value.empty() || !learns()) break;
        if (at > l.prefix && !has_room_for(at, value)) break; // A6
        mark_chosen(at, value, value.value_digest());
        if (at == l.prefix + 1) advance_prefix();
        ++at;
    }
    advance_prefix();
    if (l.prefix > before) reached(sometimes::taught_by_log_slice);
    if (l.starting && m.prefix <= l.prefix) {
        if (std::find(l.asked.begin(), l.asked.end(), from.replica) == l.asked.end())
            l.asked.push_back(from.replica);
        l.starting = l.asked.size() + 1 < present_config().majority();
        if (!l.starting) {
            l.asked.clear();
            advance_prefix(); // it rests now, or asks on
            if (l.wanted > l.prefix && l.fetch_again.at == never) arm(l.fetch_again, s_.options.retransmit);
        }
    }
    if (m.prefix <= l.prefix) return;
    want(m.prefix, from);
    if (l.prefix == before) return;
    // Who taught goes on, member or not (T5); a lesson that is lost now is asked for again soon, and of a
    // stranger, since perhaps nobody else is there.
    send(from, fetch{l.prefix + 1});
    if (s_.members.find(from.replica)) l.source = {};
    l.fetch_again.wait = s_.options.retransmit / 2;
    arm_again(l.fetch_again);
}

// Everybody that we know may be gone. Whoever is there now teaches us the way, or that we are released. We
// may be one of them: then the others.
void turn::on(member const&, moved const& m) {
    if (auto const to = another_of(m.members)) send(*to, fetch{s_.learner.prefix + 1});
}

// Drawn at random, and not ourselves.
std::optional<member> turn::another_of(configuration const& members) {
    if (members.size() == 0) return std::nullopt;
    std::size_t const drawn = s_.random.below(members.size());
    bool const ours = members[drawn].replica == s_.identity.self.replica;
    member const& to = members[ours ? (drawn + 1) % members.size() : drawn];
    return to.replica == s_.identity.self.replica ? std::nullopt : std::optional(to);
}

// Cell.tla: TeachSnapshot.
void turn::on(member const& from, teach_snapshot const& m) {
    learner_state& l = s_.learner;
    if (m.state.cell != s_.cell || m.state.at <= l.prefix || l.pending) return;
    take_snapshot(from, m);
}

void turn::take_snapshot(member const& from, teach_snapshot const& m) {
    learner_state& l = s_.learner;
    ZOOID_CHECK(m.state.alpha == s_.alpha, "alpha is fixed when the cell is founded");
    std::string above = above_version(m.state, s_.identity.version_highest); // V1
    if (!above.empty()) return quarantine(std::move(above), false);
    l.pending = pending_checkpoint{++s_.tickets, m.state.at, m.state};
    persist(checkpoint_record{m.state});
    out_.tell_when_durable = l.pending->ticket; // T2
    if (mutated(mutant::install_before_durable)) on(persisted{l.pending->ticket});
    want(m.state.at, from);
}

void turn::on(persisted const& e) {
    learner_state& l = s_.learner;
    if (!l.pending || l.pending->ticket != e.ticket) return;
    pending_checkpoint done = std::move(*l.pending);
    l.pending.reset();
    if (!done.taught || done.at <= l.prefix) {
        l.checkpoint = std::max(l.checkpoint, done.at);
        l.log_bytes = 0;
        std::uint64_t const kept = s_.options.kept_log_entries;
        if (done.at.value > kept) s_.log.trim(done.at - kept + 1);
        return;
    }
    install_snapshot(std::move(done));
}

void turn::install_snapshot(pending_checkpoint done) {
    learner_state& l = s_.learner;
    if (s_.proposer && !s_.proposer->open.empty()) step_down({}); // somebody else chose what we have open
    reached(sometimes::taught_by_snapshot);
    if (s_.proposer && s_.proposer->must_know > l.prefix) reached(sometimes::phase_one_found_trimmed_log);
    s_.log.restart_after(done.at); // T3
    if (mutated(mutant::snapshot_forgets_acceptances)) s_.log = log_window(done.at + 1);
    if (mutated(mutant::snapshot_forgets_promise)) s_.acceptor.promised = {};
    if (s_.log.last() > done.at) reached(sometimes::snapshot_kept_acceptances_above);
    s_.members = membership(done.taught->configurations, s_.alpha);
    if (s_.proposer) s_.proposer->members_since = now();
    s_.joined = s_.joined || s_.members.find(s_.identity.self.replica);
    s_.demands.cell_version = done.taught->cell_version;
    s_.birth = done.taught->birth;
    s_.key = done.taught->key;
    l.prefix = l.checkpoint = l.recorded = l.released = done.at;
    l.log_bytes = 0;
    l.checkpoint_bytes = done.taught->state.size();
    out_.restore = install{*done.taught};
    advance_prefix();
    extend_phase_one();
    succeed_if_released();
    confirm_anew();
    if (l.wanted > l.prefix) fetch_now();
}

std::size_t turn::bytes_due() const {
    return std::max(s_.options.checkpoint_log_bytes, s_.learner.checkpoint_bytes);
}

// A checkpoint is due when the log has grown past the state that it would replace.
void turn::checkpoint_if_due() {
    learner_state& l = s_.learner;
    if (l.snapshot_wanted || l.applied != l.prefix || out_.restore) return;
    bool const grown = l.log_bytes >= bytes_due() ||
                       l.prefix - l.checkpoint >= s_.options.checkpoint_log_entries || l.checkpoint_owed;
    if ((grown && !l.pending) || !l.to_teach.empty() || is_ready_to_be_sealed())
        out_.want_snapshot = l.snapshot_wanted = true;
}

// While it is in memory it is written again. A checkpoint does for all that is known to be chosen.
void turn::on(value_lost const& e) {
    if (e.at < s_.learner.checkpoint) return; // a later one is durable
    reached(sometimes::lost_value_written_again);
    if (e.at <= s_.learner.prefix) return void(s_.learner.checkpoint_owed = true);
    write_again(e.at);
}

void turn::on(snapshot_taken const& e) {
    learner_state& l = s_.learner;
    l.snapshot_wanted = false;
    if (e.at != l.prefix) return; // the next step asks again
    snapshot const taken{s_.cell,           s_.key,         s_.birth, s_.demands.cell_version, s_.alpha, e.at,
                         s_.members.held(), e.state_digest, e.state,  s_.demands.colour};
    if (is_ready_to_be_sealed()) return be_sealed(taken);
    for (member const& to : l.to_teach)
        send(to, teach_snapshot{taken});
    l.to_teach.clear();
    if (l.pending || (e.at <= l.checkpoint && !l.checkpoint_owed)) return;
    l.checkpoint_owed = false;
    l.checkpoint_bytes = e.state.size();
    l.pending = pending_checkpoint{++s_.tickets, e.at, std::nullopt};
    persist(checkpoint_record{taken});
    out_.tell_when_durable = l.pending->ticket;
}

} // namespace zooid
