// Who may speak: colony keys, and what is derived from them for servers and clients.
//
// A server holds the colony's secrets, one or two of them while keys are rotated. Everything else is derived,
// so that an identity is bound to a key and not only claimed:
//   server key   = MAC(colony secret, "zooid server key", colony, server)
//   link key     = MAC(server key of the initiator, "zooid link key", acceptor)    between two servers
//   client key   = MAC(colony secret, "zooid client key", colony, principal)       the link key of a client
//   admin key    = MAC(colony secret, "zooid admin key", colony, principal)        the link key of an admin
// A client holds client keys only: it can neither pretend to be a server, nor an admin, nor another client.
// An admin is a client that may also change what servers host; it cannot pretend to be a server either.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/base/ids.hpp>
#include <zooid/transport/mac.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace zooid {

/// What a party may do, as its keys prove; request.hpp says which requests need an admin. Numbers are the
/// wire's.
enum class party_role : std::uint8_t { server = 1, client = 2, admin = 3 };
/// "client".
std::string_view name_of(party_role role);

/// Whom a client's or admin's key was issued to; assigned by the operator.
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
    party_role role = party_role::server; ///< server: a ring of colony secrets; else issued to a principal
    principal_id principal;               ///< zero for a server's ring, and for no other
    std::vector<numbered_key> keys;       ///< one or two, with different numbers

    bool for_server() const { return role == party_role::server; }
    numbered_key const* find(std::uint32_t id) const; ///< null: none has that number
};

/// `invalid_argument` unless the ring names a colony, a principal if and only if it is not a server's, and
/// one or two keys with different numbers.
result<void> check(key_ring const& ring);

/// The keys that are issued to a client, or an admin, for each live colony key. Require a server's ring.
key_ring issue_client_keys(mac_suite const& suite, key_ring const& colony, principal_id principal);
key_ring issue_admin_keys(mac_suite const& suite, key_ring const& colony, principal_id principal);

/// The key that a server and a client, or two servers, share. `initiator` dialled. Requires a server's ring.
secret server_link_key(mac_suite const& suite, colony_id colony, secret const& colony_secret,
                       server_id initiator, server_id acceptor);
/// The same for a client or an admin, which always dials.
secret issued_link_key(mac_suite const& suite, colony_id colony, secret const& colony_secret, party_role role,
                       principal_id principal);

} // namespace zooid
