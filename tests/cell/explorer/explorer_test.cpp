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

/// All worlds within the bounds, not only those to some depth.
explore::report sound_and_complete(bounds const& limits) {
    explore::report found = sound(limits);
    CHECK(found.complete);
    return found;
}

/// What is merged hides nothing: the same is chosen, and known to the same replicas, as if nothing were.
void require_same_outcomes(bounds limits) {
    auto const merged = sound_and_complete(limits);
    limits.unmerged = true;
    auto const all = sound_and_complete(limits);
    CHECK(merged.outcomes == all.outcomes);
    CHECK(merged.states < all.states);
}

} // namespace

TEST_CASE("every order, loss and duplication of two proposers over one slot keeps agreement") {
    CHECK(sound_and_complete({.replicas = 3, .proposers = 2, .slots = 1}).states > 40'000);
}

TEST_CASE("exploring once what differs in nothing leaves out no outcome of one proposer, or of its crash") {
    require_same_outcomes({.replicas = 3, .proposers = 1, .slots = 1});
    require_same_outcomes({.replicas = 3, .proposers = 1, .slots = 1, .crashes = 1});
}

TEST_CASE("exploring once what differs in nothing leaves out no outcome of two proposers", "[slow]") {
    if (test_support::sanitised) return; // two million states, of the same code
    require_same_outcomes({.replicas = 3, .proposers = 2, .slots = 1, .states_hint = 2'000'000});
}

TEST_CASE("a crash anywhere keeps agreement of one proposer and its next life") {
    bounds limits{.replicas = 3, .proposers = 1, .ballots = 2, .slots = 1, .crashes = 1};
    limits.depth = in_full(0u, 14u);
    CHECK(sound(limits).complete == !test_support::sanitised);
}

TEST_CASE("a crash anywhere keeps agreement of two proposers") {
    bounds limits{.replicas = 3, .proposers = 2, .slots = 1, .crashes = 1};
    limits.depth = in_full(0u, 12u);
    CHECK(sound(limits).complete == !test_support::sanitised);
}

TEST_CASE("a strict read anywhere misses nothing that was acknowledged") {
    sound_and_complete({.replicas = 3, .proposers = 1, .slots = 1, .reads = 1});
    unsigned const depth = in_full(12u, 9u);
    CHECK(sound({.replicas = 3, .proposers = 2, .slots = 1, .reads = 1, .depth = depth}).depth == depth);
}

TEST_CASE("asking for what is missing, and teaching it, keeps agreement") {
    unsigned const deep = in_full(14u, 11u);
    CHECK(sound({.replicas = 3, .proposers = 2, .slots = 1, .teaching = true, .depth = deep}).depth == deep);
    bounds one{.replicas = 3, .proposers = 1, .slots = 1, .teaching = true};
    one.depth = in_full(0u, 14u);
    CHECK(sound(one).complete == !test_support::sanitised);
}

// From the middle of one, where an older proposer still runs and the newcomer has promised nothing; the slots
// are those from the change to the first that the new configuration governs. The depths are what tests
// afford.
TEST_CASE("a replacement with an older proposer still running keeps agreement, to eleven moves") {
    unsigned const deep = in_full(11u, 8u), shallow = in_full(8u, 6u);
    CHECK(sound({.slots = 2, .alpha = 1, .replacement = true, .depth = deep}).states >
          in_full(390'000u, 30'000u));
    CHECK(sound({.slots = 3, .alpha = 2, .replacement = true, .depth = shallow}).depth == shallow);
}

TEST_CASE("a strict read during a replacement misses nothing, to eight moves") {
    unsigned const deep = in_full(8u, 6u), shallow = in_full(7u, 5u);
    CHECK(sound({.slots = 2, .reads = 1, .alpha = 1, .replacement = true, .depth = deep}).depth == deep);
    CHECK(sound({.slots = 3, .reads = 1, .alpha = 2, .replacement = true, .depth = shallow}).depth ==
          shallow);
}

TEST_CASE("a change is released when a quorum knows it durably, and no replica is destroyed before") {
    bounds limits{.slots = 3, .alpha = 1, .replacement = true, .releases = true, .depth = in_full(8u, 6u)};
    CHECK(sound(limits).states_released > 0);
    limits.alpha = 2; // at alpha 1 a quorum knows it from the beginning
    CHECK(sound(limits).depth == limits.depth);
}
