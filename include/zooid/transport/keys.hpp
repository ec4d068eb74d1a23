// Who may speak: colony keys, and what is derived from them for servers and clients.
//
// A server holds the colony's secrets, one or two of them while keys are rotated. Everything else is derived,
// so that an identity is bound to a key and not only claimed:
//   server key   = MAC(colony secret, "zooid server key", colony, server)
//   link key     = MAC(server key of the initiator, "zooid link key", acceptor)    between two servers
//   client key   = MAC(colony secret, "zooid client key", colony, principal)       the link key of a client
// A client holds client keys only: it can neither pretend to be a server nor another client.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/base/ids.hpp>
#include <zooid/transport/mac.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace zooid {

/// Whom a client key was issued to; assigned by the operator.
using principal_id = tagged<struct principal_tag>;

/// One secret under the number by which a hello names it.
struct numbered_key {
    std::uint32_t id = 0;
    secret value{};
};

inline constexpr std::size_t live_keys_max = 2;

/// The keys of one process, the preferred one first. A value.
///
/// Rotation: give every server [old, new], then [new, old], then [new]; at no time do two neighbours fail to
/// share a key.
struct key_ring {
    colony_id colony;
    principal_id principal;         ///< zero: a server's ring of colony secrets; else a client's own keys
    std::vector<numbered_key> keys; ///< one or two, with different numbers

    bool for_server() const { return !principal; }
    numbered_key const* find(std::uint32_t id) const;
};

/// `invalid_argument` unless the ring names a colony and one or two keys with different numbers.
result<void> check(key_ring const& ring);

/// The key that is issued to a client for each live colony key. Requires a server's ring.
key_ring issue_client_keys(mac_suite const& suite, key_ring const& colony, principal_id principal);

/// The key that a server and a client, or two servers, share. `initiator` dialled. Requires a server's ring.
secret server_link_key(mac_suite const& suite, colony_id colony, secret const& colony_secret,
                       server_id initiator, server_id acceptor);
secret client_link_key(mac_suite const& suite, colony_id colony, secret const& colony_secret,
                       principal_id principal);

} // namespace zooid
