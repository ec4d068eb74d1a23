// A seeded pseudo-random generator: the only source of chance in a pure room.
#pragma once

#include <array>
#include <cstdint>

namespace zooid {

/// xoshiro256** (Blackman and Vigna), seeded by splitmix64. The same seed gives the same sequence with every
/// compiler. Not for secrets. Draw at most once per full expression: the order in which C++ evaluates
/// operands differs between compilers, and a replay must not.
class prng {
  public:
    explicit prng(std::uint64_t seed);

    std::uint64_t next();
    /// Uniform in [0, bound); requires bound > 0. Rejection keeps it exact.
    std::uint64_t below(std::uint64_t bound);
    /// Uniform in [low, high]; requires low <= high.
    std::uint64_t between(std::uint64_t low, std::uint64_t high);
    /// True in `numerator` of `denominator` cases.
    bool chance(std::uint64_t numerator, std::uint64_t denominator) { return below(denominator) < numerator; }
    /// A generator whose sequence is independent of this one's further draws.
    prng fork() { return prng(next()); }

    friend bool operator==(prng const&, prng const&) = default;

  private:
    std::array<std::uint64_t, 4> state_;
};

} // namespace zooid
