// How a session begins and ends: hello, welcome, join; refusal, goodbye.
//
//   initiator                                                acceptor
//     hello    who, versions, key numbers, nonce       ->
//              <-     welcome  who, versions, key number, nonce, proof
//     join     claims (sealed: the initiator's proof)  ->
//              <-     join     claims (sealed)
//
// The acceptor proves first, so a dialler learns nothing for nothing; claims travel only to who has proven
// itself. The proof and both directions' keys cover hello and welcome whole: changing any byte of either, a
// lower version for instance, fails the proof. Labels and the order of the names in the link key tell the two
// sides apart: what one side said, reflected to it, proves nothing.
#include <zooid/transport/session.hpp>

#include "transport/control.hpp"
#include <zooid/base/check.hpp>
#include <zooid/base/codec.hpp>

#include <algorithm>

namespace zooid {

namespace {

constexpr std::size_t proof_bytes = 32;

// The fields of hello and welcome. Bytes behind them belong to later versions and are covered by the proof.
struct introduction {
    hello who;
    server_id target;
    std::vector<std::uint32_t> keys;
    bytes_view nonce_bytes;
};

void put_handshake_header(writer& out, frame_kind kind) {
    out.put(std::uint32_t{0}); // patched by finish
    out.put(static_cast<std::uint16_t>(kind));
    out.put(std::uint16_t{0});
    out.put(wire::magic);
}

void finish(bytes& message) {
    bytes length;
    writer(length).put(static_cast<std::uint32_t>(message.size() - wire::length_bytes));
    message.replace(0, wire::length_bytes, length);
}

void put_introduction(writer& out, hello const& self, server_id target, nonce const& own) {
    out.put(self.versions.min);
    out.put(self.versions.max);
    out.put(self.features);
    out.put(static_cast<std::uint8_t>(self.role));
    out.put(static_cast<std::uint8_t>(self.place.shards - 1));
    out.put(static_cast<std::uint8_t>(self.place.shard));
    out.put(static_cast<std::uint8_t>(self.wanted));
    out.put(self.colony);
    out.put(self.role == party_role::server ? self.server.value : self.principal.value);
    out.put(self.life);
    out.put(target);
    out.put_raw(bytes_view(own.data(), own.size()));
}

// The magic and the versions come first and stay there for ever, so that any two versions can refuse each
// other in words.
bool get_versions(reader& in, frame_kind kind, version_range& versions) {
    in.get<std::uint32_t>();
    bool const right_kind = in.get<std::uint16_t>() == static_cast<std::uint16_t>(kind);
    in.get<std::uint16_t>();
    bool const right_magic = in.get<std::uint64_t>() == wire::magic;
    in.get(versions.min);
    in.get(versions.max);
    return right_kind && right_magic && !in.failed() && versions.min <= versions.max;
}

bool get_introduction(reader& in, introduction& out) {
    in.get(out.who.features);
    auto const role = in.get<std::uint8_t>();
    out.who.place.shards = static_cast<std::uint16_t>(in.get<std::uint8_t>() + 1);
    out.who.place.shard = in.get<std::uint8_t>();
    out.who.wanted = in.get<std::uint8_t>();
    in.get(out.who.colony);
    auto const identity = in.get<std::uint64_t>();
    in.get(out.who.life);
    in.get(out.target);
    out.nonce_bytes = in.get_raw(std::tuple_size_v<nonce>);
    std::size_t const count = in.get<std::uint8_t>();
    if (count == 0 || count > live_keys_max) return false;
    for (std::size_t i = 0; i < count; ++i)
        out.keys.push_back(in.get<std::uint32_t>());
    out.who.role = static_cast<party_role>(role);
    (role == 1 ? out.who.server.value : out.who.principal.value) = identity;
    bool const known = role >= 1 && role <= static_cast<std::uint8_t>(party_role::admin);
    bool const placed = out.who.place.shard < out.who.place.shards;
    return !in.failed() && known && placed && identity != 0;
}

std::string words(version_range ours, version_range theirs) {
    return "we speak wire versions " + std::to_string(ours.min) + " to " + std::to_string(ours.max) +
           ", the peer " + std::to_string(theirs.min) + " to " + std::to_string(theirs.max);
}

std::string words(std::vector<std::uint32_t> const& offered, key_ring const& held) {
    std::string text = "the peer offers key";
    for (std::uint32_t id : offered)
        text += " " + std::to_string(id);
    text += ", we hold";
    for (numbered_key const& key : held.keys)
        text += " " + std::to_string(key.id);
    return text;
}

// Words of a peer end up in logs: nothing but printable ASCII, and not much of it.
std::string printable(bytes_view text) {
    std::string out(text.substr(0, control::words_bytes_max));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
}

close_reason reason_from(std::uint8_t value) {
    bool const known = value != 0 && value <= static_cast<std::uint8_t>(close_reason::refused);
    return known ? static_cast<close_reason>(value) : close_reason::unknown;
}

} // namespace

void session::send_hello() {
    writer out(hello_);
    put_handshake_header(out, frame_kind::hello);
    put_introduction(out, options_.self, options_.target, options_.own_nonce);
    out.put(static_cast<std::uint8_t>(options_.keys->keys.size()));
    for (numbered_key const& key : options_.keys->keys)
        out.put(key.id);
    finish(hello_);
    out_ = hello_;
}

session_event session::on_hello(bytes_view frame) {
    reader in(frame);
    version_range theirs;
    if (!get_versions(in, frame_kind::hello, theirs)) return fail_hello();
    if (!agree(theirs)) return fail(close_reason::wire_version, words(options_.self.versions, theirs));
    introduction peer;
    if (!get_introduction(in, peer)) return fail_hello();
    hello const& self = options_.self;
    if (peer.who.colony != self.colony) return fail_colony(peer.who.colony);
    if (peer.target && peer.target != self.server) return fail_target(peer.target, self.server);
    if (peer.who.server == self.server) {
        return fail(close_reason::self, "server " + to_string(self.server) + " was dialled by its own id");
    }
    peer_ = peer.who;
    peer_.versions = theirs;
    for (std::uint32_t id : peer.keys) {
        if (options_.keys->find(id)) return welcome(frame, id);
    }
    return fail(close_reason::unknown_key, words(peer.keys, *options_.keys));
}

session_event session::welcome(bytes_view hello_frame, std::uint32_t key) {
    hello_ = hello_frame;
    bytes message;
    writer out(message);
    put_handshake_header(out, frame_kind::welcome);
    hello self = options_.self;
    self.wanted = peer_.place.shard;
    put_introduction(out, self, peer_.server, options_.own_nonce);
    out.put(std::uint8_t{1});
    out.put(key);
    message.append(proof_bytes, '\0');
    finish(message);
    bytes_view const signed_part(message.data(), message.size() - proof_bytes);
    make_link_key(key);
    secret const proof = derive("zooid acceptor proof", signed_part);
    std::copy(proof.begin(), proof.end(), message.end() - proof_bytes);
    make_session_keys(signed_part);
    peer_.features &= options_.self.features;
    out_ += message;
    state_ = state::awaiting_join;
    return {};
}

session_event session::on_welcome(bytes_view frame) {
    reader in(frame.substr(0, frame.size() - std::min(frame.size(), proof_bytes)));
    version_range theirs;
    if (!get_versions(in, frame_kind::welcome, theirs)) return fail_hello();
    if (!agree(theirs)) return fail(close_reason::wire_version, words(options_.self.versions, theirs));
    introduction peer;
    if (!get_introduction(in, peer)) return fail_hello();
    if (peer.who.role != party_role::server) return fail(close_reason::role, "the peer is not a server");
    if (peer.who.colony != options_.self.colony) return fail_colony(peer.who.colony);
    if (options_.target && peer.who.server != options_.target) {
        return fail_target(options_.target, peer.who.server);
    }
    if (!options_.keys->find(peer.keys[0])) {
        return fail(close_reason::unknown_key, words(peer.keys, *options_.keys));
    }
    peer_ = peer.who;
    peer_.versions = theirs;
    return check_proof(frame, peer.keys[0]);
}

session_event session::check_proof(bytes_view welcome_frame, std::uint32_t key) {
    bytes_view const signed_part = welcome_frame.substr(0, welcome_frame.size() - proof_bytes);
    make_link_key(key);
    secret const proof = derive("zooid acceptor proof", signed_part);
    if (!equal_in_constant_time(welcome_frame.substr(signed_part.size()), {proof.data(), proof.size()})) {
        return fail(close_reason::wrong_key,
                    "the secret of key " + std::to_string(key) + " is not the same at both ends");
    }
    make_session_keys(signed_part);
    peer_.features &= options_.self.features;
    proven_ = true;
    state_ = state::deciding;
    return {session_event::type::identified};
}

// The lower of both maxima.
bool session::agree(version_range theirs) {
    version_range const ours = options_.self.versions;
    version_ = std::min(ours.max, theirs.max);
    return version_ >= std::max(ours.min, theirs.min);
}

void session::make_link_key(std::uint32_t key) {
    key_ring const& ring = *options_.keys;
    secret const& own = ring.find(key)->value;
    bool const initiator = options_.side == link_side::initiator;
    hello const& dialler = initiator ? options_.self : peer_;
    server_id const acceptor = initiator ? peer_.server : options_.self.server;
    if (!ring.for_server()) {
        link_key_ = own; // an issued key is its link key
    } else if (dialler.role == party_role::server) {
        link_key_ = server_link_key(*options_.suite, ring.colony, own, dialler.server, acceptor);
    } else {
        link_key_ = issued_link_key(*options_.suite, ring.colony, own, dialler.role, dialler.principal);
    }
}

secret session::derive(std::string_view label, bytes_view welcome_signed) const {
    bytes text(label);
    text += '\0';
    text += hello_;
    text += welcome_signed;
    secret derived;
    options_.suite->make_key(link_key_)->compute(text, derived);
    return derived;
}

void session::make_session_keys(bytes_view welcome_signed) {
    auto forth = options_.suite->make_key(derive("zooid initiator to acceptor", welcome_signed));
    auto back = options_.suite->make_key(derive("zooid acceptor to initiator", welcome_signed));
    bool const initiator = options_.side == link_side::initiator;
    send_key_ = std::move(initiator ? forth : back);
    receive_key_ = std::move(initiator ? back : forth);
    link_key_ = {};
}

result<void> session::admit(bytes_view claims) {
    ZOOID_CHECK(state_ == state::deciding, "admit answers identified");
    if (claims.size() > wire::claims_bytes_max) return errc::too_large;
    bytes text;
    writer out(text);
    out.put(control::join);
    out.put_sized(claims);
    send_control(text);
    up_is_news_ = options_.side == link_side::acceptor;
    state_ = up_is_news_ ? state::up : state::awaiting_join;
    return outcome::success();
}

session_event session::on_join(reader& in) {
    bytes_view const claims = in.get_sized();
    if (!in.complete() || claims.size() > wire::claims_bytes_max) {
        return fail(close_reason::malformed, "the join cannot be decoded");
    }
    peer_.claims = claims;
    proven_ = true;
    bool const initiator = options_.side == link_side::initiator;
    state_ = initiator ? state::up : state::deciding;
    return {initiator ? session_event::type::up : session_event::type::identified};
}

session_event session::on_refusal(bytes_view frame) {
    reader in(frame.substr(wire::handshake_header_bytes));
    bool const right_magic = in.get<std::uint64_t>() == wire::magic;
    auto const reason = in.get<std::uint8_t>();
    bytes_view const text = in.get_sized();
    if (in.failed() || !right_magic) return fail_hello();
    return end_by_peer(reason, text);
}

session_event session::on_goodbye(reader& in) {
    auto const reason = in.get<std::uint8_t>();
    return end_by_peer(reason, in.get_sized());
}

session_event session::end_by_peer(std::uint8_t reason, bytes_view text) {
    closed_by_peer_ = true;
    lose(reason_from(reason), "the peer says: " + printable(text));
    return {session_event::type::closed};
}

session_event session::fail_hello() {
    ++statistics_.dropped_malformed;
    return fail(close_reason::malformed, "the handshake cannot be decoded: this is not the zooid protocol");
}

session_event session::fail_colony(colony_id theirs) {
    return fail(close_reason::colony,
                "we are of colony " + to_string(options_.self.colony) + ", the peer of " + to_string(theirs));
}

session_event session::fail_target(server_id dialled, server_id answered) {
    return fail(close_reason::wrong_server,
                "server " + to_string(dialled) + " was dialled, server " + to_string(answered) + " answered");
}

session_event session::fail(close_reason reason, std::string_view detail) {
    close(reason, detail);
    return {session_event::type::closed};
}

// What was queued is dropped; what was sealed already stays in front, or the peer could not find the goodbye.
void session::close(close_reason reason, std::string_view detail) {
    if (is_closed()) return;
    bytes_view const text = detail.substr(0, control::words_bytes_max);
    bytes message;
    writer out(message);
    if (keyed()) {
        out.put(control::goodbye);
    } else {
        put_handshake_header(out, frame_kind::refusal);
    }
    out.put(static_cast<std::uint8_t>(reason));
    out.put_sized(text);
    if (keyed()) {
        seal(frame_kind::control, message);
    } else {
        finish(message);
        out_ += message;
    }
    lose(reason, detail);
}

void session::lose(close_reason reason, std::string_view detail) {
    if (is_closed()) return;
    state_ = state::closed;
    up_is_news_ = false;
    reason_ = reason;
    detail_ = detail;
    urgent_.clear();
    bulk_.clear();
    in_.clear();
}

} // namespace zooid
