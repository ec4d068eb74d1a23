// Digests of the state are compared, not obeyed; a replica whose state is wrong is taught again.
//
//   D1  Members, and newcomers that are taught, report the digest of their state after the same slots: every
//       64th, and whatever is the last one when a cell falls silent. So what was taught, by whatever way, is
//       compared at the next of these. A report is one replica's word about itself; the proposer's own is one
//       among them, and its digest travels to nobody.
//   D2  Wrong is who differs from the digest that a majority of config(j) reported for slot j. It is told who
//       reported, and checks that they are a majority before it stops (trap 10).
//   D3  If no digest can reach a majority any more nobody is stopped and nobody taught; it is reported.
//   D4  A replica that is outvoted, or that was given a snapshot which is not what it claims to be, stops:
//       durably, and for what it learned only. It votes no more and teaches nobody.
//   D5  It asks the others for a snapshot, one after the other, and any stranger that proposes to it (T5),
//       until one at or above its own prefix is durable. Installing that replaces what it learned up to
//       there, and nothing else: the promise and every acceptance above stay (T3). Then it votes again, and a
//       record says that it was healed. Who taught it may be wrong itself; then the next comparison finds
//       both.
//   D6  A replica whose votes are in doubt is never healed: it comes back under a new id (stopped.cpp).
#include "cell/turn.hpp"

#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

namespace {

constexpr std::uint64_t slots_compared = 2 * audit_interval; // older reports are dropped

}

// ---- a member

// D1: told as soon as all that is known is applied.
void turn::owe_digest() {
    s_.learner.digest_owed = true;
    if (s_.learner.applied == s_.learner.prefix) report_digest();
}

void turn::report_digest() {
    learner_state& l = s_.learner;
    l.digest_owed = false;
    if (leads()) return note_digest(s_.identity.self.replica, l.applied, l.state_digest);
    member const* const proposer = s_.members.find(s_.election.proposer.server);
    bool const elsewhere = proposer && proposer->server != s_.identity.self.server;
    if (elsewhere && l.applied) send(*proposer, digested{l.applied, l.state_digest});
}

// D2. What it reported for that slot is not kept; that it still has the majority's state is seen at once.
void turn::on(member const&, outvoted const& m) {
    learner_state const& l = s_.learner;
    if (m.at > l.applied || m.at < s_.members.held().front().from) return;
    if (m.at == l.applied && m.state_digest == l.state_digest) return;
    configuration const& voters = config(m.at);
    member_set reported;
    for (replica_id from : m.reported) {
        auto const index = voters.index_of(from);
        if (index && from != s_.identity.self.replica) reported.insert(*index);
    }
    if (!voters.is_quorum(reported) && !mutated(mutant::obey_first_digest)) return;
    reached(sometimes::replica_outvoted);
    quarantine("its state after slot " + to_string(m.at) + " differs from that of " +
                   std::to_string(reported.size()) + " of " + std::to_string(voters.size()) + " members",
               true, distrust::learned); // D4
}

// ---- the proposer counts

void turn::on(member const& from, digested const& m) {
    if (!leads()) return;
    learner_state const& l = s_.learner;
    if (m.at == l.applied) note_digest(s_.identity.self.replica, l.applied, l.state_digest);
    note_digest(from.replica, m.at, m.state_digest);
}

void turn::note_digest(replica_id from, slot at, digest const& state_digest) {
    if (!leads() || at < s_.members.held().front().from || at > s_.learner.prefix + s_.alpha) return;
    auto& all = s_.proposer->digests;
    slot newest = at;
    for (digest_report const& r : all)
        newest = std::max(newest, r.at);
    if (at + slots_compared < newest) return;
    std::erase_if(all, [&](digest_report const& r) {
        return r.at + slots_compared < newest || (r.from == from && r.at == at);
    });
    all.push_back({from, at, state_digest});
    judge_digests(at);
}

void turn::judge_digests(slot at) {
    proposer_state& p = *s_.proposer;
    configuration const& voters = config(at);
    std::size_t reported = 0, most = 0;
    digest right;
    for (digest_report const& r : p.digests) {
        if (r.at != at || !voters.contains(r.from)) continue;
        ++reported;
        auto const same = std::count_if(p.digests.begin(), p.digests.end(), [&](digest_report const& other) {
            return other.at == at && other.state_digest == r.state_digest && voters.contains(other.from);
        });
        if (static_cast<std::size_t>(same) <= most) continue;
        most = static_cast<std::size_t>(same);
        right = r.state_digest;
        if (mutated(mutant::obey_first_digest)) break;
    }
    if (most >= voters.majority() || (mutated(mutant::obey_first_digest) && most > 0))
        return outvote(at, right);
    if (most + (voters.size() - reported) >= voters.majority() || p.differed >= at) return;
    p.differed = out_.digests_differ = at; // D3
}

void turn::outvote(slot at, digest const& right) {
    outvoted verdict{at, right, {}};
    for (digest_report const& r : s_.proposer->digests) {
        if (r.at == at && r.state_digest == right) verdict.reported.push_back(r.from);
    }
    for (digest_report& r : s_.proposer->digests) {
        if (r.at != at || r.state_digest == right || r.told) continue;
        r.told = true;
        member const* wrong = s_.members.find(r.from);
        if (!wrong) wrong = find_learner(r.from);
        if (wrong) send(*wrong, verdict); // to itself as to any other
    }
}

// By the last that it reported.
bool turn::is_outvoted(replica_id replica) const {
    digest_report const* last = nullptr;
    for (digest_report const& r : s_.proposer->digests) {
        if (r.from == replica && (!last || r.at >= last->at)) last = &r;
    }
    return last && last->told;
}

// ---- taught again

void turn::heal(event const& what) {
    learner_state& l = s_.learner;
    if (auto const* e = std::get_if<received>(&what)) {
        member const from{e->server, {}, e->replica};
        auto const* const taught = std::get_if<teach_snapshot>(&e->content);
        bool const fits = taught && taught->state.cell == s_.cell && taught->state.at >= l.prefix &&
                          above_version(taught->state, s_.identity.version_highest).empty();
        if (fits && !l.pending) take_snapshot(from, *taught);
        ask_a_stranger(from, e->content);
    }
    if (auto const* e = std::get_if<persisted>(&what); e && l.pending && l.pending->ticket == e->ticket) {
        if (l.pending->taught && l.pending->at >= l.prefix) return be_healed();
        l.checkpoint = std::max(l.checkpoint, l.pending->at);
        l.pending.reset();
        if (s_.sealing) return be_sealed(std::nullopt);
    }
    if (auto const* e = std::get_if<value_lost>(&what); e && e->at > l.prefix)
        on(*e); // of a vote, which is sound
    if (l.fetch_again.at <= now()) ask_for_a_state();
}

// T5. Only while it is one: the proposer that we know may be who is wrong, and the others are drawn too.
void turn::ask_a_stranger(member const& from, message const& content) {
    if (s_.learner.pending) return; // it was asked, and its lesson waits to be durable
    auto const* const pointer = std::get_if<moved>(&content);
    auto const named = pointer ? another_of(pointer->members) : std::nullopt;
    bool const proposes = std::holds_alternative<prepare>(content) ||
                          std::holds_alternative<accept>(content) || std::holds_alternative<commit>(content);
    if (named) ask_soon(*named);
    if (proposes && !s_.members.find(from.replica)) ask_soon(from);
}

void turn::ask_for_a_state() {
    learner_state& l = s_.learner;
    std::vector<member> others;
    for (member const& m : s_.members.newest().members()) {
        if (m.replica != s_.identity.self.replica) others.push_back(m);
    }
    if (auto const source = take_source()) {
        send(*source, fetch{slot{}});
    } else if (!others.empty()) {
        send(others[s_.random.below(others.size())], fetch{slot{}});
    }
    l.fetch_again.wait = std::max(l.fetch_again.wait, s_.options.retransmit / 2);
    arm_again(l.fetch_again);
}

void turn::be_healed() { // D5
    learner_state& l = s_.learner;
    pending_checkpoint done = std::move(*l.pending);
    l.pending.reset();
    reached(sometimes::replica_healed);
    s_.quarantine.clear();
    s_.start_from.reset();
    l.fetch_again = {};
    l.snapshot_wanted = l.digest_owed = false;
    record_quarantine(distrust::nothing);
    if (mutated(mutant::healing_forgets_promise)) s_.acceptor.promised = {};
    if (mutated(mutant::healing_forgets_acceptances)) s_.log = log_window(done.at + 1);
    install_snapshot(std::move(done));
}

} // namespace zooid
