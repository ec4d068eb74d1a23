#include "client/verdict.hpp"

namespace zooid {

// A code that is missing here, because a newer server has it, reads as outcome_unknown already when it is
// decoded. Whatever a server may also say after it proposed is `unknown`: the safe side.
verdict verdict_of(errc failure) {
    switch (failure) {
    case errc::not_proposer:
    case errc::unreachable:
    case errc::stopping:
    case errc::timed_out:
    case errc::cancelled: return verdict::elsewhere;
    case errc::not_here:
    case errc::not_found: return verdict::absent;
    case errc::overloaded: return verdict::busy;
    case errc::expired: return verdict::stale;
    case errc::invalid_argument:
    case errc::too_large:
    case errc::malformed:
    case errc::unsupported_version:
    case errc::authentication_failed:
    case errc::permission_denied:
    case errc::already_exists:
    case errc::conflict:
    case errc::wrong_owner: return verdict::refused;
    case errc::outcome_unknown:
    case errc::quarantined:
    case errc::in_use:
    case errc::damaged:
    case errc::no_space:
    case errc::io_failed: return verdict::unknown;
    }
    return verdict::unknown;
}

} // namespace zooid
