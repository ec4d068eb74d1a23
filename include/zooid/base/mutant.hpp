// Deliberate bugs, to prove that the tests would find real ones.
//
// Each named point is a wrong turn that the code takes when its mutant is active. In every normal build the
// question is a constant false and the wrong turn is not compiled; with ZOOID_MUTANTS defined, which only the
// tests' own build does, one mutant at a time can be chosen at run time.
#pragma once

#include <cstdint>
#include <string_view>

namespace zooid {

enum class mutant : std::uint8_t {
    none,
    acknowledge_before_durable,
    forget_promise_on_restart,
    skip_phase_one,
    reuse_slot,
    accept_without_raising_promise,
    read_without_quorum,
    apply_retry_twice,
    skip_extension,
    unconditional_change,
    report_prefix_not_durable,
    release_too_early,
    retire_when_removed,
    accept_below_promise,
    count_acceptances_not_members,
    count_one_vote_too_few,
    adopt_lowest_ballot,
    ignore_reported_prefix,
    unreadable_is_empty,
    ballot_outlives_life,
    vote_before_handshake,
    forget_acceptances_on_restart,
    commit_any_ballot,
    go_on_after_another_choice,
    teach_accepted,
    deliver_over_a_hole,
    choose_unrecorded,
    run_ahead_of_alpha,
    own_vote_at_once,
    read_below_found,
    confirm_any_round,
    install_before_durable,
    snapshot_forgets_promise,
    snapshot_forgets_acceptances,
    skip_unknown_entry,
    lease_counts_from_receipt,
    lease_ignores_epochs,
    lease_ignores_members,
    lease_forgotten_on_start,
    lease_yields_to_complaint,
    holder_counts_from_reply,
    breaker_counts_from_asking,
    breaker_ignores_clock_ratio,
    obey_first_digest,
    healing_forgets_promise,
    healing_forgets_acceptances,
    raise_unasked,
    unconditional_raise,
    ballot_drawn_twice,
    lease_asks_members_only,
    sealed_still_promises,
    seal_forgotten_on_restart,
    seal_forgets_choices,
    recovery_drops_accepted,
    newcomer_misses_its_release,
    image_votes_as_it_was,
    answer_of_any_journal,
    lease_outlives_change,
    vote_counted_by_server,
    change_governs_at_once,
    released_depose_others,
    count_
};

/// The enumerator's name, as `--mutant` takes it.
std::string_view name_of(mutant m);

#ifdef ZOOID_MUTANTS
/// The active mutant of this process; set it before any pure code runs.
inline mutant active_mutant = mutant::none;
inline bool mutated(mutant m) {
    return active_mutant == m;
}
#else
constexpr bool mutated(mutant) {
    return false;
}
#endif

} // namespace zooid
