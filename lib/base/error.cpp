#include <zooid/base/error.hpp>

namespace zooid {

std::string_view name_of(errc code) {
    switch (code) {
    case errc::invalid_argument: return "invalid_argument";
    case errc::too_large: return "too_large";
    case errc::malformed: return "malformed";
    case errc::unsupported_version: return "unsupported_version";
    case errc::authentication_failed: return "authentication_failed";
    case errc::overloaded: return "overloaded";
    case errc::timed_out: return "timed_out";
    case errc::outcome_unknown: return "outcome_unknown";
    case errc::cancelled: return "cancelled";
    case errc::expired: return "expired";
    case errc::not_here: return "not_here";
    case errc::not_proposer: return "not_proposer";
    case errc::not_found: return "not_found";
    case errc::already_exists: return "already_exists";
    case errc::conflict: return "conflict";
    case errc::unreachable: return "unreachable";
    case errc::quarantined: return "quarantined";
    case errc::wrong_owner: return "wrong_owner";
    case errc::in_use: return "in_use";
    case errc::damaged: return "damaged";
    case errc::no_space: return "no_space";
    case errc::io_failed: return "io_failed";
    case errc::permission_denied: return "permission_denied";
    case errc::stopping: return "stopping";
    }
    return "unknown";
}

std::string error::message() const {
    std::string text(name_of(code_));
    if (!detail_.empty()) text.append(": ").append(detail_.view());
    return text;
}

} // namespace zooid
