// Arbitrary-precision integers that every replica agrees on.
//
// No fixed width that wraps and no floating point: what a counter holds never depends on the machine. A value
// keeps its canonical bytes, so storing, comparing, hashing and encoding it need no arithmetic at all; only a
// sum beyond 64 bits does. Up to 112 bits live inside the object.
#pragma once

#include <zooid/base/bytes.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zooid::kv {

/// An integer n with |n| < 2^4096 (`limits::integer_bits_max`). A regular value; throws only std::bad_alloc.
class integer {
  public:
    /// Zero.
    integer() = default;
    template <std::signed_integral T>
    integer(T n) : integer(magnitude_tag{}, n < 0, magnitude_of(n)) {} // NOLINT: put("n", 5) is meant to work
    template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>) integer(T n) // NOLINT
        : integer(magnitude_tag{}, false, n) {}

    /// Reads a decimal: an optional '-', then digits without leading zeros ("-0" is refused too, so that a
    /// number has one text). Nothing for any other text and for a number beyond the limit.
    static std::optional<integer> parse(std::string_view decimal);
    /// Reads what `canonical` returned; nothing for any other bytes.
    static std::optional<integer> from_canonical(bytes_view canonical);

    /// The one encoding of this number: empty for zero; else a sign byte (0, or 1 for negative) and the
    /// magnitude, least significant byte first, its last byte not zero. Lives as long as the object.
    bytes_view canonical() const { return canonical_; }
    /// The number, if it fits.
    std::optional<std::int64_t> to_int64() const;
    /// The decimal that `parse` reads.
    std::string to_string() const;

    bool negative() const { return !canonical_.empty() && canonical_[0] != 0; }
    integer negated() const; ///< within the limit, which is symmetric

    /// a + b; nothing if the sum is beyond the limit.
    friend std::optional<integer> sum(integer const& a, integer const& b);

    friend bool operator==(integer const&, integer const&) = default;
    friend std::strong_ordering operator<=>(integer const& a, integer const& b);

  private:
    struct magnitude_tag {};
    integer(magnitude_tag, bool is_negative, std::uint64_t magnitude);

    static constexpr std::uint64_t magnitude_of(std::int64_t n) {
        return n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
    }

    bytes canonical_;
};

std::optional<integer> sum(integer const& a, integer const& b);
inline std::string to_string(integer const& n) {
    return n.to_string();
}

} // namespace zooid::kv
