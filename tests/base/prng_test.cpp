#include "support/catch.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/prng.hpp>

using namespace zooid;

TEST_CASE("a seed gives the same sequence for ever") {
    prng random(42);
    CHECK(random.next() == 0x15780b2e0c2ec716ull);
    prng again(42);
    prng same(42);
    for (int i = 0; i < 1000; ++i)
        CHECK(again.next() == same.next());
}

TEST_CASE("a bounded draw stays within its bounds and reaches them") {
    prng random(7);
    bool low = false;
    bool high = false;
    for (int i = 0; i < 1000; ++i) {
        auto const drawn = random.between(3, 7);
        REQUIRE(drawn >= 3);
        REQUIRE(drawn <= 7);
        low |= drawn == 3;
        high |= drawn == 7;
    }
    CHECK((low && high));
    CHECK_THROWS_AS(random.below(0), broken_invariant);
}
