// What is explored completely at every run of the tests; `explorer` explores more by command.
#include "cell/explorer/search.hpp"
#include "support/catch.hpp"

using namespace zooid;
using namespace zooid::explore;

namespace {

/// Demands that nothing is wrong in any world; says how to see the whole story if something is.
explore::report sound(bounds const& limits) {
    explore::report const found = explore::explore(limits, nullptr);
    std::string story;
    for (std::string const& line : found.story)
        story += "\n  " + line;
    INFO(found.states << " states, depth " << found.depth << story);
    CHECK(found.broken.empty());
    CHECK(found.states_chosen > 0); // else it proves little
    return found;
}

} // namespace

// Depths are what a minute of one core affords in a sanitised build; a complete search takes longer than
// tests may.
TEST_CASE(
    "every order, loss and duplication of two proposers over one slot keeps agreement, to fifteen moves") {
    CHECK(sound({.replicas = 3, .proposers = 2, .slots = 1, .depth = 15}).states > 500'000);
}

TEST_CASE("a crash anywhere keeps agreement, to twelve moves") {
    CHECK(sound({.replicas = 3, .proposers = 2, .slots = 1, .crashes = 1, .depth = 12}).depth == 12);
}

TEST_CASE("a strict read anywhere misses nothing that was acknowledged, to thirteen moves") {
    CHECK(sound({.replicas = 3, .proposers = 2, .slots = 1, .reads = 1, .depth = 13}).depth == 13);
}
