#include "runtime/rig.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <set>

using namespace rig;

namespace {

kv::transaction put(std::string const& key, std::int64_t n) {
    return kv::transaction().put(key, kv::integer(n));
}

} // namespace

TEST_CASE("a commit over TCP is durable: all servers crash at once and it is still there") {
    auto const thread = GENERATE(flush_thread::blocking, flush_thread::owner, flush_thread::adaptive);
    colony_of three(3, false, thread);
    cell_id const cell = three.found("volume");
    for (int i = 1; i <= 20; ++i)
        CHECK(committed(three.commit(cell, put("n", i))).version.value == static_cast<std::uint64_t>(i));
    for (std::size_t i = 0; i < 3; ++i)
        three.crash(i);
    for (std::size_t i = 0; i < 3; ++i)
        three.start(i);
    auto const after = committed(three.commit(cell, kv::transaction().read("n")));
    REQUIRE(after.find("n"));
    CHECK(after.find("n")->content == kv::value(kv::integer(20)));
}

TEST_CASE("two of three servers go on, and the third catches up when it is back") {
    colony_of three(3);
    cell_id const cell = three.found("volume");
    (void)three.commit(cell, put("n", 1));
    std::size_t const gone = three.leader(cell);
    three.crash(gone);
    for (int i = 2; i <= 10; ++i)
        (void)three.commit(cell, put("n", i));
    three.start(gone);
    auto const goal = three.at((gone + 1) % 3).explain(cell)->applied;
    run_until(three.io, [&] { return three.at(gone).explain(cell)->applied >= goal; });
    auto const mine = three.at(gone).explain(cell);
    run_until(three.io, [&] { return three.at((gone + 1) % 3).explain(cell)->applied >= mine->applied; });
    CHECK(mine->quarantine.empty());
}

TEST_CASE("a stop with calls in flight answers or drops each, hands over, and completes") {
    colony_of three(3);
    cell_id const cell = three.found("volume");
    (void)three.commit(cell, put("n", 0));
    std::size_t const leader = three.leader(cell);
    caller c(three.io, three.port(leader));
    bytes const wanted = command(put("n", 1));
    for (int i = 0; i < 200; ++i)
        (void)c.ask(operation::commit, cell, wanted);
    three.io.restart();
    three.io.poll_one();
    std::optional<result<void>> stopped;
    std::optional<result<void>> again;
    three.at(leader).async_stop(20s, [&](result<void> r) { stopped = std::move(r); });
    three.at(leader).async_stop(20s, [&](result<void> r) { again = std::move(r); });
    CHECK_FALSE(stopped);
    run_until(three.io, [&] { return stopped && again && c.down; });
    CHECK(*stopped);
    REQUIRE(!*again);
    CHECK(again->error() == errc::stopping);
    for (auto const& [number, answer] : c.answers)
        CHECK((!answer.failure || *answer.failure != errc::timed_out));
    (void)three.at(leader).snapshot();
    three.crash(leader);
    (void)three.commit(cell, put("n", 2));
    CHECK(three.leader(cell) != leader);
}

TEST_CASE("a destroyed server calls nobody back, and one that is being stopped ends the stop as cancelled") {
    colony_of three(3);
    cell_id const cell = three.found("volume");
    (void)three.commit(cell, put("n", 0));
    std::size_t const leader = three.leader(cell);
    caller c(three.io, three.port(leader));
    bytes const wanted = command(put("n", 1));
    for (int i = 0; i < 200; ++i)
        (void)c.ask(operation::commit, cell, wanted);
    run_until(three.io, [&] { return three.at(leader).snapshot().server.commits_admitted > 10; });
    std::optional<result<void>> stopped;
    three.at(leader).async_stop(20s, [&](result<void> r) { stopped = std::move(r); });
    three.crash(leader);
    run_until(three.io, [&] { return c.down && stopped; });
    REQUIRE(!*stopped);
    CHECK(stopped->error() == errc::cancelled);
    (void)three.commit(cell, put("n", 2));
}

TEST_CASE("a stop that can't finish is cut off at its deadline") {
    colony_of three(3);
    cell_id const cell = three.found("volume");
    (void)three.commit(cell, put("n", 0));
    std::promise<void> release;
    asio::post(three.disk, [wait = release.get_future().share()] { wait.wait(); });
    caller c(three.io, three.port(0));
    (void)c.ask(operation::reserve, {1, 2}, encode(reserve_request{{1, 2}, {1}})); // waits for a flush
    run_until(three.io, [&] {
        return three.at(0).snapshot().server.turns_persisted > 0 && !three.at(0).host().is_quiet();
    });
    auto stopped = three.at(0).async_stop(50ms, asio::use_future);
    run_until(three.io, [&] { return stopped.wait_for(0s) == std::future_status::ready; });
    auto const outcome = stopped.get();
    REQUIRE(!outcome);
    CHECK(outcome.error() == errc::timed_out);
    release.set_value();
}

TEST_CASE("a choice is reported as durable before its reply is seen, on a quorum and with one state") {
    auto const thread = GENERATE(flush_thread::blocking, flush_thread::owner, flush_thread::adaptive);
    colony_of three(3, true, thread);
    cell_id const cell = three.found("volume");
    auto const answer = three.commit(cell, put("n", 5));
    std::set<std::pair<std::uint64_t, std::uint64_t>> accepted_by;
    for (std::size_t i = 0; i < 3; ++i) {
        for (durable_fact const& f : three.seen(i).facts) {
            if (f.at != answer.at) continue;
            if (f.what == durable_fact::kind::acceptance) accepted_by.insert({i, f.replica.value});
        }
    }
    CHECK(accepted_by.size() >= 2);
    run_until(three.io, [&] {
        std::size_t told = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            for (durable_fact const& f : three.seen(i).facts)
                told += f.at == answer.at && f.what == durable_fact::kind::chosen;
        }
        return told == 3;
    });
    std::set<std::string> states;
    for (std::size_t i = 0; i < 3; ++i) {
        for (durable_fact const& f : three.seen(i).facts) {
            if (f.at == answer.at && f.what == durable_fact::kind::chosen)
                states.insert(to_string(f.state_digest));
        }
    }
    CHECK(states.size() == 1);
}

TEST_CASE("a snapshot counts commits, flushes and turns, and a turn takes in what arrived together") {
    colony_of three(3);
    cell_id const cell = three.found("volume");
    (void)three.commit(cell, put("n", 0));
    std::size_t const leader = three.leader(cell);
    caller c(three.io, three.port(leader));
    std::uint64_t const before = three.at(leader).snapshot().commit_latency.count();
    bytes const wanted = command(put("n", 1));
    for (int i = 0; i < 100; ++i)
        (void)c.ask(operation::commit, cell, wanted);
    run_until(three.io, [&] { return c.answers.size() == 100; });
    auto const s = three.at(leader).snapshot();
    CHECK(s.commit_latency.count() == before + 100);
    CHECK(s.flush_latency.count() > 0);
    CHECK(s.flush_latency.min() > 0);
    CHECK(s.turn_inputs.max() >= 10);
    CHECK(s.transport.peers_up == 2);
    CHECK(s.server.turns_persisted < 100);
    REQUIRE(three.at(leader).explain(cell));
    CHECK(three.at(leader).explain(cell)->key == "volume");
    CHECK_FALSE(three.at(leader).explain(cell_id{9, 9}));
}

TEST_CASE("observers hear of readiness and of peers that come and go") {
    colony_of two(2);
    run_until(two.io, [&] { return two.seen(0).saw<server_ready>() && two.seen(0).saw<peer_connected>(); });
    two.crash(1);
    run_until(two.io, [&] { return two.seen(0).saw<peer_disconnected>(); });
}

TEST_CASE("a server in memory commits, and comes back as another journal without its cells") {
    asio::io_context io;
    asio::thread_pool disk(1);
    recorder seen;
    running_server_options o;
    o.server = {1};
    o.keys = colony();
    o.listen = {"127.0.0.1", 0};
    o.storage = journal_storage::volatile_memory;
    o.journal.journal.segment_bytes = 1 << 20;
    auto server = open_server(o, io.get_executor(), disk.get_executor(), seen).value();
    run_until(io, [&] { return seen.saw<server_ready>(); });
    caller c(io, server->port());
    cell_id const cell{1, 1};
    auto const reserved = c.call(io, operation::reserve, cell, encode(reserve_request{cell, {1}}));
    member const self = decode_member(reserved.payload).value();
    CHECK(self.journal == server->journal());
    snapshot founding;
    founding.cell = cell, founding.key = "one", founding.birth = {1};
    founding.configurations = {{{1}, configuration({&self, 1})}};
    REQUIRE(!c.call(io, operation::found, cell, encode(founding)).failure);
    for (int i = 0; i < 50; ++i)
        CHECK(!c.call(io, operation::commit, cell, command(put("n", i))).failure);
    auto const first = server->journal();
    server.reset();
    server = open_server(o, io.get_executor(), disk.get_executor(), seen).value();
    CHECK(server->journal() != first);
    CHECK(server->host().cells().empty());
}
