#include <zooid/transport/wire.hpp>

namespace zooid {

std::string_view name_of(close_reason reason) {
    switch (reason) {
    case close_reason::none: return "none";
    case close_reason::malformed: return "malformed";
    case close_reason::wire_version: return "wire_version";
    case close_reason::colony: return "colony";
    case close_reason::unknown_key: return "unknown_key";
    case close_reason::wrong_key: return "wrong_key";
    case close_reason::wrong_server: return "wrong_server";
    case close_reason::self: return "self";
    case close_reason::role: return "role";
    case close_reason::duplicate: return "duplicate";
    case close_reason::full: return "full";
    case close_reason::bad_mac: return "bad_mac";
    case close_reason::oversized: return "oversized";
    case close_reason::stopping: return "stopping";
    case close_reason::timed_out: return "timed_out";
    case close_reason::lost: return "lost";
    case close_reason::refused: return "refused";
    case close_reason::unknown: return "unknown";
    }
    return "unknown";
}

errc code_of(close_reason reason) {
    switch (reason) {
    case close_reason::malformed:
    case close_reason::oversized: return errc::malformed;
    case close_reason::wire_version: return errc::unsupported_version;
    case close_reason::colony:
    case close_reason::wrong_server: return errc::wrong_owner;
    case close_reason::unknown_key:
    case close_reason::wrong_key:
    case close_reason::bad_mac: return errc::authentication_failed;
    case close_reason::self: return errc::invalid_argument;
    case close_reason::role: return errc::permission_denied;
    case close_reason::duplicate: return errc::already_exists;
    case close_reason::full: return errc::overloaded;
    case close_reason::stopping: return errc::stopping;
    case close_reason::refused: return errc::conflict;
    case close_reason::none:
    case close_reason::timed_out:
    case close_reason::lost:
    case close_reason::unknown: return errc::unreachable;
    }
    return errc::unreachable;
}

session_statistics& session_statistics::operator+=(session_statistics const& other) {
    frames_sent += other.frames_sent;
    frames_received += other.frames_received;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    refused_unknown += other.refused_unknown;
    refused_forbidden += other.refused_forbidden;
    refused_by_peer += other.refused_by_peer;
    dropped_replayed += other.dropped_replayed;
    missing += other.missing;
    dropped_bad_mac += other.dropped_bad_mac;
    dropped_malformed += other.dropped_malformed;
    dropped_full += other.dropped_full;
    return *this;
}

} // namespace zooid
