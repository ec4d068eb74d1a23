// Typed identities and positions. No two kinds mix: a slot is not a round, a server is not a replica.
//
// Identities are either assigned by an operator (server) or 64 or 128 random bits that nobody ever uses
// again (everything else). Positions count from 1; 0 says "none yet".
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace zooid {

/// A 64-bit quantity of one kind. Ordered, hashable, formatted as a decimal or 16 hexadecimal digits.
template <class Tag>
struct tagged {
    std::uint64_t value = 0;

    friend constexpr auto operator<=>(tagged, tagged) = default;
    /// True unless it is the zero value, which says "none" for every kind.
    constexpr explicit operator bool() const { return value != 0; }
};

/// A position in a sequence of one kind: it can be advanced, and two can be subtracted.
template <class Tag>
struct position {
    std::uint64_t value = 0;

    friend constexpr auto operator<=>(position, position) = default;
    constexpr explicit operator bool() const { return value != 0; }
    friend constexpr position operator+(position p, std::uint64_t n) { return {p.value + n}; }
    /// The position n before p, or 0 where there is none.
    friend constexpr position operator-(position p, std::uint64_t n) {
        return {p.value > n ? p.value - n : 0};
    }
    /// How far a lies beyond b; requires a >= b.
    friend constexpr std::uint64_t operator-(position a, position b) { return a.value - b.value; }
    constexpr position& operator++() { return ++value, *this; }
};

/// 128 random bits of one kind.
template <class Tag>
struct wide_id {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend constexpr auto operator<=>(wide_id const&, wide_id const&) = default;
    constexpr explicit operator bool() const { return (high | low) != 0; }
};

using server_id = tagged<struct server_tag>;   ///< assigned by the operator, never reused
using replica_id = tagged<struct replica_tag>; ///< drawn by the hosting server on `reserve`
using life_id = tagged<struct life_tag>;       ///< drawn at each start of a server process
using client_id = tagged<struct client_tag>;   ///< drawn by a client session

using colony_id = wide_id<struct colony_tag>;   ///< one installation
using cell_id = wide_id<struct cell_tag>;       ///< one replicated state machine, never reused
using journal_id = wide_id<struct journal_tag>; ///< one journal; a wiped disk gets a new one

using slot = position<struct slot_tag>;             ///< in a cell's log; the founding record is slot 0
using round_number = position<struct round_tag>;    ///< of a ballot
using generation = position<struct generation_tag>; ///< of a key: rises with each birth and emergency fork
using sequence = position<struct sequence_tag>;     ///< of a client's requests
using version = position<struct version_tag>;       ///< of a value: the cell's count of commits; absent is 0

/// Hexadecimal, most significant digit first: 16 digits, or 32 for a wide id.
std::string to_hex(std::uint64_t value);
std::string to_hex(std::uint64_t high, std::uint64_t low);

template <class Tag>
std::string to_string(wide_id<Tag> const& id) {
    return to_hex(id.high, id.low);
}
template <class Tag>
std::string to_string(tagged<Tag> id) {
    return to_hex(id.value);
}
inline std::string to_string(server_id id) {
    return std::to_string(id.value);
}
template <class Tag>
std::string to_string(position<Tag> p) {
    return std::to_string(p.value);
}

/// Reads 32 hexadecimal digits; false, and `out` untouched, on anything else.
bool parse_hex(std::string const& text, std::uint64_t& high, std::uint64_t& low);

/// Mixes for hash tables; never iterate over one in a pure room.
template <class Tag>
std::size_t hash_value(tagged<Tag> id) {
    return static_cast<std::size_t>((id.value ^ (id.value >> 32)) * 0x9E3779B97F4A7C15ull);
}
template <class Tag>
std::size_t hash_value(wide_id<Tag> const& id) {
    return static_cast<std::size_t>((id.high ^ (id.low >> 17)) * 0x9E3779B97F4A7C15ull ^ id.low);
}

} // namespace zooid

template <class Tag>
struct std::hash<zooid::tagged<Tag>> {
    std::size_t operator()(zooid::tagged<Tag> id) const noexcept { return zooid::hash_value(id); }
};
template <class Tag>
struct std::hash<zooid::wide_id<Tag>> {
    std::size_t operator()(zooid::wide_id<Tag> const& id) const noexcept { return zooid::hash_value(id); }
};
