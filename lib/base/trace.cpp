#include <zooid/base/trace.hpp>

namespace zooid {

std::string_view name_of(sometimes point) {
    switch (point) {
    case sometimes::promise_survived_restart: return "promise_survived_restart";
    case sometimes::promise_refused_lower_ballot: return "promise_refused_lower_ballot";
    case sometimes::accepted_value_adopted_in_phase_one: return "accepted_value_adopted_in_phase_one";
    case sometimes::no_op_filled_hole: return "no_op_filled_hole";
    case sometimes::duelling_proposers: return "duelling_proposers";
    case sometimes::proposer_preempted_with_pipeline_full: return "proposer_preempted_with_pipeline_full";
    case sometimes::vouched_candidate_stood_back: return "vouched_candidate_stood_back";
    case sometimes::taught_by_log_slice: return "taught_by_log_slice";
    case sometimes::taught_by_snapshot: return "taught_by_snapshot";
    case sometimes::snapshot_kept_acceptances_above: return "snapshot_kept_acceptances_above";
    case sometimes::phase_one_found_trimmed_log: return "phase_one_found_trimmed_log";
    case sometimes::read_waited_for_phase_one: return "read_waited_for_phase_one";
    case sometimes::read_confirmation_refused: return "read_confirmation_refused";
    case sometimes::pipeline_full_rejected: return "pipeline_full_rejected";
    case sometimes::acceptance_before_previous_chosen: return "acceptance_before_previous_chosen";
    case sometimes::unreadable_value_reported: return "unreadable_value_reported";
    case sometimes::learned_without_votes: return "learned_without_votes";
    case sometimes::lost_value_written_again: return "lost_value_written_again";
    case sometimes::replica_outvoted: return "replica_outvoted";
    case sometimes::replica_healed: return "replica_healed";
    case sometimes::replica_quarantined: return "replica_quarantined";
    case sometimes::members_changed: return "members_changed";
    case sometimes::members_released: return "members_released";
    case sometimes::version_raised: return "version_raised";
    case sometimes::replica_retired: return "replica_retired";
    case sometimes::leadership_handed_over: return "leadership_handed_over";
    case sometimes::read_answered_under_lease: return "read_answered_under_lease";
    case sometimes::promise_held_for_lease: return "promise_held_for_lease";
    case sometimes::lease_let_go: return "lease_let_go";
    case sometimes::session_expired: return "session_expired";
    case sometimes::session_table_full: return "session_table_full";
    case sometimes::retry_answered_from_session: return "retry_answered_from_session";
    case sometimes::segment_reclaimed: return "segment_reclaimed";
    case sometimes::torn_tail_cut: return "torn_tail_cut";
    case sometimes::damage_reported: return "damage_reported";
    case sometimes::flush_error_latched: return "flush_error_latched";
    case sometimes::leadership_left_hung_journal: return "leadership_left_hung_journal";
    case sometimes::rolled_back_journal_refused: return "rolled_back_journal_refused";
    case sometimes::restart_waited_for_majority: return "restart_waited_for_majority";
    case sometimes::proposal_rejected_overloaded: return "proposal_rejected_overloaded";
    case sometimes::cells_told_by_and_by: return "cells_told_by_and_by";
    case sometimes::lesson_refused: return "lesson_refused";
    case sometimes::count_: break;
    }
    return "unknown";
}

} // namespace zooid
