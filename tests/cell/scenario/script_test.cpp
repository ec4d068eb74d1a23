// What counts against a scenario.
#include "cell/scenario/script.hpp"
#include "support/catch.hpp"

using namespace zooid;

TEST_CASE("what is expected after a line that can't be played proves nothing") {
    auto const played = scenario::play("cell a b c\n"
                                       "expect 1 chosen x\n"
                                       "deliver a>b accept\n"
                                       "expect 1 chosen y\n"
                                       "end\n");
    CHECK(played.unplayable.size() == 1);
    REQUIRE(played.findings.size() == 1);
    CHECK(played.findings.front() == "line 2: expect 1 chosen x: slot 1 is not chosen");
}
