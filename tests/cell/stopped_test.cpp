// A replica that lost its votes goes on as a learner; one whose state is in doubt teaches nobody.
#include "cell/group.hpp"
#include "support/catch.hpp"

using namespace zooid;

namespace {

// Three replicas, of which the third is away while much is written, and comes back when only the second,
// which stopped, is there to teach it.
slot taught_by_stopped(event const& stop, std::size_t commits, std::size_t restarts) {
    cell_options options;
    options.checkpoint_log_entries = 10;
    options.kept_log_entries = 3;
    group g(3, 1, options);
    g.propose_at(0, "warm");
    g.settle();
    g.crash(2);
    g.suspect(2, true);
    for (std::size_t i = 0; i < commits; ++i) {
        g.propose_at(0, std::to_string(i));
        g.settle();
    }
    g.step(1, stop);
    g.settle();
    CHECK(g.at(1).is_quarantined());
    g.crash(0);
    g.suspect(0, true);
    for (std::size_t i = 0; i < restarts; ++i) {
        g.crash(1);
        g.restart(1);
        CHECK(g.at(1).is_quarantined());
    }
    g.restart(2);
    g.settle();
    CHECK(g.of(2).applied.size() == g.at(2).prefix().value);
    return g.at(2).prefix();
}

} // namespace

TEST_CASE("a replica that lost its votes teaches what it knows to be chosen, by slice or by snapshot") {
    votes_lost const stop{"its disk rots"};
    CHECK(taught_by_stopped(stop, 2, 0) == slot{3});
    CHECK(taught_by_stopped(stop, 40, 0) == slot{41});
}

TEST_CASE("and does so after a restart, as what it was recovered") {
    votes_lost const stop{"its disk rots"};
    // The last choice may have no record that says so; the checkpoint is ten slots old at most.
    CHECK(taught_by_stopped(stop, 2, 1) >= slot{2});
    CHECK(taught_by_stopped(stop, 40, 1) >= slot{31});
}

TEST_CASE("a replica whose state is in doubt teaches nobody") {
    apply_failed const stop{slot{3}, "a command from the future"};
    CHECK(taught_by_stopped(stop, 2, 0) <= slot{1});
    CHECK(taught_by_stopped(stop, 40, 0) <= slot{1});
}

TEST_CASE("a replica that lost its votes never answers prepare, accept or confirm") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    ballot const in = g.at(0).promised();
    g.step(1, votes_lost{"its disk rots"});
    auto const hears = [&](message const& content) {
        effects out;
        g.at(1).step({g.now(), *g.of(1).servers},
                     received{g.of(0).self.server, g.of(0).self.replica, content}, out);
        return out;
    };
    CHECK(hears(prepare{ballot{{9}, in.server, in.life}, slot{2}}).empty());
    CHECK(hears(accept{in, slot{2}, slot{1}, entry::no_op()}).empty());
    CHECK(hears(confirm{in, 1}).empty());
    CHECK(hears(canvass{1, {}}).empty());
}

TEST_CASE("a proposer that stopped answers a probe at once, and another one leads") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    REQUIRE(g.leader() == 0u);
    g.step(0, votes_lost{"its disk rots"});
    g.step(1, complaint{});
    g.settle(std::chrono::milliseconds(300)); // less than it takes a probe to fail
    REQUIRE(g.leader().has_value());
    CHECK(g.leader() != 0u);
}

TEST_CASE("a replica that lost its votes learns on, and tells nobody how far it is") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    g.step(2, votes_lost{"its disk rots"});
    bool reports = false;
    for (int i = 0; i < 5; ++i) {
        g.propose_at(0, std::to_string(i));
        while (!g.messages().empty() || g.flush_one(0) || g.flush_one(1) || g.flush_one(2)) {
            if (g.messages().empty()) continue;
            group_message const& next = g.messages().front();
            bool const counts = std::holds_alternative<learned>(next.content) ||
                                std::holds_alternative<accepted>(next.content) ||
                                std::holds_alternative<confirmed>(next.content);
            reports = reports || (next.from == 2 && counts);
            g.deliver_one(0);
        }
        g.settle();
    }
    CHECK_FALSE(reports);
    CHECK(g.at(2).is_quarantined());
    CHECK(g.at(2).prefix() == g.at(0).prefix());
    CHECK(g.of(2).applied == g.of(0).applied);
}

TEST_CASE("and retires when it is released, though it restarts in between") {
    for (bool const restarts : {false, true}) {
        group g(3, 1, {}, 1);
        g.propose_at(0, "warm");
        g.settle();
        g.step(2, votes_lost{"its disk rots"});
        g.crash(2);
        if (!restarts) g.restart(2);
        token const moved = g.change_at(0, {0, 1, 3});
        g.settle(std::chrono::seconds(60)); // nobody tells it any more
        if (restarts) g.restart(2);
        g.suspect(2, false);
        g.settle();
        REQUIRE(g.changed().count(moved.value) == 1);
        CHECK(g.of(2).retired);
    }
}

TEST_CASE("votes that are lost at once after a start leave what was known applied") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    g.propose_at(0, "x");
    g.settle();
    g.crash(2);
    auto& m = g.of(2);
    replica back = replica::recover(m.disk.read(), {m.self, {77}, 1}, {});
    REQUIRE(back.prefix() >= slot{1});
    m.running.emplace(std::move(back));
    g.step(2, votes_lost{"the journal was rolled back"});
    CHECK(g.at(2).applied_slot() == g.at(2).prefix());
}

TEST_CASE("a value that is lost on the disk is written again, and a lost checkpoint is taken again") {
    cell_options options;
    options.checkpoint_log_entries = 1000;
    group g(3, 1, options);
    g.propose_at(0, "warm");
    g.settle();
    for (int i = 0; i < 10; ++i)
        g.propose_at(0, std::to_string(i));
    g.settle();
    REQUIRE(g.of(1).disk.checkpoint.at == slot{});
    g.step(1, value_lost{slot{}}); // the checkpoint that it was founded with
    g.settle();
    CHECK(g.of(1).disk.checkpoint.at == g.at(1).prefix());
    g.step(1, value_lost{g.of(1).disk.checkpoint.at}); // the same again, at the same slot
    bool const due = g.flush_one(1);
    CHECK(due);
    // Accepted, and not known to be chosen: no checkpoint has it.
    g.cut(0, 2, true);
    g.propose_at(0, "open");
    while (g.of(1).disk.acceptances.empty() && (!g.messages().empty() || g.flush_one(1))) {
        if (!g.messages().empty()) g.deliver_one(0);
    }
    auto& kept = g.of(1).disk.acceptances;
    REQUIRE(kept.size() == 1);
    slot const at = kept.begin()->first;
    REQUIRE(at > g.at(1).prefix());
    kept.begin()->second.value = entry();
    g.step(1, value_lost{at});
    while (g.flush_one(1)) {
    }
    CHECK_FALSE(kept.at(at).value.empty());
    CHECK(kept.at(at).accepted == g.at(0).promised());
}

TEST_CASE("whose votes are in doubt stays so, whatever becomes of its state") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    g.step(1, votes_lost{"its disk rots"});
    g.step(1, apply_failed{slot{1}, "its state is not what it was", apply_failed::reason::state});
    CHECK(g.at(1).explain().quarantined_for == distrust::everything);
    g.step(2, apply_failed{slot{1}, "its state is not what it was", apply_failed::reason::state});
    CHECK(g.at(2).explain().quarantined_for == distrust::learned);
    g.step(2, votes_lost{"its disk rots"});
    CHECK(g.at(2).explain().quarantined_for == distrust::everything);
    g.settle();
    for (std::size_t who : {1u, 2u}) {
        g.crash(who);
        g.restart(who);
        CHECK(g.at(who).explain().quarantined_for == distrust::everything);
    }
}
