// The proposer in phase 2: a short pipeline of slots, batches that form while it is full.
//
//   Q1  At most alpha slots are open: slot j is proposed only when all slots up to j - alpha are known.
//   Q2  In one ballot a slot is proposed once; a repeat carries the same value.
//   Q3  A slot is chosen when a quorum of config(j) accepted it durably in this ballot. Our own acceptance is
//       one vote among them and comes back through the journal like everybody's.
#include "cell/turn.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/limits.hpp>
#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

void turn::on(propose const& e) {
    if (e.command.size() + 6 > limits::batch_bytes_max) return end(e.request, errc::too_large);
    if (!s_.proposer) {
        if (somebody_leads()) return end(e.request, errc::not_proposer);
        election_state& waiting = s_.election;
        if (waiting.commands.size() >= s_.options.pending_count_max ||
            waiting.command_bytes + e.command.size() > s_.options.pending_bytes_max)
            return end(e.request, errc::overloaded);
        waiting.command_bytes += e.command.size();
        waiting.commands.push_back({e.request, e.command, e.until});
        return consider_candidacy(duration::zero());
    }
    proposer_state& p = *s_.proposer;
    if (p.commands.size() >= s_.options.pending_count_max ||
        p.command_bytes + e.command.size() > s_.options.pending_bytes_max) {
        reached(sometimes::pipeline_full_rejected);
        return end(e.request, errc::overloaded);
    }
    p.command_bytes += e.command.size();
    p.commands.push_back({e.request, e.command, e.until});
}

// Called at the end of every step: proposes as much as P2, P4 and Q1 allow.
void turn::propose_what_can_be() {
    while (leads()) {
        proposer_state& p = *s_.proposer;
        slot const prefix = s_.learner.prefix;
        p.next = std::max(p.next, prefix + 1);
        bool const ahead = mutated(mutant::run_ahead_of_alpha) && p.next == prefix + s_.alpha + 1;
        if (p.next > prefix + s_.alpha && !ahead) return;                                    // Q1
        if (!quorum_promised(p.next)) return;                                                // P2
        if (open_bytes() + next_bytes_max() > accepted_bytes_max && !p.open.empty()) return; // A6
        std::vector<token> requests;
        auto value = value_for_next_slot(requests);
        if (!value) {
            if (has_duty() && p.again.at == never) arm(p.again, s_.options.retransmit);
            return;
        }
        propose_in_next_slot(std::move(*value), std::move(requests));
    }
}

std::size_t turn::open_bytes() const {
    std::size_t total = 0;
    for (open_slot const& open : s_.proposer->open)
        total += open.value.encoded().size();
    return total;
}

// Of the value that would be proposed next, at most: what phase 1 found is not looked at twice.
std::size_t turn::next_bytes_max() const {
    return has_duty() ? limits::batch_bytes_max
                      : std::min(s_.proposer->command_bytes, limits::batch_bytes_max);
}

// Something was reported that this proposer has not proposed yet: it may have been chosen.
bool turn::has_duty() const {
    proposer_state const& p = *s_.proposer;
    return p.next <= std::max(p.reported, p.must_know);
}

std::optional<entry> turn::value_for_next_slot(std::vector<token>& requests) {
    proposer_state& p = *s_.proposer;
    if (has_duty()) {
        obligation duty = obliged(p.next, p.promises, config(p.next));
        if (mutated(mutant::skip_phase_one)) duty = {};
        if (duty.what == obligation::kind::unknown) return std::nullopt;
        if (duty.what == obligation::kind::value) {
            reached(sometimes::accepted_value_adopted_in_phase_one);
            return std::move(duty.value);
        }
        if (p.commands.empty()) {
            reached(sometimes::no_op_filled_hole);
            return entry::no_op();
        }
    }
    if (auto own = membership_entry(requests)) return own;
    if (auto batch = next_batch(requests)) return batch;
    if (has_duty() || has_window_to_fill()) return entry::no_op();
    return std::nullopt;
}

std::optional<entry> turn::next_batch(std::vector<token>& requests) {
    proposer_state& p = *s_.proposer;
    std::vector<shared_bytes> batch;
    std::size_t size = 2;
    while (!p.commands.empty()) {
        waiting_command& front = p.commands.front();
        if (!batch.empty() && size + 4 + front.command.size() > limits::batch_bytes_max) break;
        p.command_bytes -= front.command.size();
        if (front.until <= now()) {
            end(front.request, errc::timed_out);
        } else {
            size += 4 + front.command.size();
            requests.push_back(front.request);
            batch.push_back(std::move(front.command));
        }
        p.commands.pop_front();
    }
    if (batch.empty()) return std::nullopt;
    return entry::batch(batch);
}

// Whoever asks for a vote says what is chosen, and which change of members is the newest that it knows (R2).
prepare turn::to_promise() const {
    return {s_.proposer->in, s_.learner.prefix + 1, s_.members.base()};
}

accept turn::to_accept(slot at, entry const& value) const {
    return {s_.proposer->in, at, s_.learner.prefix, value, s_.members.base()};
}

confirm turn::to_confirm() const {
    read_round const& asking = *s_.proposer->asking;
    return {s_.proposer->in, asking.round, s_.members.base(), asking.at + 1};
}

// Cell.tla: Accept.
void turn::propose_in_next_slot(entry value, std::vector<token> requests) {
    proposer_state& p = *s_.proposer;
    slot const at = p.next;
    p.open.push_back({at, value, value.value_digest(), std::move(requests), {}, now(), false});
    auto const is_used_once = [&] { return p.open.size() < 2 || p.open[p.open.size() - 2].at != at; };
    if (!(mutated(mutant::reuse_slot) && at.value % 7 == 1 && is_used_once())) ++p.next;
    for (member const& to : config(at).members())
        send(to, to_accept(at, value));
    for (member const& to : p.learners) {
        if (!config(at).contains(to.replica)) send(to, to_accept(at, value));
    }
    if (mutated(mutant::own_vote_at_once)) {
        if (auto const self = config(at).index_of(s_.identity.self.replica))
            p.open.back().votes.insert(*self);
    }
    p.announced = s_.learner.prefix; // rides along
    if (p.again.at == never) arm(p.again, s_.options.retransmit);
    p.laggards.at = never;
}

// Cell.tla: Count.
void turn::on(member const& from, accepted const& m) {
    if (!s_.proposer || m.in != s_.proposer->in) return;
    note_progress(from.replica, m.prefix, m.prefix);
    auto& open = s_.proposer->open;
    auto const found =
        std::find_if(open.begin(), open.end(), [&](open_slot const& o) { return o.at == m.at; });
    if (found == open.end()) return;
    if (!mutated(mutant::reuse_slot)) {
        ZOOID_CHECK(found->value_digest == m.value_digest, "Q2: a slot has one value in a ballot");
    }
    configuration const& voters = config(m.at);
    auto const index =
        mutated(mutant::vote_counted_by_server) ? voters.index_of(from.server) : voters.index_of(from);
    if (!index) return;
    found->votes.insert(*index);
    if (mutated(mutant::count_acceptances_not_members)) found->votes.insert(found->votes.size());
    bool const enough = voters.is_quorum(found->votes) || (mutated(mutant::count_one_vote_too_few) &&
                                                           found->votes.size() + 1 == voters.majority());
    if (!enough) return;
    mark_chosen(found->at, entry(found->value), digest(found->value_digest)); // Q3
    advance_prefix();
}

// What is chosen rides on the next accept. A message of its own after each choice would double what every
// other member receives, and a busy cell needs none: only when no accept follows for a quiet interval are the
// members told, and asked to confirm it.
void turn::announce_prefix() {
    if (!leads()) return;
    proposer_state& p = *s_.proposer;
    if (!p.open.empty() || p.announced >= s_.learner.prefix) return;
    p.announced = s_.learner.prefix;
    if (s_.members.held().size() > 1) return arm(p.laggards, duration::zero()), ask_laggards();
    arm(p.laggards, s_.options.quiet);
}

void turn::proposer_timers() {
    if (!s_.proposer) return;
    proposer_state& p = *s_.proposer;
    if (p.gives_up_at <= now()) return give_up_attempt();
    if (p.again.at <= now()) repeat_requests();
    if (p.laggards.at <= now()) ask_laggards();
}

void turn::repeat_requests() {
    proposer_state& p = *s_.proposer;
    bool const outstanding =
        !p.open.empty() || p.asking.has_value() || !p.leading || has_duty() || phase_one_is_open();
    for (member const& to : everyone()) {
        auto const covers = [&](promise_report const& report) { // P4
            return report.from == to && report.prefix < p.next;
        };
        bool const promised = std::any_of(p.promises.begin(), p.promises.end(), covers);
        if (!promised && outstanding) send(to, to_promise());
    }
    for (open_slot const& open : p.open) {
        if (open.chosen || now() - open.sent < s_.options.retransmit) continue;
        configuration const& voters = config(open.at);
        for (std::size_t i = 0; i < voters.size(); ++i) {
            if (!open.votes.contains(i)) send(voters[i], to_accept(open.at, open.value));
        }
    }
    if (p.asking) {
        configuration const& voters = p.asking->voters;
        for (std::size_t i = 0; i < voters.size(); ++i) {
            if (!p.asking->confirmed.contains(i)) send(voters[i], to_confirm());
        }
    }
    outstanding ? arm_again(p.again) : void(p.again = {});
}

// No accept followed the last choice: the members that do not know it would lag until the next write. Those
// that answer are done, and what they answer is what a release waits for (then this replica, too, reports to
// itself); those that are suspected, or that do not answer though they are up (their replica stopped, or is
// lost), are asked again when their server returns. So an idle cell falls silent. While a release is owed who
// is up is asked on: nobody else would tell that it caught up at last.
void turn::ask_laggards() {
    proposer_state& p = *s_.proposer;
    bool const patient = p.laggards.wait < s_.options.retransmit_max;
    bool const changing = s_.members.held().size() > 1;
    bool waiting = false;
    std::vector<member> asked = everyone_held();
    asked.insert(asked.end(), p.released.begin(), p.released.end());
    for (member const& to : asked) {
        if (to.replica == s_.identity.self.replica && !changing) continue;
        member_progress const progress = progress_of(to.replica);
        if ((changing ? progress.durable : progress.known) >= s_.learner.prefix) continue;
        bool const owed = changing && s_.members.newest().contains(to.replica); // C3
        if ((!patient && !owed) || around_.servers.suspected(to.server)) {
            out_.watch.push_back(to.server);
            continue;
        }
        send(to, commit{p.in, s_.learner.prefix, changing ? report::durable : report::known});
        waiting = true;
    }
    if (!waiting) {
        p.laggards = {};
        p.released.clear();
        return;
    }
    p.laggards.wait = std::max(p.laggards.wait, s_.options.quiet);
    arm_again(p.laggards);
}

} // namespace zooid
