// The part of a session that moves frames: cutting, sealing, checking, queues. See handshake.cpp for the
// rest.
#include <zooid/transport/session.hpp>

#include "transport/control.hpp"
#include <zooid/base/check.hpp>
#include <zooid/base/codec.hpp>

#include <algorithm>
#include <cstring>

namespace zooid {

namespace {

constexpr std::size_t sealed_length_min = wire::header_bytes - wire::length_bytes + wire::tag_bytes;
constexpr std::size_t sealed_length_max = limits::frame_bytes_max - wire::length_bytes;
constexpr std::size_t read_bytes_wanted = 16 * 1024;
constexpr std::size_t out_kept_max = 1024 * 1024;

// Who may say what to whom. A server may also ask another one.
bool may_send(party_role from, party_role to, frame_kind kind) {
    switch (kind) {
    case frame_kind::pulse:
    case frame_kind::cells: return from == party_role::server && to == party_role::server;
    case frame_kind::request: return to == party_role::server;
    case frame_kind::reply: return from == party_role::server;
    case frame_kind::control: return true;
    default: return false;
    }
}

bool known_kind(frame_kind kind) {
    return kind >= frame_kind::pulse && kind <= frame_kind::control;
}

} // namespace

session::session(session_options options)
    : options_(std::move(options)),
      state_(options_.side == link_side::initiator ? state::awaiting_welcome : state::awaiting_hello) {
    ZOOID_CHECK(options_.keys && options_.suite, "a session has keys and an algorithm");
    ZOOID_CHECK(options_.self.role == options_.keys->role, "a role speaks with keys of its own kind");
    ZOOID_CHECK(options_.keys->for_server() || options_.side == link_side::initiator, "only servers accept");
    options_.self.colony = options_.keys->colony;
    options_.self.principal = options_.keys->principal;
    if (options_.side == link_side::initiator) send_hello();
}

session::~session() = default;

std::span<char> session::prepare() {
    bytes_view const unread = in_.unread();
    std::size_t needed = 0;
    if (unread.size() >= wire::length_bytes) {
        std::size_t const whole = wire::length_bytes + reader(unread).get<std::uint32_t>();
        if (whole > unread.size()) needed = std::min(whole, limits::frame_bytes_max) - unread.size();
    }
    return in_.prepare(std::max(needed, read_bytes_wanted));
}

void session::commit(std::size_t read) {
    in_.commit(read);
    statistics_.bytes_received += read;
}

void session::on_bytes(bytes_view in) {
    while (!in.empty()) {
        std::span<char> const space = prepare();
        std::size_t const part = std::min(space.size(), in.size());
        std::memcpy(space.data(), in.data(), part);
        commit(part);
        in.remove_prefix(part);
    }
}

session_event session::next() {
    if (up_is_news_) {
        up_is_news_ = false;
        return {session_event::type::up};
    }
    while (state_ != state::closed && state_ != state::deciding) {
        bytes_view const unread = in_.unread();
        if (unread.size() < wire::length_bytes) return {};
        std::size_t const length = reader(unread).get<std::uint32_t>();
        if (length > length_max() || length < wire::handshake_header_bytes - wire::length_bytes) {
            return fail_length(length);
        }
        if (unread.size() - wire::length_bytes < length) return {};
        in_.consume(wire::length_bytes + length);
        session_event const event = on_message(unread.substr(0, wire::length_bytes + length));
        if (event) return event;
    }
    return {};
}

// Before the peer has proven itself little is accepted: a handshake message, then a join.
std::size_t session::length_max() const {
    if (!keyed()) return wire::handshake_bytes_max - wire::length_bytes;
    return state_ == state::up ? sealed_length_max : wire::claims_bytes_max + wire::handshake_bytes_max;
}

session_event session::fail_length(std::size_t length) {
    ++statistics_.dropped_malformed;
    std::string const text = "a frame of " + std::to_string(length) + " bytes was announced";
    if (!keyed()) return fail(close_reason::malformed, text + ": this is not the zooid protocol");
    return fail(length > length_max() ? close_reason::oversized : close_reason::malformed, text);
}

session_event session::on_message(bytes_view frame) {
    auto const kind = static_cast<frame_kind>(reader(frame.substr(wire::length_bytes)).get<std::uint16_t>());
    bool const refused = kind == frame_kind::refusal;
    switch (state_) {
    case state::awaiting_hello: return on_hello(frame);
    case state::awaiting_welcome: return refused ? on_refusal(frame) : on_welcome(frame);
    case state::awaiting_join:
        // The initiator may dislike our welcome; ours came after its proof, so it is sealed or nothing.
        if (refused && options_.side == link_side::acceptor) return on_refusal(frame);
        return on_sealed(frame);
    default: return on_sealed(frame);
    }
}

session_event session::on_sealed(bytes_view frame) {
    if (frame.size() < wire::length_bytes + sealed_length_min) {
        ++statistics_.dropped_malformed;
        return fail(close_reason::malformed, "a frame is shorter than its header");
    }
    if (!authentic(frame)) {
        ++statistics_.dropped_bad_mac;
        return fail(close_reason::bad_mac, "the MAC of a frame of " + std::to_string(frame.size()) +
                                               " bytes does not match, after " +
                                               std::to_string(receive_sequence_) + " good ones");
    }
    reader in(frame.substr(wire::length_bytes));
    auto const kind = static_cast<frame_kind>(in.get<std::uint16_t>());
    auto const reserved = in.get<std::uint16_t>();
    if (!in_sequence(in.get<std::uint64_t>())) return {};
    if (reserved != 0) return refuse_frame(kind, control::refused_unknown);
    return on_frame(kind, in.get_raw(in.left() - wire::tag_bytes));
}

bool session::authentic(bytes_view frame) {
    std::size_t const signed_bytes = frame.size() - wire::tag_bytes;
    mac_tag expected;
    receive_key_->compute(frame.substr(0, signed_bytes), expected);
    return equal_in_constant_time(frame.substr(signed_bytes), bytes_view(expected.data(), wire::tag_bytes));
}

// A gap is survived: whoever removed frames could have cut the connection, and losses are repaired above.
bool session::in_sequence(std::uint64_t number) {
    if (number < receive_sequence_) {
        ++statistics_.dropped_replayed;
        return false;
    }
    statistics_.missing += number - receive_sequence_;
    receive_sequence_ = number + 1;
    return true;
}

session_event session::on_frame(frame_kind kind, bytes_view payload) {
    if (kind == frame_kind::control) return on_control(payload);
    if (state_ != state::up) return fail(close_reason::malformed, "a frame came before the join");
    if (!known_kind(kind)) return refuse_frame(kind, control::refused_unknown);
    if (!may_send(peer_.role, options_.self.role, kind))
        return refuse_frame(kind, control::refused_forbidden);
    ++statistics_.frames_received;
    return {session_event::type::frame, kind, payload};
}

session_event session::refuse_frame(frame_kind kind, std::uint8_t why) {
    ++(why == control::refused_unknown ? statistics_.refused_unknown : statistics_.refused_forbidden);
    bytes text;
    writer out(text);
    out.put(control::refused);
    out.put(static_cast<std::uint16_t>(kind));
    out.put(why);
    send_control(text);
    return {};
}

session_event session::on_control(bytes_view payload) {
    reader in(payload);
    auto const op = in.get<std::uint8_t>();
    if (op == control::join && state_ == state::awaiting_join) return on_join(in);
    if (op == control::goodbye) return on_goodbye(in);
    if (state_ != state::up) return fail(close_reason::malformed, "a control frame came before the join");
    if (op != control::refused) return refuse_frame(frame_kind::control, control::refused_unknown);
    ++statistics_.refused_by_peer;
    return {session_event::type::peer_refused, static_cast<frame_kind>(in.get<std::uint16_t>())};
}

result<void> session::send(frame_kind kind, bytes_view payload) {
    if (state_ != state::up) return errc::unreachable;
    if (payload.size() > wire::payload_bytes_max) return errc::too_large;
    if (kind == frame_kind::control || !may_send(options_.self.role, peer_.role, kind)) {
        return errc::permission_denied;
    }
    bool const urgent = kind == frame_kind::pulse;
    frame_queue& queue = urgent ? urgent_ : bulk_;
    if (queue.size() + payload.size() > (urgent ? pulse_queue_bytes_max : options_.queue_bytes_max)) {
        ++statistics_.dropped_full;
        return errc::overloaded;
    }
    queue.push(kind, payload);
    return outcome::success();
}

// A peer that provokes answers and does not read them gets no more of them.
void session::send_control(bytes_view payload) {
    if (urgent_.size() + payload.size() <= pulse_queue_bytes_max) urgent_.push(frame_kind::control, payload);
}

bytes_view session::output() {
    if (out_head_ == out_.size()) seal_chunk();
    return bytes_view(out_).substr(out_head_);
}

void session::written(std::size_t count) {
    ZOOID_CHECK(count <= out_.size() - out_head_, "no more was written than there was");
    out_head_ += count;
    statistics_.bytes_sent += count;
}

// Sequence numbers are given here, as late as possible: a pulse overtakes whatever is not sealed yet.
void session::seal_chunk() {
    out_.clear();
    out_head_ = 0;
    if (out_.capacity() > out_kept_max) out_.shrink_to_fit();
    while (out_.size() < options_.write_bytes_max && !(urgent_.empty() && bulk_.empty())) {
        frame_queue& queue = urgent_.empty() ? bulk_ : urgent_;
        frame_queue::entry const entry = queue.front();
        seal(entry.kind, entry.payload);
        queue.pop();
    }
}

void session::seal(frame_kind kind, bytes_view payload) {
    std::size_t const begin = out_.size();
    writer out(out_);
    out.put(static_cast<std::uint32_t>(sealed_length_min + payload.size()));
    out.put(static_cast<std::uint16_t>(kind));
    out.put(std::uint16_t{0});
    out.put(send_sequence_++);
    out.put_raw(payload);
    mac_tag tag;
    send_key_->compute(bytes_view(out_).substr(begin), tag);
    out.put_raw(bytes_view(tag.data(), wire::tag_bytes));
    ++statistics_.frames_sent;
}

} // namespace zooid
