// Ballots: who may propose, in which order of precedence.
#pragma once

#include <zooid/base/ids.hpp>

namespace zooid {

/// (round, server, life), ordered lexicographically. The zero ballot precedes every other.
///
/// The life makes a ballot die with its process: a proposer that was killed with a phase 2 request in flight
/// cannot come back and use the same ballot for another value (PROTOCOL.md, P1).
struct ballot {
    round_number round;
    server_id server;
    life_id life;

    friend constexpr auto operator<=>(ballot const&, ballot const&) = default;
    constexpr explicit operator bool() const { return static_cast<bool>(round); }
};

std::string to_string(ballot const& b); ///< "7.2.be16": round, server, first digits of the life

} // namespace zooid
