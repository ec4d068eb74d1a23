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

TEST_CASE("it hears of its release though it was cut off, and everybody forgot to tell it") {
    group g(3, 1, {}, 1);
    g.propose_at(0, "warm");
    g.settle();
    g.step(2, votes_lost{"its disk rots"});
    g.settle();
    for (std::size_t other : {0u, 1u, 3u})
        g.cut(2, other, true);
    token const moved = g.change_at(0, {0, 1, 3});
    g.settle(std::chrono::seconds(60));
    REQUIRE(g.changed().count(moved.value) == 1);
    REQUIRE_FALSE(g.of(2).retired);
    for (std::size_t other : {0u, 1u, 3u})
        g.cut(2, other, false);
    g.settle(std::chrono::seconds(60));
    CHECK(g.of(2).retired);
}

TEST_CASE("it learns from proposals, since a proposer that is never idle announces nothing else") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    g.step(2, votes_lost{"its disk rots"});
    ballot const in = g.at(0).promised();
    effects out;
    auto const hears = [&](message const& content) {
        g.at(2).step({g.now(), *g.of(2).servers},
                     received{g.of(0).self.server, g.of(0).self.replica, content}, out);
    };
    hears(accept{in, slot{9}, slot{8}, entry::no_op()});
    CHECK(g.at(2).deadline() < g.now() + std::chrono::milliseconds(200));
    g.at(2).step({g.at(2).deadline(), *g.of(2).servers}, woken{}, out);
    REQUIRE(out.now.size() == 1);
    CHECK(std::holds_alternative<fetch>(out.now.front().content));
    CHECK(out.after_durable.empty());
}

TEST_CASE("a start that finds lost votes says so durably: what is learned then may hide what was lost") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    g.crash(2);
    auto& m = g.of(2);
    recovered_state found = m.disk.read();
    found.quarantine = "its voting state was damaged", found.quarantined_for = distrust::votes;
    found.quarantine_unrecorded = true;
    m.running.emplace(replica::recover(found, {m.self, {77}, 1}, {}));
    g.step(2, woken{});
    while (g.flush_one(2)) {
    }
    CHECK_FALSE(m.disk.quarantine.empty());
    CHECK(m.disk.quarantined_for == distrust::votes);
}

TEST_CASE("who is about to stand for election and loses its votes does not") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    g.crash(0);
    g.suspect(0, true);
    effects out;
    g.at(1).step({g.now(), *g.of(1).servers}, liveness_changed{g.of(0).self.server}, out);
    time_point const stands = g.at(1).deadline();
    REQUIRE(stands < g.now() + std::chrono::seconds(5));
    g.at(1).step({stands, *g.of(1).servers}, votes_lost{"its disk rots"}, out);
    CHECK(out.now.empty());
    CHECK(g.at(1).role() == role::quarantined);
    CHECK(g.at(1).deadline() > stands);
}

TEST_CASE("a seal waits for a snapshot that is on its way into the journal") {
    cell_options options;
    options.checkpoint_log_entries = 10, options.kept_log_entries = 3;
    for (bool const lost : {false, true}) {
        group g(3, 1, options);
        g.propose_at(0, "warm");
        g.settle();
        if (lost) g.step(2, votes_lost{"its disk rots"});
        g.settle();
        slot const before = g.at(2).prefix();
        for (std::size_t other : {0u, 1u})
            g.cut(2, other, true);
        for (int i = 0; i < 30; ++i) {
            g.propose_at(0, std::to_string(i));
            g.settle();
        }
        REQUIRE(g.of(0).disk.checkpoint.at > before);
        teach_snapshot const lesson{g.of(0).disk.checkpoint};
        g.step(2, received{g.of(0).self.server, g.of(0).self.replica, lesson});
        g.step(2, seal{{cell_id{2, 2}, {2}, g.at(2).members()}});
        CHECK(g.at(2).sealed_for() == nullptr);
        while (g.flush_one(2)) {
        }
        REQUIRE(g.at(2).sealed_for() != nullptr);
        CHECK(g.of(2).disk.checkpoint.at == lesson.state.at);
        survey_answer const said = g.at(2).survey();
        CHECK(said.state_at == lesson.state.at);
        while (g.flush_one(2)) {
        }
        g.crash(2);
        g.restart(2);
        survey_answer const again = g.at(2).survey();
        CHECK(again.state_at == said.state_at);
        CHECK(again.accepted == said.accepted);
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
        auto& disk = g.of(who).disk;
        disk.quarantine.clear(), disk.quarantined_for = distrust::votes;
        g.step(who, votes_lost{"the record that says so rots"});
        while (g.flush_one(who)) {
        }
        CHECK_FALSE(disk.quarantine.empty());
        CHECK(disk.quarantined_for == distrust::everything);
    }
}

TEST_CASE("that a replica is sealed is written again when its disk rots, and what it was sealed with") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    g.step(2, seal{{cell_id{2, 2}, {2}, g.at(2).members()}});
    while (g.flush_one(2)) {
    }
    REQUIRE(g.at(2).sealed_for());
    survey_answer const said = g.at(2).survey();
    auto& disk = g.of(2).disk;
    snapshot const kept = std::exchange(disk.checkpoint, {});
    disk.sealed_for.reset(), disk.quarantine.clear();
    g.step(2, votes_lost{"its disk rots"});
    g.step(2, value_lost{kept.at});
    while (g.flush_one(2)) {
    }
    CHECK(disk.checkpoint == kept);
    g.crash(2);
    g.restart(2);
    survey_answer again = g.at(2).survey();
    again.life = said.life;
    CHECK(again == said);
}

TEST_CASE("a replica that newer software could resume learns on then, however many of its votes are lost") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    g.step(2, apply_failed{slot{1}, "a command from the future"});
    g.step(2, votes_lost{"a promise rots"});
    g.step(2, votes_lost{"an acceptance rots"});
    g.settle();
    CHECK(g.at(2).explain().quarantined_for == distrust::everything); // of this software
    CHECK(g.of(2).disk.quarantined_for == distrust::votes);
}

TEST_CASE("that its state is in doubt is not forgotten when newer software and lost votes come on top") {
    group g(3);
    g.propose_at(0, "warm");
    g.settle();
    g.step(2, apply_failed{slot{1}, "its state is not what it was", apply_failed::reason::state});
    snapshot newer = g.of(0).disk.checkpoint;
    newer.at = g.at(2).prefix() + 5, newer.cell_version = 9;
    g.step(2, received{g.of(0).self.server, g.of(0).self.replica, teach_snapshot{newer}});
    CHECK(g.at(2).explain().quarantined_for == distrust::learned); // and asks on, somebody else
    g.step(2, votes_lost{"its disk rots"});
    while (g.flush_one(2)) {
    }
    CHECK(g.of(2).disk.quarantined_for == distrust::everything);
}
