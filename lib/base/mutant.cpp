#include <zooid/base/mutant.hpp>

namespace zooid {

std::string_view name_of(mutant m) {
    switch (m) {
    case mutant::none: return "none";
    case mutant::acknowledge_before_durable: return "acknowledge_before_durable";
    case mutant::forget_promise_on_restart: return "forget_promise_on_restart";
    case mutant::skip_phase_one: return "skip_phase_one";
    case mutant::reuse_slot: return "reuse_slot";
    case mutant::accept_without_raising_promise: return "accept_without_raising_promise";
    case mutant::read_without_quorum: return "read_without_quorum";
    case mutant::apply_retry_twice: return "apply_retry_twice";
    case mutant::skip_extension: return "skip_extension";
    case mutant::unconditional_change: return "unconditional_change";
    case mutant::report_prefix_not_durable: return "report_prefix_not_durable";
    case mutant::release_too_early: return "release_too_early";
    case mutant::retire_when_removed: return "retire_when_removed";
    case mutant::accept_below_promise: return "accept_below_promise";
    case mutant::count_acceptances_not_members: return "count_acceptances_not_members";
    case mutant::count_one_vote_too_few: return "count_one_vote_too_few";
    case mutant::adopt_lowest_ballot: return "adopt_lowest_ballot";
    case mutant::ignore_reported_prefix: return "ignore_reported_prefix";
    case mutant::unreadable_is_empty: return "unreadable_is_empty";
    case mutant::ballot_outlives_life: return "ballot_outlives_life";
    case mutant::vote_before_handshake: return "vote_before_handshake";
    case mutant::forget_acceptances_on_restart: return "forget_acceptances_on_restart";
    case mutant::commit_any_ballot: return "commit_any_ballot";
    case mutant::go_on_after_another_choice: return "go_on_after_another_choice";
    case mutant::teach_accepted: return "teach_accepted";
    case mutant::deliver_over_a_hole: return "deliver_over_a_hole";
    case mutant::choose_unrecorded: return "choose_unrecorded";
    case mutant::run_ahead_of_alpha: return "run_ahead_of_alpha";
    case mutant::own_vote_at_once: return "own_vote_at_once";
    case mutant::read_below_found: return "read_below_found";
    case mutant::confirm_any_round: return "confirm_any_round";
    case mutant::install_before_durable: return "install_before_durable";
    case mutant::snapshot_forgets_promise: return "snapshot_forgets_promise";
    case mutant::snapshot_forgets_acceptances: return "snapshot_forgets_acceptances";
    case mutant::skip_unknown_entry: return "skip_unknown_entry";
    case mutant::lease_counts_from_receipt: return "lease_counts_from_receipt";
    case mutant::lease_ignores_epochs: return "lease_ignores_epochs";
    case mutant::lease_ignores_members: return "lease_ignores_members";
    case mutant::lease_forgotten_on_start: return "lease_forgotten_on_start";
    case mutant::lease_yields_to_complaint: return "lease_yields_to_complaint";
    case mutant::holder_counts_from_reply: return "holder_counts_from_reply";
    case mutant::breaker_counts_from_asking: return "breaker_counts_from_asking";
    case mutant::breaker_ignores_clock_ratio: return "breaker_ignores_clock_ratio";
    case mutant::obey_first_digest: return "obey_first_digest";
    case mutant::healing_forgets_promise: return "healing_forgets_promise";
    case mutant::healing_forgets_acceptances: return "healing_forgets_acceptances";
    case mutant::raise_unasked: return "raise_unasked";
    case mutant::unconditional_raise: return "unconditional_raise";
    case mutant::ballot_drawn_twice: return "ballot_drawn_twice";
    case mutant::lease_asks_members_only: return "lease_asks_members_only";
    case mutant::sealed_still_promises: return "sealed_still_promises";
    case mutant::seal_forgotten_on_restart: return "seal_forgotten_on_restart";
    case mutant::seal_forgets_choices: return "seal_forgets_choices";
    case mutant::recovery_drops_accepted: return "recovery_drops_accepted";
    case mutant::newcomer_misses_its_release: return "newcomer_misses_its_release";
    case mutant::image_votes_as_it_was: return "image_votes_as_it_was";
    case mutant::answer_of_any_journal: return "answer_of_any_journal";
    case mutant::lease_outlives_change: return "lease_outlives_change";
    case mutant::vote_counted_by_server: return "vote_counted_by_server";
    case mutant::change_governs_at_once: return "change_governs_at_once";
    case mutant::released_depose_others: return "released_depose_others";
    case mutant::count_: break;
    }
    return "unknown";
}

} // namespace zooid
