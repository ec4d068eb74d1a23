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

// From the middle of one, where an older proposer still runs and the newcomer has promised nothing; the slots
// are those from the change to the first that the new configuration governs. skip_extension is seen within
// six moves.
TEST_CASE("a replacement with an older proposer still running keeps agreement, to seven moves") {
    CHECK(sound({.replicas = 3, .slots = 2, .alpha = 1, .replacement = true, .depth = 7}).states > 100'000);
    CHECK(sound({.replicas = 3, .slots = 3, .alpha = 2, .replacement = true, .depth = 6}).states > 10'000);
}

TEST_CASE("a strict read during a replacement misses nothing, to six moves") {
    CHECK(sound({.slots = 2, .reads = 1, .alpha = 1, .replacement = true, .depth = 6}).depth == 6);
    CHECK(sound({.slots = 3, .reads = 1, .alpha = 2, .replacement = true, .depth = 6}).depth == 6);
}
