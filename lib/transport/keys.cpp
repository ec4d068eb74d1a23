#include <zooid/transport/keys.hpp>

#include <zooid/base/check.hpp>
#include <zooid/base/codec.hpp>

namespace zooid {

namespace {

// Each label ends in a zero byte, so that no label with its arguments is the beginning of another.
template <class... Parts>
secret derive(mac_suite const& suite, secret const& from, std::string_view label, Parts const&... parts) {
    bytes text(label);
    writer out(text);
    out.put(std::uint8_t{0});
    (out.put(parts), ...);
    secret derived;
    suite.make_key(from)->compute(text, derived);
    return derived;
}

} // namespace

std::string_view name_of(party_role role) {
    switch (role) {
    case party_role::server: return "server";
    case party_role::client: return "client";
    case party_role::admin: return "admin";
    }
    return "unknown";
}

numbered_key const* key_ring::find(std::uint32_t id) const {
    for (numbered_key const& key : keys) {
        if (key.id == id) return &key;
    }
    return nullptr;
}

result<void> check(key_ring const& ring) {
    if (!ring.colony) return error(errc::invalid_argument, "the keys name no colony");
    if (ring.for_server() == bool(ring.principal))
        return error(errc::invalid_argument, "a client's or an admin's keys name whom they were issued to");
    if (ring.keys.empty()) return error(errc::invalid_argument, "there is no key");
    if (ring.keys.size() > live_keys_max) {
        return error(errc::invalid_argument, "more than " + std::to_string(live_keys_max) + " keys are live");
    }
    if (ring.keys.size() == 2 && ring.keys[0].id == ring.keys[1].id) {
        return error(errc::invalid_argument, "two keys have the number " + std::to_string(ring.keys[0].id));
    }
    return outcome::success();
}

namespace {

key_ring issue(mac_suite const& suite, key_ring const& colony, party_role role, principal_id principal) {
    ZOOID_CHECK(colony.for_server() && principal, "keys are issued from colony secrets, to somebody");
    key_ring issued{colony.colony, role, principal, {}};
    for (numbered_key const& key : colony.keys) {
        issued.keys.push_back({key.id, issued_link_key(suite, colony.colony, key.value, role, principal)});
    }
    return issued;
}

} // namespace

key_ring issue_client_keys(mac_suite const& suite, key_ring const& colony, principal_id principal) {
    return issue(suite, colony, party_role::client, principal);
}

key_ring issue_admin_keys(mac_suite const& suite, key_ring const& colony, principal_id principal) {
    return issue(suite, colony, party_role::admin, principal);
}

secret server_link_key(mac_suite const& suite, colony_id colony, secret const& colony_secret,
                       server_id initiator, server_id acceptor) {
    secret const server_key = derive(suite, colony_secret, "zooid server key", colony, initiator);
    return derive(suite, server_key, "zooid link key", acceptor);
}

secret issued_link_key(mac_suite const& suite, colony_id colony, secret const& colony_secret, party_role role,
                       principal_id principal) {
    ZOOID_CHECK(role != party_role::server, "a server's key is not issued");
    bytes_view const label = role == party_role::admin ? "zooid admin key" : "zooid client key";
    return derive(suite, colony_secret, label, colony, principal);
}

} // namespace zooid
