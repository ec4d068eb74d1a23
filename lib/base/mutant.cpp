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
    case mutant::count_: break;
    }
    return "unknown";
}

} // namespace zooid
