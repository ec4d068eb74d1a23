// The wire's constants and its frame header; lib/transport/WIRE.md is the specification.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/error.hpp>
#include <zooid/base/limits.hpp>

#include <cstdint>
#include <string_view>

namespace zooid {

namespace wire {

inline constexpr std::uint64_t magic = 0x657269772d64697aull; ///< the bytes "zid-wire"
inline constexpr std::uint16_t version_min = 1;               ///< lowest wire version that we speak
inline constexpr std::uint16_t version_max = 1;
inline constexpr std::uint64_t features = 0; ///< none defined in version 1

inline constexpr std::size_t length_bytes = 4;           ///< of the length prefix
inline constexpr std::size_t handshake_header_bytes = 8; ///< length, kind, reserved
inline constexpr std::size_t header_bytes = 16;          ///< length, kind, reserved, sequence
inline constexpr std::size_t tag_bytes = 16;             ///< the MAC, truncated to 128 bits
inline constexpr std::size_t handshake_bytes_max = 1024; ///< of a message before anybody is authenticated
inline constexpr std::size_t payload_bytes_max = limits::frame_bytes_max - header_bytes - tag_bytes;
inline constexpr std::size_t claims_bytes_max = 64 * 1024;

} // namespace wire

/// What a frame is about. Numbers are the wire's.
enum class frame_kind : std::uint16_t {
    pulse = 1,   ///< between servers; overtakes everything that is not sealed yet
    cells = 2,   ///< between servers: messages of cells
    request = 3, ///< to a server; payload starts with a 64-bit correlation id (request.hpp)
    reply = 4,   ///< to who requested, with the same correlation id
    control = 5, ///< the session's own: join, refused, goodbye
    hello = 0x5a01,
    welcome = 0x5a02,
    refusal = 0x5a03,
};

struct version_range {
    std::uint16_t min = wire::version_min;
    std::uint16_t max = wire::version_max;
    friend bool operator==(version_range, version_range) = default;
};

/// Why a connection was refused or ended. Numbers are the wire's; each is observable on both sides.
enum class close_reason : std::uint8_t {
    none = 0,
    malformed = 1,    ///< not our protocol, or an impossible length
    wire_version = 2, ///< no wire version in common
    colony = 3,       ///< another colony
    unknown_key = 4,  ///< no key number in common
    wrong_key = 5,    ///< the same key number, another secret (or a changed handshake)
    wrong_server = 6, ///< the server at this address is not the one that was dialled
    self = 7,         ///< a server dialled itself
    role = 8,         ///< a client ring cannot accept, and only servers can be dialled
    duplicate = 9,    ///< another connection of the same pair and shard is kept
    full = 10,        ///< no more connections
    bad_mac = 11,     ///< a frame's MAC does not match: the stream cannot be trusted any more
    oversized = 12,   ///< a frame beyond the limit was announced
    stopping = 13,    ///< the other side stops
    timed_out = 14,   ///< no handshake in time
    lost = 15,        ///< the connection broke
    refused = 16,     ///< the listener would not have this peer (a rolled-back journal, for one)
    unknown = 255,    ///< a reason that this software does not know
};

/// "wrong_key", as it is logged.
std::string_view name_of(close_reason reason);
/// What a caller would do about it.
errc code_of(close_reason reason);

/// Counts, all since the start; read on the owner's executor.
struct session_statistics {
    std::uint64_t frames_sent = 0;
    std::uint64_t frames_received = 0; ///< delivered, control not counted
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t refused_unknown = 0;   ///< frames of a kind that we do not know
    std::uint64_t refused_forbidden = 0; ///< frames that the peer's role may not send
    std::uint64_t refused_by_peer = 0;   ///< frames of ours that the peer refused
    std::uint64_t dropped_replayed = 0;  ///< authentic, but seen before or overtaken
    std::uint64_t missing = 0;           ///< sequence numbers that never came
    std::uint64_t dropped_bad_mac = 0;
    std::uint64_t dropped_malformed = 0; ///< oversized or impossible frames
    std::uint64_t dropped_full = 0;      ///< frames of ours that met a full queue

    session_statistics& operator+=(session_statistics const& other);
};

} // namespace zooid
