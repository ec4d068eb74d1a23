// A replica that lost its votes goes on teaching; one whose state is in doubt teaches nobody.
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
