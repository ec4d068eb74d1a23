// Changes of members at the core: each trap of the alpha window as a story, and random lives with changes.
#include "cell/group.hpp"
#include "cell/require_sound.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace zooid;

namespace {

std::vector<member> members_at(group& g, std::size_t index) {
    auto const members = g.at(index).newest_members().members();
    return {members.begin(), members.end()};
}

std::string describe(group& g) {
    std::string all;
    for (std::size_t i = 0; i < g.size(); ++i) {
        all += "\n" + std::to_string(i) + (g.of(i).reserved ? " reserved" : "") +
               (g.of(i).retired ? " retired" : "");
        if (!g.is_up(i)) continue;
        explanation const e = g.at(i).explain();
        all += " " + std::string(name_of(e.role)) + ", promised " + to_string(e.promised) + ", follows " +
               to_string(e.proposer) + ", prefix " + to_string(e.prefix) + ", base " +
               to_string(e.configuration_base) + (e.is_changing ? ", changing" : "") +
               (e.may_vote ? "" : ", may not vote") + ", members";
        for (member const& m : e.members.members())
            all += " " + std::to_string(m.server.value - 1);
    }
    return all;
}

void commit_one(group& g, std::size_t at, std::string const& command) {
    auto const before = g.committed().size();
    g.propose_at(at, command);
    g.settle();
    REQUIRE(g.committed().size() == before + 1);
}

} // namespace

TEST_CASE("one replica is replaced: taught, chosen, in force, released, and the old one retires") {
    for (unsigned const alpha : {1u, 2u, 3u, 16u}) {
        group g(3, 1, {}, 1, static_cast<std::uint8_t>(alpha));
        commit_one(g, 0, "before");
        token const change = g.change_at(0, {0, 1, 3});
        g.settle();
        require_sound(g);
        CHECK(g.changed().count(change.value) == 1);
        CHECK(g.of(2).retired);
        CHECK_FALSE(g.of(0).retired);
        CHECK(members_at(g, 0) == members_at(g, 3));
        CHECK_FALSE(g.at(0).is_changing());
        g.crash(0);
        g.suspect(0, true);
        g.settle();
        commit_one(g, 1, "after");
        CHECK(g.of(3).applied == g.of(1).applied);
        CHECK(g.of(3).applied.size() == 2);
        for (std::size_t i : {1u, 3u})
            CHECK(g.at(i).deadline() == never);
        require_sound(g);
    }
}

TEST_CASE("a newcomer that has a wrong state is outvoted before it is a member, and taught again") {
    group g(3, 1, {}, 2);
    commit_one(g, 0, "before");
    for (std::size_t i : {0u, 1u, 2u, 3u})
        g.cut(i, 4, true);
    g.change_at(0, {0, 1, 2, 3, 4}); // it waits for the one that nobody reaches
    g.settle(std::chrono::seconds(1));
    REQUIRE(g.of(3).applied.size() == 1);
    g.of(3).applied.push_back("flipped");
    commit_one(g, 0, "more");
    CHECK(members_at(g, 0).size() == 3);
    CHECK(g.marks().test(static_cast<std::size_t>(sometimes::replica_outvoted)));
    CHECK(g.marks().test(static_cast<std::size_t>(sometimes::replica_healed)));
    CHECK_FALSE(g.at(3).is_quarantined());
    CHECK(g.of(3).applied == g.of(0).applied);
    CHECK(g.violations_found() ==
          std::vector<std::string>{
              "3 quarantined: its state after slot 2 differs from that of 3 of 3 members"});
}

TEST_CASE("and is no member before it was healed, though it has caught up") {
    group g(3, 1, {}, 1);
    commit_one(g, 0, "before");
    g.change_at(0, {0, 1, 3});
    bool flipped = false;
    for (int i = 0; i < 10'000 && g.changed().empty(); ++i) {
        if (!flipped && !g.of(3).applied.empty()) {
            g.of(3).applied.push_back("flipped");
            g.step(3, applied{g.at(3).prefix(), hash128("flipped")});
            flipped = true;
        }
        if (g.messages().empty()) g.advance(std::chrono::milliseconds(10));
        while (g.deliver_one(0) || g.flush_one(0) || g.flush_one(1) || g.flush_one(2) || g.flush_one(3)) {
        }
    }
    REQUIRE(flipped);
    REQUIRE(g.changed().size() == 1);
    CHECK(g.marks().test(static_cast<std::size_t>(sometimes::replica_healed)));
    CHECK_FALSE(g.at(3).is_quarantined());
}

TEST_CASE("an idle cell changes without a client's help, and falls silent again") {
    group g(7, 1, {}, 1);
    commit_one(g, 0, "first");
    g.change_at(0, {0, 1, 2, 3, 4, 5, 7});
    g.settle(std::chrono::seconds(20));
    require_sound(g);
    CHECK_FALSE(g.at(0).is_changing());
    for (std::size_t i : {0u, 1u, 2u, 3u, 4u, 5u, 7u})
        CHECK(g.at(i).deadline() == never);
    CHECK(g.messages().empty());
}

TEST_CASE("a cell grows from one replica to seven and shrinks back, whoever leads") {
    group g(1, 1, {}, 6);
    commit_one(g, 0, "one");
    g.change_at(0, {0, 1, 2});
    g.settle();
    g.change_at(0, {0, 1, 2, 3, 4, 5, 6});
    g.settle();
    require_sound(g);
    commit_one(g, 0, "seven");
    for (std::size_t i = 0; i < 7; ++i)
        CHECK(g.of(i).applied.size() == 2);
    g.change_at(0, {4, 5, 6});
    g.settle();
    require_sound(g);
    for (std::size_t i : {0u, 1u, 2u, 3u})
        CHECK(g.of(i).retired);
    auto const leader = g.leader();
    REQUIRE(leader);
    CHECK(*leader >= 4);
    g.change_at(*leader, {5});
    g.settle();
    require_sound(g);
    commit_one(g, 5, "one again");
    CHECK(g.of(5).applied.size() == 3);
}

TEST_CASE(
    "a cell of five grows to nine, which commit with four down, and shrinks to the five that are left") {
    group g(5, 1, {}, 4);
    commit_one(g, 0, "five");
    g.change_at(0, {0, 1, 2, 3, 4, 5, 6});
    g.settle();
    g.change_at(0, {0, 1, 2, 3, 4, 5, 6, 7, 8});
    g.settle();
    require_sound(g);
    REQUIRE(members_at(g, 0).size() == 9);
    for (std::size_t i : {0u, 1u, 2u, 3u}) { // the proposer, and all but one of those that founded the cell
        g.crash(i);
        g.suspect(i, true);
    }
    g.settle();
    REQUIRE(g.leader());
    commit_one(g, *g.leader(), "nine");
    token const shrunk = g.change_at(*g.leader(), {4, 5, 6, 7, 8});
    g.settle();
    REQUIRE(g.changed().count(shrunk.value) == 1);
    commit_one(g, *g.leader(), "five again");
    for (std::size_t i : {4u, 5u, 6u, 7u, 8u})
        CHECK(g.of(i).applied.size() == 3);
    for (std::size_t i : {0u, 1u, 2u, 3u}) {
        g.restart(i);
        g.suspect(i, false);
    }
    g.settle();
    for (std::size_t i : {0u, 1u, 2u, 3u})
        CHECK(g.of(i).retired);
    require_sound(g);
}

TEST_CASE("nine of which five are down commit nothing") {
    group g(9);
    commit_one(g, 0, "before");
    for (std::size_t i : {4u, 5u, 6u, 7u, 8u}) {
        g.crash(i);
        g.suspect(i, true);
    }
    g.propose_at(0, "never");
    g.settle();
    CHECK(g.committed().size() == 1);
    require_sound(g);
}

TEST_CASE("every replica is replaced, one after the other, the proposer among them") {
    group g(7, 1, {}, 7);
    commit_one(g, 0, "before");
    std::vector<std::size_t> now{0, 1, 2, 3, 4, 5, 6};
    for (std::size_t i = 0; i < 7; ++i) {
        now[i] = 7 + i;
        auto const leader = g.leader();
        REQUIRE(leader);
        token const change = g.change_at(*leader, now);
        g.settle();
        require_sound(g);
        INFO("replacing " << i << ", led by " << *leader);
        REQUIRE(g.changed().count(change.value) == 1);
        CHECK(g.of(i).retired);
    }
    commit_one(g, *g.leader(), "after");
    for (std::size_t i = 7; i < 14; ++i)
        CHECK(g.of(i).applied.size() == 2);
}

TEST_CASE("of two changes that were computed from one configuration, the second is void") {
    group g(3, 1, {}, 2);
    commit_one(g, 0, "before");
    configuration_change const second{slot{}, g.members_of({0, 1, 4}), {{g.of(4).self.replica, 0, 1}}};
    token const first = g.change_at(0, {0, 1, 3});
    g.settle();
    REQUIRE(g.changed().count(first.value) == 1);
    g.step(0, change_members{token{999}, second});
    g.settle();
    require_sound(g);
    CHECK(g.ended_requests().back().request == token{999});
    CHECK(g.ended_requests().back().why == errc::conflict);
    CHECK(members_at(g, 0)[2] == g.of(3).self);
}

TEST_CASE(
    "a change that adds a member of another colour is void on every replica, and one of the cell's is not") {
    group g(3, 1, {}, 1);
    commit_one(g, 0, "before");
    configuration_change change{g.at(0).configuration_base(), g.members_of({0, 1, 3}), {}};
    change.newcomers = {{g.of(3).self.replica, 1, 1}};
    g.step(0, change_members{token{999}, change});
    g.settle();
    require_sound(g);
    REQUIRE(g.ended_requests().size() == 1);
    CHECK(g.ended_requests().back().request == token{999});
    CHECK(g.ended_requests().back().why == errc::conflict);
    for (std::size_t i : {0u, 1u, 2u}) {
        CHECK(members_at(g, i)[2] == g.of(2).self);
        CHECK_FALSE(g.at(i).is_changing());
    }
    change.newcomers.front().colour = 0;
    g.step(0, change_members{token{1000}, change});
    g.settle();
    CHECK(g.changed().count(1000) == 1);
    CHECK(g.of(2).retired);
    require_sound(g);
}

TEST_CASE("a newcomer that does not answer holds nothing up, and the request ends") {
    group g(3, 1, {}, 1);
    commit_one(g, 0, "before");
    for (std::size_t i = 0; i < 3; ++i)
        g.cut(i, 3, true);
    token const change = g.change_at(0, {0, 1, 3});
    commit_one(g, 0, "meanwhile");
    g.settle(std::chrono::seconds(20));
    require_sound(g);
    CHECK(g.changed().empty());
    CHECK(g.ended_requests().back().request == change);
    CHECK(g.ended_requests().back().why == errc::unreachable);
    CHECK_FALSE(g.at(0).is_changing());
}

TEST_CASE("a release that waits for newcomers who are slow to catch up needs no client") {
    group g(3, 1, {}, 2);
    commit_one(g, 0, "warm");
    token const moved = g.change_at(0, {0, 3, 4});
    // Of what the leader sends them once the change is chosen they get the request for a promise only.
    auto const reaches = [&](group_message const& m) {
        bool const caught_up = g.changed().count(moved.value) == 0;
        return caught_up || m.to < 3 || std::holds_alternative<prepare>(m.content);
    };
    for (int idle = 0; idle < 3;) {
        bool moves = !g.messages().empty();
        if (moves && reaches(g.messages().front())) {
            g.deliver_one(0);
        } else if (moves) {
            g.messages().erase(g.messages().begin());
        }
        for (std::size_t i = 0; i < g.size(); ++i)
            moves = g.flush_one(i) || moves;
        idle = moves ? 0 : idle + 1;
        if (!moves && g.changed().empty()) g.advance(std::chrono::milliseconds(20)), idle = 0;
    }
    auto const cut_off = [&](bool is_cut) {
        for (std::size_t newcomer : {3u, 4u}) {
            for (std::size_t other : {0u, 1u, 2u})
                g.cut(newcomer, other, is_cut);
        }
    };
    cut_off(true);
    g.settle(std::chrono::seconds(20));
    REQUIRE_FALSE(g.of(1).retired);
    cut_off(false);
    g.settle(std::chrono::seconds(20));
    INFO(describe(g));
    CHECK(g.of(1).retired);
    CHECK(g.of(2).retired);
    require_sound(g);
}

TEST_CASE("a removed replica that heard of nothing learns that it was released when it asks") {
    group g(3, 1, {}, 1);
    commit_one(g, 0, "before");
    for (std::size_t i : {0u, 1u, 3u})
        g.cut(i, 2, true);
    g.change_at(0, {0, 1, 3});
    g.settle();
    CHECK_FALSE(g.at(0).is_changing());
    CHECK_FALSE(g.of(2).retired);
    for (std::size_t i : {0u, 1u, 3u})
        g.cut(i, 2, false);
    g.crash(2);
    g.restart(2);
    g.settle();
    require_sound(g);
    CHECK(g.of(2).retired);
}

TEST_CASE("members change under load, loss, crashes and new proposers, and every slot has one value") {
    std::size_t changes = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        INFO("seed " << seed);
        cell_options options;
        options.checkpoint_log_entries = 8;
        options.kept_log_entries = seed % 3 * 4;
        group g(3 + seed % 2 * 2, seed, options, 6, static_cast<std::uint8_t>(1 + seed % 4));
        std::vector<std::size_t> spare;
        for (std::size_t i = g.size() - 6; i < g.size(); ++i)
            spare.push_back(i);
        prng& random = g.random();
        for (int step = 0; step < 6000; ++step) {
            std::uint64_t const what = random.below(100);
            std::size_t const who = random.below(g.size());
            if (what < 55 && !g.messages().empty()) {
                std::size_t const which = random.below(g.messages().size());
                if (random.chance(1, 10)) {
                    g.messages().erase(g.messages().begin() + static_cast<std::ptrdiff_t>(which));
                } else {
                    g.deliver_one(which);
                }
            } else if (what < 85) {
                g.flush_one(who);
            } else if (what < 92 && g.is_up(who)) {
                g.propose_at(who, std::to_string(step));
            } else if (what < 96) {
                g.advance(std::chrono::milliseconds(random.between(1, 60)));
            } else if (what < 97 && g.is_up(who) && !spare.empty()) {
                auto const newest = g.at(who).newest_members();
                std::vector<std::size_t> to;
                for (std::size_t i = 0; i < g.size(); ++i)
                    if (newest.contains(g.of(i).self.replica)) to.push_back(i);
                std::size_t const out = random.below(to.size());
                to[out] = spare[random.below(spare.size())];
                std::sort(to.begin(), to.end());
                if (std::unique(to.begin(), to.end()) == to.end()) g.change_at(who, to);
            } else if (what < 98 && g.is_up(who) && random.chance(1, 4) && !g.of(who).reserved) {
                g.crash(who);
                g.restart(who);
            } else if (what < 99 && g.is_up(who)) {
                g.step(who, complaint{});
            }
            if (!g.violations_found().empty()) break;
        }
        require_sound(g);
        g.settle(std::chrono::seconds(30));
        require_sound(g);
        auto leader = g.leader();
        for (std::size_t i = 0; i < g.size() && !leader; ++i) {
            if (g.is_up(i) && !g.of(i).retired) g.step(i, complaint{});
            g.settle(std::chrono::seconds(10));
            leader = g.leader();
        }
        INFO(describe(g));
        REQUIRE(leader);
        auto const before = g.committed().size();
        g.propose_at(*leader, "last");
        g.settle(std::chrono::seconds(10));
        require_sound(g);
        CHECK(g.committed().size() > before);
        CHECK_FALSE(g.at(*leader).is_changing());
        changes += g.changed().size();
    }
    CHECK(changes > 120); // else it proves little
}
