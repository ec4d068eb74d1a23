// Rare points of the code, marked where they are reached.
//
// A simulation that never reaches a rare point tests nothing there. Pure code marks the point in a set that
// its caller owns; the simulator adds the sets up over all its seeds and fails when a mark stays unreached.
#pragma once

#include <bitset>
#include <cstddef>
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
    count_
};

inline constexpr std::size_t sometimes_count = static_cast<std::size_t>(sometimes::count_);

/// A set of reached points.
using sometimes_set = std::bitset<sometimes_count>;

inline void mark(sometimes_set& set, sometimes point) {
    set.set(static_cast<std::size_t>(point));
}

/// The enumerator's name.
std::string_view name_of(sometimes point);

} // namespace zooid
