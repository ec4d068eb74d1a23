// The bytes that decide what a byte string of this room is. They are in journals, snapshots and messages for
// as long as there are any: a number here is never reused.
#pragma once

#include <zooid/base/codec.hpp>
#include <zooid/base/error.hpp>

#include <cstdint>

namespace zooid::kv {

/// The first byte of whatever this room encodes; the second is the version of that kind's format.
enum class kind : std::uint8_t {
    transaction = 1,
    request = 2,
    committed = 3,
    rejected = 4,
    request_reply = 5,
    store_snapshot = 6,
    sessions_snapshot = 7,
    lease = 8, ///< the content of an entry
};

inline constexpr std::uint8_t format_version = 1;

enum class value_tag : std::uint8_t { absent, bytes, integer, boolean_false, boolean_true };
enum class condition_tag : std::uint8_t { equals = 1, absent, exists, compares, unchanged };
enum class operation_tag : std::uint8_t { put = 1, erase, add, read, scan };

template <class Enumeration>
void put_enum(writer& out, Enumeration e) {
    out.put(static_cast<std::uint8_t>(e));
}

inline void put_header(writer& out, kind k) {
    put_enum(out, k);
    out.put(format_version);
}

/// Reads kind and version: `malformed` if they are not there, `unsupported_version` if they are others.
inline result<void> expect_header(reader& in, kind expected) {
    auto const k = in.get<std::uint8_t>();
    auto const v = in.get<std::uint8_t>();
    if (in.failed()) return errc::malformed;
    if (k != static_cast<std::uint8_t>(expected) || v != format_version) return errc::unsupported_version;
    return zooid::outcome::success();
}

} // namespace zooid::kv
