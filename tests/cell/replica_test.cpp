#include "cell/group.hpp"
#include "cell/require_sound.hpp"
#include "support/catch.hpp"

#include <array>

using namespace zooid;

namespace {

void require_same_state(group& g) {
    for (std::size_t i = 1; i < g.size(); ++i) {
        if (g.is_up(i) && g.is_up(0)) REQUIRE(g.of(i).applied == g.of(0).applied);
    }
}

} // namespace

TEST_CASE("a command is applied by every replica, once, and its caller learns the slot") {
    for (std::size_t size : {1u, 3u, 5u, 7u, 9u}) {
        group g(size);
        g.propose_at(0, "a");
        g.settle();
        require_sound(g);
        CHECK(g.committed().size() == 1);
        for (std::size_t i = 0; i < size; ++i)
            CHECK(g.of(i).applied == std::vector<std::string>{"1:a"});
    }
}

TEST_CASE("an idle cell has no deadline and sends nothing") {
    group g(7);
    for (int i = 0; i < 10; ++i)
        g.propose_at(0, "command");
    g.settle();
    for (std::size_t i = 0; i < g.size(); ++i)
        CHECK(g.at(i).deadline() == never);
    CHECK(g.messages().empty());
}

namespace {

// Delivers and flushes all there is, without any time passing; returns how many announcements were among it.
std::size_t announcements_at_this_instant(group& g) {
    std::size_t announced = 0;
    for (bool busy = true; busy;) {
        busy = !g.messages().empty();
        if (busy) announced += std::holds_alternative<commit>(g.messages().front().content) ? 1 : 0;
        g.deliver_one(0);
        for (std::size_t i = 0; i < g.size(); ++i)
            busy = g.flush_one(i) || busy;
    }
    return announced;
}

} // namespace

TEST_CASE("what is chosen rides on the next accept; when none follows all are told, once") {
    group g(7);
    g.propose_at(0, "warm");
    g.settle();
    std::size_t announced = 0;
    for (int i = 0; i < 10; ++i) {
        g.propose_at(0, std::to_string(i));
        announced += announcements_at_this_instant(g);
    }
    CHECK(announced == 0);
    CHECK(g.committed().size() == 11);
    for (std::size_t i = 1; i < g.size(); ++i)
        CHECK(g.at(i).prefix() + 1 == g.at(0).prefix());

    g.advance(cell_options().quiet);
    CHECK(announcements_at_this_instant(g) == g.size() - 1);
    for (std::size_t i = 1; i < g.size(); ++i)
        CHECK(g.at(i).prefix() == g.at(0).prefix());
    g.settle();
    CHECK(g.messages().empty());
    CHECK(g.at(0).deadline() == never);
    require_sound(g);
}

TEST_CASE("nothing is acknowledged before a quorum is durable") {
    group g(3);
    g.propose_at(0, "first");
    g.settle();
    g.propose_at(0, "second");
    while (g.deliver_one(0)) {
    }
    CHECK(g.committed().size() == 1);
    g.flush_one(0);
    while (g.deliver_one(0)) {
    }
    CHECK(g.committed().size() == 1);
    g.flush_one(1);
    while (g.deliver_one(0)) {
    }
    CHECK(g.committed().size() == 2);
    require_sound(g);
}

TEST_CASE("commands that arrive while the pipeline is full share a slot") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    for (int i = 0; i < 30; ++i)
        g.propose_at(0, std::to_string(i));
    g.settle();
    CHECK(g.committed().size() == 31);
    CHECK(g.chosen().size() <= 6);
    require_same_state(g);
    require_sound(g);
}

TEST_CASE("when the proposer dies another one leads, and what was acknowledged is there") {
    group g(7);
    g.propose_at(0, "a");
    g.settle();
    REQUIRE(g.leader() == 0u);
    g.crash(0);
    g.suspect(0, true);
    g.settle();
    REQUIRE(g.leader().has_value());
    CHECK(g.leader() != 0u);
    g.propose_at(*g.leader(), "b");
    g.settle();
    g.restart(0);
    g.settle();
    for (std::size_t i = 0; i < 7; ++i)
        CHECK(g.of(i).applied.back().ends_with(":b"));
    require_sound(g);
}

TEST_CASE("a proposal that only one acceptor holds survives its proposer if it was chosen, and only then") {
    group g(3);
    g.propose_at(0, "a");
    g.settle();
    g.propose_at(0, "b");
    g.crash(0); // its accept requests are in flight
    g.suspect(0, true);
    g.settle();
    require_sound(g);
    g.restart(0);
    g.settle();
    require_same_state(g);
    require_sound(g);
}

// 0 leads and has asked for slot 2. A late slice teaches it slot 3, above the gap. Before its own acceptor
// can refuse, it proposes another value there, and 2 accepts that. Once slot 2 is chosen, 0 knows slot 3 too,
// with the taught value: from now on its commit would make chosen what 2 accepted.
TEST_CASE("a proposer that reaches a slot which it was taught otherwise leads no longer") {
    group g(3);
    g.propose_at(0, "first");
    g.settle();
    g.propose_at(0, "second");
    std::array const command{shared_bytes("taught")};
    g.step(0, received{g.of(1).self.server, g.of(1).self.replica,
                       slice{slot{3}, {entry::batch(command)}, slot{3}}});
    g.propose_at(0, "third");
    std::erase_if(g.messages(), [](group_message const& m) {
        auto const* asked = std::get_if<accept>(&m.content);
        return asked && asked->at == slot{3} && m.to != 2;
    });
    while (g.at(0).prefix() < slot{3} &&
           (g.deliver_one(0) || g.flush_one(0) || g.flush_one(1) || g.flush_one(2))) {
    }
    CHECK(g.at(0).prefix() == slot{3});
    CHECK(g.at(0).role() != role::leading);
    REQUIRE_FALSE(g.ended_requests().empty());
    CHECK(g.ended_requests().back().why == errc::outcome_unknown);
    g.propose_at(0, "fourth");
    g.settle();
    require_same_state(g);
    require_sound(g);
}

TEST_CASE("a strict read waits for a quorum and is refused to a proposer that was superseded") {
    group g(5);
    g.propose_at(0, "a");
    g.settle();
    token const good = g.read_at(0);
    g.settle();
    CHECK(g.answered_reads().count(good.value) == 1);

    for (std::size_t i : {2u, 3u, 4u})
        g.cut(0, i, true); // 0 keeps only 1
    g.suspect(0, true);
    g.propose_at(2, "b");
    g.settle();
    token const stale = g.read_at(0);
    g.settle();
    CHECK(g.answered_reads().count(stale.value) == 0);
    require_sound(g);
}

TEST_CASE("a read at a replica that does not lead is sent to the proposer") {
    group g(3);
    g.propose_at(0, "a");
    g.settle();
    (void)g.read_at(1);
    REQUIRE_FALSE(g.ended_requests().empty());
    CHECK(g.ended_requests().back().why == errc::not_proposer);
    CHECK(g.at(1).proposer().server == server_id{1});
}

TEST_CASE("a replica that was away for long is taught by a snapshot, a short while by a slice of the log") {
    cell_options options;
    options.checkpoint_log_entries = 20;
    options.kept_log_entries = 5;
    for (int missed : {5, 200}) {
        group g(3, 1, options);
        g.propose_at(0, "first");
        g.settle();
        g.crash(2);
        g.suspect(2, true);
        for (int i = 0; i < missed; ++i) {
            g.propose_at(0, std::to_string(i));
            g.settle();
        }
        g.restart(2);
        g.settle();
        require_same_state(g);
        require_sound(g);
        CHECK(g.marks().test(static_cast<std::size_t>(sometimes::taught_by_snapshot)) == (missed == 200));
    }
}

TEST_CASE("a log that is longer than the state it made is not taught: the state is") {
    for (std::size_t const size : {1u, 50'000u}) {
        group g(3);
        g.propose_at(0, "first");
        g.settle();
        g.crash(2);
        g.suspect(2, true);
        for (int i = 0; i < 6; ++i) {
            g.propose_at(0, std::string(size, 'v'));
            g.settle();
        }
        g.restart(2);
        g.settle();
        require_same_state(g);
        require_sound(g);
        CHECK(g.marks().test(static_cast<std::size_t>(sometimes::taught_by_snapshot)) == (size != 1));
        CHECK(g.marks().test(static_cast<std::size_t>(sometimes::taught_by_log_slice)) == (size == 1));
    }
}

TEST_CASE("a full queue rejects at once and says so") {
    cell_options options;
    options.pending_count_max = 10;
    group g(3, 1, options);
    g.propose_at(0, "warm");
    g.settle();
    for (int i = 0; i < 50; ++i)
        g.propose_at(0, "x");
    std::size_t overloaded = 0;
    for (ended const& e : g.ended_requests())
        overloaded += e.why == errc::overloaded ? 1 : 0;
    CHECK(overloaded == 50 - 10 - 3);
    g.settle();
    CHECK(g.committed().size() == 14);
    require_sound(g);
}

TEST_CASE("a candidate that hears no quorum keeps quiet until it does") {
    group g(5);
    for (std::size_t i : {1u, 2u, 3u})
        g.cut(0, i, true);
    g.propose_at(0, "a");
    g.settle();
    REQUIRE_FALSE(g.ended_requests().empty());
    CHECK(g.ended_requests().back().why == errc::unreachable);
    CHECK(g.at(0).promised() == ballot{});
    CHECK(g.at(0).deadline() == never);
}

TEST_CASE("a healthy proposer is not deposed by a member that lost sight of it") {
    group g(7);
    g.propose_at(0, "a");
    g.settle();
    ballot const before = g.at(0).promised();
    g.cut(0, 6, true); // 6 suspects 0; everybody else hears it
    g.settle();
    CHECK(g.at(0).promised() == before);
    CHECK(g.leader() == 0u);
    CHECK(g.marks().test(static_cast<std::size_t>(sometimes::vouched_candidate_stood_back)));
}

TEST_CASE("a complaint about a proposer that answers changes nothing; about one that is stuck, it does") {
    group g(3);
    g.propose_at(0, "a");
    g.settle();
    ballot const before = g.at(0).promised();
    g.step(1, complaint{});
    g.settle();
    CHECK(g.at(1).promised() == before);

    g.of(0).running.reset(); // its server still pulses
    g.step(1, complaint{});
    g.settle();
    CHECK(g.leader() == 1u);
    require_sound(g);
}

namespace {

// A random life of a small cell under loss, duplication, reordering, lost unflushed writes and restarts.
void random_life(std::uint64_t seed, std::size_t size) {
    INFO("replay: test_cell \"random lives keep agreement\" with seed " << seed);
    cell_options options;
    options.checkpoint_log_entries = 8;
    options.kept_log_entries = 2;
    group g(size, seed, options);
    prng& random = g.random();
    for (int moves = 0; moves < 3000; ++moves) {
        std::uint64_t const what = random.below(100);
        std::size_t const who = random.below(size);
        if (what < 50 && !g.messages().empty()) {
            std::size_t const which = random.below(g.messages().size());
            std::uint64_t const fate = random.below(20);
            if (fate == 0) g.messages().push_back(g.messages()[which]);
            if (fate == 1) g.messages().erase(g.messages().begin() + static_cast<std::ptrdiff_t>(which));
            g.deliver_one(std::min(which, g.messages().size()));
        } else if (what < 75) {
            g.flush_one(who);
        } else if (what < 84) {
            g.propose_at(who, std::to_string(moves));
        } else if (what < 88) {
            if (g.is_up(who)) (void)g.read_at(who);
        } else if (what < 95) {
            g.advance(std::chrono::milliseconds(random.below(80)));
        } else if (what < 97) {
            if (g.is_up(who)) g.suspect(who, random.chance(1, 2));
        } else if (what < 98) {
            if (g.is_up(who)) g.crash(who);
        } else if (!g.is_up(who)) {
            g.restart(who);
        }
        if (!g.violations_found().empty()) break;
    }
    require_sound(g);
    for (std::size_t i = 0; i < size; ++i) {
        if (!g.is_up(i)) g.restart(i);
    }
    for (std::size_t i = 0; i < size; ++i)
        g.suspect(i, false);
    g.settle();
    g.settle();
    for (std::size_t i = 0; i < size && g.committed().empty(); ++i)
        g.propose_at(i, "last");
    std::size_t const before = g.committed().size();
    std::size_t const first = g.leader().value_or(0);
    for (std::size_t i = 0; i < 2 * size && g.committed().size() == before;
         ++i) { // as servers and clients do:
        std::size_t const asked = (first + i) % size;
        g.propose_at(asked, "final");
        if (g.committed().size() == before) g.step(asked, complaint{}); // who sends callers away probes,
        g.settle();                                                     // who is sent away asks elsewhere
    }
    require_sound(g);
    CHECK(g.committed().size() > before);
    require_same_state(g);
}

} // namespace

TEST_CASE("random lives keep agreement, and a healed cell makes progress") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed)
        random_life(seed, seed % 3 == 0 ? 5 : 3);
}
