// Rare points of the code, marked where they are reached.
//
// A simulation that never reaches a rare point tests nothing there. Pure code marks the point in a set that
// its caller owns; the simulator adds the sets up over all its seeds and fails when a mark stays unreached.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace zooid {

enum class sometimes : unsigned char {
    // cell
    promise_survived_restart,
    promise_refused_lower_ballot,
    accepted_value_adopted_in_phase_one,
    no_op_filled_hole,
    duelling_proposers,
    proposer_preempted_with_pipeline_full,
    vouched_candidate_stood_back,
    taught_by_log_slice,
    taught_by_snapshot,
    snapshot_kept_acceptances_above,
    phase_one_found_trimmed_log,
    read_waited_for_phase_one,
    read_confirmation_refused,
    pipeline_full_rejected,
    acceptance_before_previous_chosen,
    unreadable_value_reported,
    replica_quarantined,
    learned_without_votes,
    lost_value_written_again,
    replica_outvoted,
    replica_healed,
    members_changed,
    members_released,
    version_raised,
    replica_retired,
    leadership_handed_over,
    read_answered_under_lease,
    promise_held_for_lease,
    lease_let_go,
    // kv
    session_expired,
    session_table_full,
    retry_answered_from_session,
    // journal
    segment_reclaimed,
    torn_tail_cut,
    damage_reported,
    flush_error_latched,
    // server
    leadership_left_hung_journal,
    rolled_back_journal_refused,
    restart_waited_for_majority,
    proposal_rejected_overloaded,
    cells_told_by_and_by,
    lesson_refused,
    count_
};

inline constexpr std::size_t sometimes_count = static_cast<std::size_t>(sometimes::count_);

/// A set of reached points.
class sometimes_set {
  public:
    constexpr void set(std::size_t index) { words_[index / 64] |= std::uint64_t{1} << index % 64; }
    constexpr bool test(std::size_t index) const { return (words_[index / 64] >> index % 64 & 1u) != 0; }
    constexpr void reset() { words_ = {}; }
    constexpr std::size_t size() const { return sometimes_count; }
    constexpr bool none() const { return *this == sometimes_set(); }
    constexpr sometimes_set& operator|=(sometimes_set const& other) {
        for (std::size_t i = 0; i < words_.size(); ++i)
            words_[i] |= other.words_[i];
        return *this;
    }
    friend constexpr sometimes_set operator|(sometimes_set a, sometimes_set const& b) { return a |= b; }
    friend constexpr bool operator==(sometimes_set const&, sometimes_set const&) = default;

  private:
    std::array<std::uint64_t, (sometimes_count + 63) / 64> words_{};
};

inline void mark(sometimes_set& set, sometimes point) {
    set.set(static_cast<std::size_t>(point));
}

/// The enumerator's name.
std::string_view name_of(sometimes point);

} // namespace zooid
