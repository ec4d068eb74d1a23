// What a replica holds and sends is bounded in bytes, and a late repeat costs nothing.
#include "cell/group.hpp"
#include "support/catch.hpp"

#include <zooid/base/limits.hpp>

using namespace zooid;

namespace {

// One replica of three, and members that the test speaks for.
struct bounded_replica {
    explicit bounded_replica(std::uint8_t alpha, cell_options const& options = {}) {
        for (std::uint64_t n = 1; n <= 3; ++n)
            members.push_back({{n}, {n, n}, {n + 100}});
        for (std::uint64_t n = 2; n <= 3; ++n) {
            auto& peer = servers.at({n});
            peer.both_ways = true, peer.answered = {{n, n}};
        }
        snapshot founding{};
        founding.cell = {1, 1};
        founding.key = "volume";
        founding.birth = {1};
        founding.alpha = alpha;
        founding.configurations = {{slot{1}, configuration(members)}};
        running.emplace(replica::found(founding, {members[0], {1}, 7}, options));
    }
    effects const& hear(std::size_t from, message const& content) {
        running->step({now, servers}, received{members[from].server, members[from].replica, content}, out);
        return out;
    }
    effects const& step(event const& what) {
        running->step({now, servers}, what, out);
        return out;
    }

    time_point now{std::chrono::seconds(1000)};
    std::vector<member> members;
    liveness servers{{1}, {1}};
    std::optional<replica> running;
    effects out;
};

entry value_of(std::size_t size) {
    shared_bytes const command(bytes(size, 'v'));
    return entry::batch({&command, 1});
}

template <class Content>
Content const* sent(std::vector<outgoing> const& all) {
    for (outgoing const& o : all) {
        if (auto const* found = std::get_if<Content>(&o.content)) return found;
    }
    return nullptr;
}

} // namespace

TEST_CASE("commands that wait for a candidacy are bounded in bytes, and the bound is free again after it") {
    cell_options options;
    options.pending_bytes_max = 1000;
    bounded_replica r(3, options);
    CHECK(r.step(propose{{1}, shared_bytes(bytes(600, 'a'))}).ended_requests.empty());
    auto const& refused = r.step(propose{{2}, shared_bytes(bytes(600, 'b'))}).ended_requests;
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].why == errc::overloaded);
    r.step(resign{});
    CHECK(r.step(propose{{3}, shared_bytes(bytes(600, 'c'))}).ended_requests.empty());
}

namespace {

// The first replica, until it has promised itself and asks the others for that.
ballot stand(bounded_replica& r, propose const& first) {
    auto const* asked = sent<canvass>(r.step(first).now);
    REQUIRE(asked != nullptr);
    auto const attempt = asked->attempt;
    r.hear(1, canvassed{attempt, {}, {}});
    auto const* wanted = sent<prepare>(r.out.now);
    REQUIRE(wanted != nullptr);
    return wanted->in;
}

} // namespace

TEST_CASE("a command that waits for a slot when its caller has given up is not proposed") {
    bounded_replica r(1);
    ballot const ours = stand(r, propose{{1}, shared_bytes("a")});
    r.hear(1, promise{ours, {}, {}});
    r.hear(2, promise{ours, {}, {}});
    auto const* first = sent<accept>(r.out.now);
    REQUIRE(first != nullptr);
    accepted const vote{ours, {1}, first->value.value_digest(), {}};
    r.step(propose{{2}, shared_bytes("b"), r.now + std::chrono::milliseconds(10)});
    r.step(propose{{3}, shared_bytes("c"), r.now + std::chrono::seconds(10)});
    r.now += std::chrono::milliseconds(10);
    r.hear(1, vote);
    CHECK(r.out.ended_requests.empty());
    r.hear(2, vote);
    REQUIRE(r.out.ended_requests.size() == 1);
    CHECK(r.out.ended_requests[0].request == token{2});
    CHECK(r.out.ended_requests[0].why == errc::timed_out);
    auto const* next = sent<accept>(r.out.now);
    REQUIRE(next != nullptr);
    REQUIRE(next->value.commands().size() == 1);
    CHECK(*next->value.commands().begin() == "c");
}

TEST_CASE("a hole is filled though all that waited for a slot has been given up") {
    bounded_replica r(3);
    ballot const ours = stand(r, propose{{1}, shared_bytes("a"), r.now + std::chrono::milliseconds(10)});
    r.now += std::chrono::milliseconds(10);
    entry const found = value_of(5);
    r.hear(1, promise{ours, {}, {{{2}, ballot{{1}, {2}, {2}}, found.value_digest(), false, found}}});
    r.hear(2, promise{ours, {}, {}});
    std::vector<accept> proposed;
    for (outgoing const& o : r.out.now) {
        auto const* a = std::get_if<accept>(&o.content);
        if (a && o.to == r.members[1]) proposed.push_back(*a);
    }
    REQUIRE(proposed.size() == 2);
    CHECK(proposed[0].at == slot{1});
    CHECK(proposed[0].value == entry::no_op());
    CHECK(proposed[1].value == found);
    REQUIRE(r.out.ended_requests.size() == 1);
    CHECK(r.out.ended_requests[0].why == errc::timed_out);
}

TEST_CASE("a probe that meets a proposer in phase 1 is answered once it leads and a quorum says so") {
    bounded_replica r(3);
    ballot const ours = stand(r, propose{{1}, shared_bytes("a")});
    CHECK(sent<probed>(r.hear(1, probe{7}).now) == nullptr);
    r.hear(1, promise{ours, {}, {}});
    r.hear(2, promise{ours, {}, {}});
    auto const* asked = sent<confirm>(r.out.now);
    REQUIRE(asked != nullptr);
    confirmed const yes{ours, asked->round};
    r.hear(1, yes);
    r.hear(2, yes);
    auto const* answer = sent<probed>(r.out.now);
    REQUIRE(answer != nullptr);
    CHECK(answer->attempt == 7);
    CHECK(answer->in == ours);
}

TEST_CASE("whoever promises again that it knows more is asked again, and not whom chance names") {
    bounded_replica r(3);
    ballot const ours = stand(r, propose{{1}, shared_bytes("a")});
    promise const knows{ours, {5}, {}};
    r.hear(0, promise{ours, {}, {}});
    r.hear(1, knows); // it leads, and has to learn these slots first
    std::size_t asked = 0;
    for (int i = 0; i < 2000 && asked < 20; ++i) { // its lessons are lost
        r.now += std::chrono::milliseconds(20);
        r.step(woken{});
        for (outgoing const& o : r.out.now) {
            if (!std::holds_alternative<fetch>(o.content)) continue;
            ++asked;
            CHECK(o.to == r.members[1]);
        }
        r.hear(1, knows);
        REQUIRE(sent<fetch>(r.out.now) == nullptr); // a timer asks, not every answer
    }
    CHECK(asked == 20);
}

TEST_CASE("who stood despite a proposer and found no promises stands again without that grudge") {
    bounded_replica r(3);
    ballot const theirs{{5}, {2}, {2}};
    r.hear(1, accept{theirs, {1}, {}, value_of(5)});
    r.step(complaint{});
    r.now += cell_options().probe_timeout;
    auto const* first = sent<canvass>(r.step(woken{}).now);
    REQUIRE(first != nullptr);
    CHECK(first->despite == theirs);
    auto const attempt = first->attempt;
    REQUIRE(sent<prepare>(r.hear(2, canvassed{attempt, {}, {}}).now) != nullptr);
    canvass const* again = nullptr;
    for (int i = 0; i < 1000 && again == nullptr; ++i) {
        r.now += std::chrono::milliseconds(20);
        again = sent<canvass>(r.step(woken{}).now);
    }
    REQUIRE(again != nullptr);
    CHECK_FALSE(again->despite);
}

TEST_CASE("what an acceptor reports in one promise fits into a frame, whatever was proposed") {
    bounded_replica r(16);
    ballot const old{{1}, {2}, {2}};
    for (std::uint64_t at = 2; at <= 16; ++at)
        r.hear(1, accept{old, {at}, {}, value_of(limits::batch_bytes_max - 100)});
    // The first unknown slot is taken in any case, else nothing would ever make room.
    r.hear(1, accept{old, {1}, {}, value_of(limits::batch_bytes_max - 100)});
    REQUIRE(sent<accepted>(r.out.after_durable) != nullptr);
    r.hear(2, prepare{ballot{{2}, {3}, {3}}, {1}});
    auto const* answer = sent<promise>(r.out.after_durable);
    REQUIRE(answer != nullptr);
    CHECK(answer->accepted.size() >= 3);
    bytes encoded;
    encode(*answer, encoded);
    CHECK(encoded.size() + 1024 < limits::frame_bytes_max);
}

TEST_CASE("nor does what was taught above a gap make a promise that does not") {
    bounded_replica r(16);
    ballot const old{{1}, {2}, {2}};
    for (std::uint64_t at = 3; at <= 10; ++at) // slot 2 is missing
        r.hear(1, slice{{at}, {value_of(limits::batch_bytes_max - 100)}, {10}});
    r.hear(1, accept{old, {1}, {}, value_of(limits::batch_bytes_max - 100)});
    r.hear(2, prepare{ballot{{2}, {3}, {3}}, {1}});
    auto const* answer = sent<promise>(r.out.after_durable);
    REQUIRE(answer != nullptr);
    CHECK(answer->accepted.size() == 3); // slot 1, and as many as have room above
    CHECK(answer->accepted[1].chosen);
    bytes encoded;
    encode(*answer, encoded);
    CHECK(encoded.size() + 1024 < limits::frame_bytes_max);
}

TEST_CASE("a proposer has no more in flight than an acceptor takes") {
    bounded_replica r(16);
    ballot const ours = stand(r, propose{{1}, shared_bytes(bytes(10, 'a'))});
    r.hear(1, promise{ours, {}, {}});
    r.hear(2, promise{ours, {}, {}});
    std::size_t in_flight = 0;
    for (std::uint64_t n = 2; n < 18; ++n) {
        r.step(propose{{n}, shared_bytes(bytes(limits::batch_bytes_max - 100, 'b'))});
        for (outgoing const& o : r.out.now) {
            auto const* a = std::get_if<accept>(&o.content);
            if (a && o.to.server == server_id{2}) in_flight += a->value.encoded().size();
        }
    }
    CHECK(in_flight > limits::batch_bytes_max);
    CHECK(in_flight < limits::frame_bytes_max - limits::batch_bytes_max);
}

TEST_CASE("a late repeat of an old accept is answered with its slot at most, never with a state") {
    cell_options options;
    options.checkpoint_log_entries = 10;
    options.kept_log_entries = 3;
    group g(3, 1, options);
    for (int i = 0; i < 40; ++i) {
        g.propose_at(0, std::to_string(i));
        g.settle();
    }
    REQUIRE(g.leader() == 0u);
    ballot const in = g.at(0).promised();
    auto const repeat = [&](slot at) {
        effects out;
        g.at(1).step({g.now(), *g.of(1).servers},
                     received{g.of(0).self.server, g.of(0).self.replica, accept{in, at, {}, value_of(10)}},
                     out);
        return out;
    };
    effects const far = repeat({2});
    CHECK(!far.want_snapshot);
    REQUIRE(far.now.size() == 1);
    CHECK(std::get<slice>(far.now[0].content) == slice{{2}, {}, {40}});
    effects const near = repeat({39});
    REQUIRE(near.now.size() == 1);
    CHECK(std::get<slice>(near.now[0].content).values.size() == 1);
}

TEST_CASE("a member that a pointer names asks the others there, never itself") {
    bounded_replica r(3);
    for (int i = 0; i < 20; ++i) {
        auto const& answer = r.hear(1, moved{configuration(r.members)});
        REQUIRE(sent<fetch>(answer.now) != nullptr);
        CHECK(answer.now.front().to != r.members[0]);
    }
    member const alone = r.members[0];
    CHECK(r.hear(1, moved{configuration(std::vector<member>{alone})}).now.empty());
    CHECK(r.hear(1, moved{}).now.empty());
}
