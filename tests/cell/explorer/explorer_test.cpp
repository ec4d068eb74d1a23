// What is explored completely at every run of the tests; `explorer` explores more by command.
#include "cell/explorer/search.hpp"
#include "support/catch.hpp"
#include "support/sanitised.hpp"

using namespace zooid;
using namespace zooid::explore;
using test_support::in_full;

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

// Depths are what some seconds of one core afford, fewer in a sanitised build; a complete search takes longer
// than tests may.
TEST_CASE(
    "every order, loss and duplication of two proposers over one slot keeps agreement, to fifteen moves") {
    CHECK(sound({.replicas = 3, .proposers = 2, .slots = 1, .depth = in_full(15u, 13u)}).states >
          in_full(500'000u, 100'000u));
}

TEST_CASE("a crash anywhere keeps agreement, to twelve moves") {
    CHECK(
        sound({.replicas = 3, .proposers = 2, .slots = 1, .crashes = 1, .depth = in_full(12u, 11u)}).depth ==
        in_full(12u, 11u));
}

TEST_CASE("a strict read anywhere misses nothing that was acknowledged, to thirteen moves") {
    CHECK(sound({.replicas = 3, .proposers = 2, .slots = 1, .reads = 1, .depth = in_full(13u, 12u)}).depth ==
          in_full(13u, 12u));
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
