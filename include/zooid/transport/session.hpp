// One connection as a value: handshake, frames, authentication, queues; bytes in, events and bytes out.
//
// The session decides everything that does not need a socket. An edge moves bytes:
//
//     auto space = session.prepare();  n = read(socket, space);  session.commit(n);
//     for (session_event e; (e = session.next()).what != session_event::type::none;) ...
//     for (bytes_view out; !(out = session.output()).empty();) session.written(write(socket, out));
//
// Invariants
//   S1  Nothing of the peer is believed or delivered, and no more of it stored than a hello and one join,
//       before it has proven that it knows the link key for the identity that it claims.
//   S2  Frames are delivered in the order they were sent, each at most once; some may be missing.
//   S3  After a frame whose MAC does not match nothing more is delivered: the length that found the next
//       frame was never authenticated. The connection ends and a new handshake makes new keys.
//   S4  Queues are bounded in bytes; a pulse waits for at most one sealed chunk: below write_bytes_max, and
//       one frame more.
//   S5  Once buffers are warm, neither sending nor receiving allocates.
#pragma once

#include <zooid/base/codec.hpp>
#include <zooid/transport/frame_buffer.hpp>
#include <zooid/transport/keys.hpp>
#include <zooid/transport/shards.hpp>
#include <zooid/transport/wire.hpp>

#include <memory>
#include <span>
#include <string>

namespace zooid {

enum class link_side : std::uint8_t { initiator, acceptor };

/// Who is at the other end, as it proved. `claims` is opaque here: what this side says of its journals and
/// what it has heard of the other's (rolled-back disks); empty for clients.
struct hello {
    version_range versions;
    std::uint64_t features = 0; ///< after the handshake: those that both sides have
    party_role role = party_role::server;
    shard_place place;        ///< who speaks, of a server: the shard, and how many it has
    std::uint16_t wanted = 0; ///< the other side's shard that is meant; in a welcome the dialler's
    colony_id colony;
    server_id server;       ///< zero unless a server
    principal_id principal; ///< zero for a server
    life_id life;           ///< of the process; drawn at each start
    bytes claims;
};

struct session_options {
    link_side side = link_side::initiator;
    hello self;                             ///< `claims` stays empty here: see `admit`
    server_id target;                       ///< initiator: whom we dial; zero takes whoever answers
    key_ring const* keys = nullptr;         ///< outlives the session
    mac_suite const* suite = nullptr;       ///< outlives the session
    nonce own_nonce{};                      ///< fresh random bytes
    std::size_t queue_bytes_max = 16 << 20; ///< of frames that wait to be sealed, pulses apart
    std::size_t write_bytes_max = 256 << 10;
};

/// Pulses have a small queue of their own.
inline constexpr std::size_t pulse_queue_bytes_max = 256 * 1024;

/// What happened. Views live until the next call of `prepare`.
struct session_event {
    enum class type : std::uint8_t {
        none,         ///< nothing more; feed bytes
        identified,   ///< the peer proved who it is (`peer()`): call `admit` or `close`, then go on
        up,           ///< frames may be sent; `peer().claims` holds what the peer claims
        frame,        ///< `kind`, `payload`
        peer_refused, ///< the peer did not understand, or forbade, a frame of `kind`
        closed,       ///< `reason()` and `failure()` say why; write what `output` still holds, then hang up
    };
    type what = type::none;
    frame_kind kind = frame_kind::control;
    bytes_view payload{};

    explicit operator bool() const { return what != type::none; }
};

/// Neither copied nor moved: one per connection, used by one thread at a time.
class session {
  public:
    explicit session(session_options options);
    ~session();
    session(session const&) = delete;
    session& operator=(session const&) = delete;

    /// Space to read into: never empty; at least what the announced frame still needs, up to its limit.
    std::span<char> prepare();
    void commit(std::size_t read); ///< so much was filled in; drain `next` then
    /// `prepare`, copy, `commit`, for those who have bytes in hand already. Drain `next` after each call.
    void on_bytes(bytes_view in);
    session_event next(); ///< `none`: more bytes are needed

    /// After `identified`: sends the join with our claims (at most claims_bytes_max, or `too_large`).
    result<void> admit(bytes_view claims);

    /// Queues a frame. `unreachable` before `up` and after `closed`, `too_large` beyond payload_bytes_max,
    /// `overloaded` when the queue is full (counted), `permission_denied` for a kind that our role may not
    /// send. Nothing is written until `output` is asked.
    result<void> send(frame_kind kind, bytes_view payload);

    /// Sealed bytes that wait to be written, pulses first, many frames at once; empty if there is nothing.
    /// The view lives until `written` or the next `output`.
    bytes_view output();
    void written(std::size_t count); ///< so much of the last `output` was taken

    /// Ends the session from our side and tells the peer; the next `next()` does not report it again.
    void close(close_reason reason, std::string_view detail = {});
    /// The stream broke, or time is over: ends the session without a word.
    void lose(close_reason reason, std::string_view detail = {});

    bool is_up() const { return state_ == state::up; }
    bool is_closed() const { return state_ == state::closed; }
    /// Valid from `identified` on.
    hello const& peer() const { return peer_; }
    bool is_identified() const { return proven_; }
    std::uint16_t version() const { return version_; } ///< of the wire, as agreed
    close_reason reason() const { return reason_; }
    /// True if it was the peer that ended it.
    bool closed_by_peer() const { return closed_by_peer_; }
    error failure() const { return error(code_of(reason_), detail_); } ///< `reason` in words
    session_statistics const& statistics() const { return statistics_; }
    std::size_t queued_bytes() const { return urgent_.size() + bulk_.size() + out_.size() - out_head_; }

  private:
    enum class state : std::uint8_t { awaiting_hello, awaiting_welcome, deciding, awaiting_join, up, closed };

    session_event on_message(bytes_view frame);
    session_event on_sealed(bytes_view frame);
    session_event on_frame(frame_kind kind, bytes_view payload);
    session_event on_control(bytes_view payload);
    session_event refuse_frame(frame_kind kind, std::uint8_t why);
    std::size_t length_max() const;
    bool authentic(bytes_view frame);
    bool in_sequence(std::uint64_t number);
    void send_control(bytes_view payload);
    void seal_chunk();
    void seal(frame_kind kind, bytes_view payload);

    void send_hello();
    session_event on_hello(bytes_view frame);
    session_event welcome(bytes_view hello_frame, std::uint32_t key);
    session_event on_welcome(bytes_view frame);
    session_event check_proof(bytes_view welcome_frame, std::uint32_t key);
    session_event on_join(reader& in);
    session_event on_refusal(bytes_view frame);
    session_event on_goodbye(reader& in);
    session_event end_by_peer(std::uint8_t reason, bytes_view text);
    bool agree(version_range theirs);
    void make_link_key(std::uint32_t key);
    void make_session_keys(bytes_view welcome_signed);
    secret derive(std::string_view label, bytes_view welcome_signed) const;

    session_event fail(close_reason reason, std::string_view detail);
    session_event fail_length(std::size_t length);
    session_event fail_hello();
    session_event fail_colony(colony_id theirs);
    session_event fail_target(server_id dialled, server_id answered);
    bool keyed() const { return send_key_ != nullptr; }

    session_options options_;
    state state_;
    hello peer_;
    std::uint16_t version_ = 0;
    close_reason reason_ = close_reason::none;
    bool closed_by_peer_ = false;
    bool up_is_news_ = false;
    bool proven_ = false;
    std::string detail_;

    bytes hello_; // as sent by the initiator: the transcript's first half
    secret link_key_{};
    std::unique_ptr<mac_key> send_key_;
    std::unique_ptr<mac_key> receive_key_;
    std::uint64_t send_sequence_ = 0;
    std::uint64_t receive_sequence_ = 0; // the next one expected

    receive_buffer in_;
    frame_queue urgent_;
    frame_queue bulk_;
    bytes out_;
    std::size_t out_head_ = 0;
    session_statistics statistics_;
};

} // namespace zooid
