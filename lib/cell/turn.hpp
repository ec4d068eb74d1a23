// One step of one replica: the handlers of every sub-protocol, each in the file named above it.
//
// A turn binds the replica's state to the surroundings and effects of a single step. It lives for that step
// only; nothing of the protocol is kept in it.
#pragma once

#include "cell/state.hpp"

namespace zooid {

class turn {
  public:
    turn(replica_state& state, surroundings const& around, effects& out)
        : s_(state), around_(around), out_(out) {}

    // replica.cpp: dispatch
    void run(event const& what);
    void refuse_callers(event const& what, errc why);

    // stopped.cpp: what a replica still does that is quarantined
    void run_stopped(event const& what);
    void quarantine(std::string cause, bool durably, distrust of = distrust::state);
    void on(votes_lost const& e);

    // seal.cpp: the cell was recovered elsewhere
    void on(seal const& e);
    void on(member const& from, sealed const& m);
    void seal_stopped(seal const& e);
    void be_sealed(std::optional<snapshot> kept);
    void run_sealed(event const& what);
    void tell_sealed(member const& to);
    void write_again(slot at);
    bool is_ready_to_be_sealed() const;

    // acceptor.cpp: promises and acceptances
    void on(member const& from, prepare const& m);
    void on(member const& from, accept const& m);
    void on(member const& from, confirm const& m);
    void on(member const& from, keeps_waiting const& m);
    void let_go(ballot const& in);

    // phase_one.cpp: become the proposer
    void start_phase_one();
    void on(member const& from, promise const& m);
    void on(member const& from, rejected_ballot const& m);
    void step_down(ballot const& preempted_by);

    // proposer.cpp: phase 2 and the pipeline
    void on(propose const& e);
    void propose_what_can_be();
    void on(member const& from, accepted const& m);
    void proposer_timers();
    void announce_prefix();

    // reads.cpp: strict reads, and leased ones
    void on(read const& e);
    void confirm_reads();
    void confirm_anew();
    void on(member const& from, confirmed const& m);
    void answer_reads();
    void note_standing(replica_id replica, time_point asked_at);

    // election.cpp: who should lead
    void consider_candidacy(duration wait);
    void election_timers();
    void on(member const& from, canvass const& m);
    void on(member const& from, canvassed const& m);
    void on(member const& from, probe const& m);
    void on(member const& from, probed const& m);
    void on(liveness_changed const& e);
    void on(complaint const& e);
    void on(resign const& e);
    void follow(ballot const& proposer);
    void give_back_waiting(errc why);
    void leadership_won();

    // reconfigure.cpp: changes of members
    void on(change_members const& e);
    void on(member const& from, resigned const& m);
    void follow_members(slot at, entry const& value, std::vector<token> const& requests);
    void extend_phase_one();
    void reconfiguration_timers();
    void hand_over(replica_id successor);
    void retire_if_released();
    void succeed_if_released();
    bool is_leaving() const;
    void finish_change();

    // versions.cpp: what this software understands, and the rise of the cell's version
    void on(raise_version const& e);

    // learner.cpp: what is chosen
    void on(member const& from, commit const& m);
    void on(member const& from, learned const& m);
    void note_progress(replica_id from, slot known, slot durable);
    void mark_chosen(slot at, entry const& value, digest const& value_digest);
    void advance_prefix();
    void on(applied const& e);
    void on(apply_failed const& e);
    void start_recovered();
    void restart_repeats();
    void deliver(slot at, log_slot const& held);

    // audit.cpp: digests are compared, not obeyed; who differs is taught again
    void owe_digest();
    void report_digest();
    void on(member const& from, digested const& m);
    void on(member const& from, outvoted const& m);
    void heal(event const& what);
    void ask_a_stranger(member const& from, message const& content);

    // teach.cpp: catching up outside the protocol
    void want(slot prefix, member const& source);
    void ask_soon(member const& source);
    std::optional<member> take_source();
    std::optional<member> another_of(configuration const& members);
    void fetch_now();
    bool ask_one_of_the_newest();
    void ask_everybody();
    void on(member const& from, fetch const& m);
    void on(member const& from, slice const& m);
    void on(member const& from, teach_snapshot const& m);
    void on(member const& from, moved const& m);
    void on(snapshot_taken const& e);
    void on(persisted const& e);
    void on(value_lost const& e);
    void checkpoint_if_due();
    void take_snapshot(member const& from, teach_snapshot const& m);
    void install_snapshot(pending_checkpoint done);
    bool state_is_shorter_than_log(slot from) const;
    std::size_t bytes_due() const;

    // Used by all.
    configuration const& config(slot at) const { return s_.members.at(at); }
    configuration const& present_config() const { return s_.members.at(s_.learner.prefix + 1); }
    bool leads() const { return s_.proposer && s_.proposer->leading; }
    void send(member const& to, message content) { out_.now.push_back({to, std::move(content)}); }
    void send_durably(member const& to, message content) {
        out_.after_durable.push_back({to, std::move(content)});
    }
    void end(token request, errc why) { out_.ended_requests.push_back({request, why}); }
    void reached(sometimes point) { mark(out_.marks, point); }
    time_point now() const { return around_.now; }
    duration jitter(duration width);
    void arm(repeat& r, duration wait) { r = {now() + wait, wait}; }
    void arm_again(repeat& r);

  private:
    void persist(durable_record record) { out_.persist.emplace_back(std::move(record)); }

    // replica.cpp
    void route(received const& e);
    bool is_learner(replica_id replica) const;
    member const* find_learner(replica_id replica) const;
    // stopped.cpp
    duration news_after() const;
    void record_quarantine(distrust of);
    bool learns() const;
    bool lost_votes() const;
    void learn_only(event const& what);
    void learn_from(received const& e);
    // acceptor.cpp
    void raise_promise(ballot const& to);
    bool allowed_to_vote(slot base);
    bool allowed_to_confirm(slot at);
    bool have_answered_from(slot first);
    bool learns_to_vote(member const& from, commit const& known, slot base);
    bool was_released(member const& from, slot known) const;
    bool is_held_from(member const& candidate, ballot const& asked);
    void record_slot(slot at, log_slot& held);
    void tell_of(slot at, member const& to);
    bool has_room_for(slot wanted, entry const& value) const;
    // phase_one.cpp
    bool quorum_answered() const;
    bool quorum_promised(slot at) const;
    std::vector<member> everyone() const;
    std::vector<member> everyone_held() const;
    bool phase_one_is_open() const;
    // proposer.cpp
    bool has_duty() const;
    std::size_t open_bytes() const;
    std::size_t next_bytes_max() const;
    void propose_in_next_slot(entry value, std::vector<token> requests);
    std::optional<entry> value_for_next_slot(std::vector<token>& requests);
    std::optional<entry> next_batch(std::vector<token>& requests);
    void repeat_requests();
    prepare to_promise() const;
    accept to_accept(slot at, entry const& value) const;
    confirm to_confirm() const; ///< of the round under way
    void ask_laggards();
    // reads.cpp
    slot last_possible() const;
    bool answer_under_lease(token request);
    bool lease_covers(slot at) const;
    bool holds_for_us(member const& voter) const;
    // election.cpp
    bool somebody_leads() const;
    void begin_canvass();
    void give_up_attempt();
    void back_off();
    duration patience() const;
    std::int64_t rank() const;
    // reconfigure.cpp
    bool names_a_removed_one(configuration const& wanted) const;
    void name_learners();
    bool newcomers_caught_up() const;
    bool is_released() const;
    slot release_due() const;
    bool has_window_to_fill() const;
    std::optional<entry> membership_entry(std::vector<token>& requests);
    // versions.cpp
    std::optional<entry> rise_to_propose(std::vector<token>& requests);
    bool every_member_understands(std::uint16_t to) const;
    // learner.cpp
    member_progress progress_of(replica_id replica) const;
    // audit.cpp
    void note_digest(replica_id from, slot at, digest const& state_digest);
    void judge_digests(slot at);
    void outvote(slot at, digest const& right);
    bool is_outvoted(replica_id replica) const;
    void ask_for_a_state();
    void be_healed();

    replica_state& s_;
    surroundings const& around_;
    effects& out_;
};

/// reconfigure.cpp: what an entry that is known to be chosen does to the members of a cell, and to what the
/// cell demands of them.
enum class membership_effect : std::uint8_t { none, changed, released, raised };
membership_effect follow_entry(membership& members, slot at, entry const& value, cell_demands& demands);

/// versions.cpp: V1. Empty, or why software of this version must stop at an entry, the members being as of
/// before it.
std::string above_version(slot at, entry const& value, membership const& before,
                          std::uint16_t version_highest);
std::string above_version(snapshot const& state, std::uint16_t version_highest);

/// phase_one.cpp: the value that phase 1 obliges its proposer to propose in a slot.
struct obligation {
    enum class kind : std::uint8_t {
        none,    ///< nothing that could have been chosen: free to propose anything
        value,   ///< propose this
        unknown, ///< something may have been chosen that nobody who answered can read: wait for more answers
    };
    kind what = kind::none;
    entry value;
};
obligation obliged(slot at, std::vector<promise_report> const& promises, configuration const& voters);

} // namespace zooid
