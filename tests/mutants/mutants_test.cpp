// Each deliberate bug is caught by some life within its budget of seeds; without a bug the same lives end
// well.
#include "support/catch.hpp"

#include <zooid/base/mutant.hpp>
#include <zooid/sim/life.hpp>

using namespace zooid;

namespace {

constexpr std::uint64_t seeds_budget = 60;

/// The first seed that finds something wrong, or 0.
std::uint64_t seed_that_catches(mutant m, std::string const& profile) {
    active_mutant = m;
    std::uint64_t caught = 0;
    for (std::uint64_t seed = 1; seed <= seeds_budget && caught == 0; ++seed) {
        if (!sim::live({seed, profile, {}, {}}).failures.empty()) caught = seed;
    }
    active_mutant = mutant::none;
    return caught;
}

} // namespace

TEST_CASE("each deliberate bug is caught within 60 seeds", "[slow]") {
    for (std::size_t i = 1; i < static_cast<std::size_t>(mutant::count_); ++i) {
        auto const m = static_cast<mutant>(i);
        auto const caught = seed_that_catches(m, "everything");
        INFO("mutant " << name_of(m));
        CHECK(caught != 0);
        WARN(name_of(m) << " caught by seed " << caught);
    }
}
