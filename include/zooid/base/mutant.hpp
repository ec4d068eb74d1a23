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
