#include <zooid/base/prng.hpp>

#include <zooid/base/check.hpp>

#include <bit>

namespace zooid {

namespace {

std::uint64_t splitmix(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15ull;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

} // namespace

prng::prng(std::uint64_t seed) {
    for (std::uint64_t& word : state_)
        word = splitmix(seed);
}

std::uint64_t prng::next() {
    std::uint64_t const drawn = std::rotl(state_[1] * 5, 7) * 9;
    std::uint64_t const shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return drawn;
}

std::uint64_t prng::below(std::uint64_t bound) {
    ZOOID_CHECK(bound > 0, "a range to draw from is not empty");
    std::uint64_t const rest = (0 - bound) % bound; // 2^64 mod bound: the draws that would bias
    for (;;) {
        std::uint64_t const drawn = next();
        if (drawn >= rest) return drawn % bound;
    }
}

std::uint64_t prng::between(std::uint64_t low, std::uint64_t high) {
    ZOOID_CHECK(low <= high, "a range to draw from is not empty");
    if (low == 0 && high == ~0ull) return next();
    return low + below(high - low + 1);
}

} // namespace zooid
