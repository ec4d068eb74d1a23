// Bits of what an acceptor remembers flip while it runs: its promise, or a value that it accepted. What is
// seen of that, and by whom. (Of what it applied, scenarios tell: the verb `corrupt`.)
#include "cell/group.hpp"
#include "cell/state.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace zooid;

namespace {

replica_state& memory_of(group& g, std::size_t index) {
    return const_cast<replica_state&>(g.at(index).state());
}

/// The last bit of the value that it holds in this slot.
void flip_value(group& g, std::size_t index, slot at) {
    log_slot& held = *memory_of(g, index).log.find(at);
    bytes encoded(held.value.encoded().view());
    encoded.back() = static_cast<char>(encoded.back() ^ 1);
    held.value = entry::from_encoded(shared_bytes(encoded));
}

bool holds(std::vector<std::string> const& found, std::string const& text) {
    return std::any_of(found.begin(), found.end(),
                       [&](std::string const& one) { return one.find(text) != std::string::npos; });
}

/// Replica 0 proposes it, and replica 2 has accepted it and not heard that it is chosen.
void let_accept(group& g, std::string const& command) {
    g.propose_at(0, "warm");
    g.settle();
    g.propose_at(0, command);
    while (g.deliver_one(0) || g.flush_one(0) || g.flush_one(1) || g.flush_one(2)) {
    }
    REQUIRE(g.at(0).prefix() == slot{2});
    REQUIRE(g.at(2).prefix() == slot{1});
}

} // namespace

TEST_CASE(
    "a value that flips between its acceptance and its choice is found by the digests, and taught again") {
    group g(3);
    let_accept(g, "a");
    flip_value(g, 2, slot{2});
    g.settle();
    CHECK(holds(g.violations_found(), "agreement broken in slot 2")); // it delivered what nobody chose
    CHECK(holds(g.violations_found(), "2 quarantined: its state after slot 2 differs from that of 2 of 3"));
    CHECK(g.marks().test(static_cast<std::size_t>(sometimes::replica_healed)));
    CHECK_FALSE(g.at(2).is_quarantined());
    CHECK(g.of(2).applied == g.of(0).applied);
}

TEST_CASE(
    "a value that flipped in an acceptor's memory is not proposed again: who else accepted it tells it") {
    for (std::size_t const flipped : {1u, 2u}) {
        group g(3);
        let_accept(g, "a");
        g.crash(0);
        g.suspect(0, true);
        flip_value(g, flipped, slot{2});
        g.propose_at(1, "next");
        g.settle();
        CHECK(g.chosen().at(slot{2}) == g.at(1).state().log.find(slot{2})->value.value_digest());
        CHECK(g.of(3 - flipped).applied == std::vector<std::string>{"1:warm", "2:a", "3:next"});
    }
}

TEST_CASE("what flipped in an acceptor's memory is what its journal says after a restart") {
    group g(3);
    let_accept(g, "a");
    ballot const promised = g.at(2).promised();
    memory_of(g, 2).acceptor.promised = {};
    flip_value(g, 2, slot{2});
    CHECK(holds(violations(g.at(2)), "A2: no acceptance above the promise"));
    g.crash(2);
    g.restart(2);
    CHECK(g.at(2).promised() == promised);
    g.settle();
    CHECK(g.violations_found().empty());
    CHECK(g.of(2).applied == g.of(0).applied);
}

// In a slot where it accepted nothing it would accept: there its journal alone knows better, after a restart.
TEST_CASE(
    "an acceptor whose promise flipped stops when it is asked for less than it accepted, and says nothing") {
    for (bool const flipped : {false, true}) {
        group g(3);
        let_accept(g, "a");
        log_slot const held = *memory_of(g, 2).log.find(slot{2});
        ballot below = held.accepted;
        below.round = below.round - 1;
        if (flipped) memory_of(g, 2).acceptor.promised = {};
        g.messages().clear();
        g.step(2, received{g.of(0).self.server, g.of(0).self.replica,
                           accept{below, slot{2}, slot{1}, held.value}});
        while (g.flush_one(2)) {
        }
        CHECK(g.at(2).is_quarantined() == flipped);
        CHECK(g.messages().empty() == flipped);
        CHECK(holds({g.at(2).explain().quarantine}, "A2: acceptances of a slot rise") == flipped);
    }
}
