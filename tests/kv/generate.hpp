// Random transactions over a few keys, so that conditions meet something, and a naive model to hold against.
#pragma once

#include <zooid/base/prng.hpp>
#include <zooid/kv/transaction.hpp>

#include <cstdlib>
#include <string>
#include <vector>

namespace zooid::kv::test {

/// The seed of a random test: ZOOID_SEED if set, so that a failure replays.
inline std::uint64_t seed_of_run(std::uint64_t usual) {
    char const* const given = std::getenv("ZOOID_SEED");
    return given ? std::strtoull(given, nullptr, 10) : usual;
}

inline std::string replay_hint(std::uint64_t seed) {
    return "replay with ZOOID_SEED=" + std::to_string(seed);
}

/// 1, 2, 4, ... 2^4095: computed once, for they are many.
inline std::vector<integer> const& powers_of_two() {
    static std::vector<integer> const powers = [] {
        std::vector<integer> all{1};
        while (auto twice = sum(all.back(), all.back()))
            all.push_back(*twice);
        return all;
    }();
    return powers;
}

class generator {
  public:
    explicit generator(std::uint64_t seed) : random(seed) {}

    bytes any_key() {
        static char const* const keys[] = {"", "a", "ab", "abc", "b", "generation", "primary", "\xff\xff"};
        return keys[random.below(8)];
    }
    /// Small, or now and then within a few of a power of two, up to the largest one that fits.
    integer any_integer() {
        integer const small = static_cast<std::int64_t>(random.between(0, 20)) - 10;
        if (!random.chance(1, 8)) return small;
        std::vector<integer> const& powers = powers_of_two();
        integer const& power =
            powers[powers.size() - 1 - random.below(random.chance(1, 2) ? 3 : powers.size())];
        return *sum(random.chance(1, 2) ? power : power.negated(), small);
    }
    value any_value() {
        std::uint64_t const which = random.below(4);
        if (which == 0) return random.chance(1, 2);
        if (which == 1) return bytes(random.below(40), static_cast<char>('a' + random.below(3)));
        return any_integer();
    }
    condition any_condition() {
        bytes key = any_key();
        switch (random.below(5)) {
        case 0: return equals{std::move(key), any_value()};
        case 1: return absent{std::move(key)};
        case 2: return exists{std::move(key)};
        case 3: {
            auto const how = static_cast<comparison>(random.between(1, 5));
            return compares{std::move(key), how, any_integer()};
        }
        default: return unchanged{std::move(key), {random.below(4)}};
        }
    }
    operation any_operation() {
        bytes key = any_key();
        switch (random.below(5)) {
        case 0: return put{std::move(key), any_value()};
        case 1: return erase{std::move(key)};
        case 2: return add{std::move(key), any_integer()};
        case 3: return read{std::move(key)};
        default: return scan{std::move(key)};
        }
    }
    transaction any_transaction() {
        transaction t;
        std::uint64_t const conditions = random.chance(1, 2) ? 0 : random.below(3);
        for (std::uint64_t i = 0; i < conditions; ++i)
            t.require(any_condition());
        std::uint64_t const operations = random.below(6);
        for (std::uint64_t i = 0; i < operations; ++i)
            t.then(any_operation());
        return t;
    }

    prng random;
};

} // namespace zooid::kv::test
