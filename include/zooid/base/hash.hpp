// Hashes and checksums: XXH3, compiled into the library. None of them withstands an adversary.
#pragma once

#include <zooid/base/bytes.hpp>

#include <compare>
#include <cstdint>
#include <string>

namespace zooid {

/// 128 bits that identify content: of a value at an acceptor, of a cell's state.
///
/// Digests form a group under addition (mod 2^128): the digest of a set of entries is the sum of the digests
/// of its entries, so that changing one entry costs one hash, whatever the size of the set.
struct digest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend constexpr auto operator<=>(digest const&, digest const&) = default;
    constexpr digest& operator+=(digest const& d) {
        low += d.low;
        high += d.high + (low < d.low ? 1 : 0);
        return *this;
    }
    constexpr digest& operator-=(digest const& d) {
        high -= d.high + (low < d.low ? 1 : 0);
        low -= d.low;
        return *this;
    }
};

std::string to_string(digest const& d);

/// XXH3 with 64 or 128 bits. `seed` separates domains: the same bytes under two seeds are unrelated.
std::uint64_t hash64(bytes_view content, std::uint64_t seed = 0) noexcept;
digest hash128(bytes_view content, std::uint64_t seed = 0) noexcept;

} // namespace zooid
