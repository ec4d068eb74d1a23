// The forms of an asynchronous call: coroutines with temporaries, callbacks, futures; executors and
// allocators.
#include "remote/fake_server.hpp"

#include <zooid/remote/remote_lease.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <memory_resource>
#include <thread>

using namespace remote_test;
using kv::transaction;

namespace {

// Long enough not to fit into a string's own space: a temporary that is destroyed twice is freed twice.
std::string long_key(char c) {
    return std::string(100, c);
}

asio::awaitable<void> await_each_call_of_a_lease(remote_client& client) {
    auto const executor = co_await asio::this_coro::executor;
    auto const lease =
        remote_lease::open(client, executor, long_key('c'), long_key('l'), {long_key('h'), 60s}).value();
    auto const lost = co_await lease->async_renew({.deadline = 20s}, asio::use_awaitable);
    CHECK(lost.error() == errc::conflict);
    auto const taken = co_await lease->async_acquire({.deadline = 20s}, asio::use_awaitable);
    CHECK(lease->holds());
    CHECK(lease->remaining() > 30s);
    auto const renewed = co_await lease->async_renew({.deadline = 20s}, asio::use_awaitable);
    CHECK(renewed.value() > taken.value());
    auto const seen = co_await lease->async_observe({.deadline = 20s}, asio::use_awaitable);
    CHECK(seen.error() == errc::malformed); // the script answers without an entry
    auto const freed = co_await lease->async_release({.deadline = 20s}, asio::use_awaitable);
    CHECK(freed);
    CHECK_FALSE(lease->holds());
}

asio::awaitable<void> await_each_call(remote_client& client, int& done) {
    std::int64_t const g = 7;
    auto const r = co_await client.commit(
        the_cell, transaction().require_equal(long_key('g'), g).put(long_key('p'), long_key('b')),
        {.deadline = 20s}, asio::use_awaitable);
    CHECK(r.value().is_committed());
    CHECK(r.value().token.birth == generation{1});
    auto const by_key =
        co_await client.commit(long_key('k'), transaction().put(long_key('p'), long_key('b')),
                               {.deadline = 20s, .birth = generation{1}}, asio::use_awaitable);
    CHECK(by_key.value().token > r.value().token);
    auto const read = co_await client.read(the_cell, transaction().read(long_key('p')), {.deadline = 20s},
                                           asio::use_awaitable);
    CHECK(read.value().is_committed());
    auto const seen =
        co_await client.prefix_read(the_cell, transaction().scan(long_key('p')), {}, asio::use_awaitable);
    CHECK(seen.value().is_committed());
    auto const where = co_await client.locate(long_key('k'), {.deadline = 20s}, asio::use_awaitable);
    CHECK(where.value().cell == the_cell);
    auto const status = co_await client.ask(operation::status, server_id{1}, long_key('k'), long_key('x'),
                                            {.deadline = 20s}, asio::use_awaitable);
    CHECK(status.value().payload == "{}");
    auto const refused =
        co_await client.read(the_cell, transaction().put(long_key('p'), 1), {}, asio::use_awaitable);
    CHECK(refused.error() == errc::invalid_argument);
    auto const leased = co_await client.leased_read(the_cell, transaction().read(long_key('p')),
                                                    {.deadline = 20s}, asio::use_awaitable);
    CHECK(leased.value().is_committed());
    co_await await_each_call_of_a_lease(client);
    co_await client.async_stop(20s, asio::use_awaitable);
    auto const late = co_await client.commit(the_cell, transaction().put(long_key('p'), 1), {.deadline = 20s},
                                             asio::use_awaitable);
    CHECK(late.error() == errc::stopping);
    ++done;
}

} // namespace

TEST_CASE("each asynchronous call can be awaited with temporaries as arguments") {
    colony c;
    auto const client = c.connect();
    int done = 0;
    asio::co_spawn(c.context, await_each_call(*client, done), asio::detached);
    c.run_until([&] { return done == 1; });
}

TEST_CASE(
    "a callback runs once, on its executor, never inside of the call, and holds its allocator's memory") {
    colony c;
    auto const client = c.connect();
    asio::io_context other;
    std::pmr::monotonic_buffer_resource memory;
    struct counting : std::pmr::memory_resource {
        std::pmr::memory_resource* under = nullptr;
        int taken = 0, live = 0;
        void* do_allocate(std::size_t n, std::size_t a) override {
            return ++taken, ++live, under->allocate(n, a);
        }
        void do_deallocate(void* p, std::size_t n, std::size_t a) override {
            --live, under->deallocate(p, n, a);
        }
        bool do_is_equal(std::pmr::memory_resource const& o) const noexcept override { return this == &o; }
    } counted;
    counted.under = &memory;
    int ran = 0;
    auto handler = [&](result<transaction_reply> r) {
        CHECK(r.has_value());
        CHECK(other.get_executor().running_in_this_thread());
        CHECK(counted.live == 0);
        ++ran;
    };
    client->commit(the_cell, transaction().put("k", "v"), {.deadline = 20s},
                   asio::bind_executor(other.get_executor(),
                                       asio::bind_allocator(std::pmr::polymorphic_allocator<char>(&counted),
                                                            std::move(handler))));
    CHECK(ran == 0);
    CHECK(counted.taken > 0);
    c.run_until([&] { return other.poll() > 0 || ran > 0; });
    CHECK(ran == 1);
}

TEST_CASE("an error that is known at once is not reported inside of the call either") {
    colony c;
    auto const client = c.connect();
    int ran = 0;
    client->commit(the_cell, transaction().put(std::string(2000, 'k'), "v"), {},
                   [&](result<transaction_reply> r) {
                       CHECK(r.error() == errc::too_large);
                       ++ran;
                   });
    CHECK(ran == 0);
    c.run_until([&] { return ran == 1; });
}

TEST_CASE("many threads share one client, each call ends once") {
    colony c;
    auto client = c.connect();
    auto guard = asio::make_work_guard(c.context);
    std::vector<std::thread> runners, callers;
    for (int i = 0; i < 2; ++i)
        runners.emplace_back([&] { c.context.run(); });
    std::atomic<int> committed{0};
    for (int t = 0; t < 3; ++t) {
        callers.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                auto r =
                    client->commit(the_cell, transaction().put("k", i), {.deadline = 60s}, asio::use_future);
                if (r.get().has_value()) ++committed;
                (void)client->statistics();
            }
        });
    }
    for (auto& t : callers)
        t.join();
    CHECK(committed == 150);
    client.reset();
    guard.reset();
    c.context.stop();
    for (auto& t : runners)
        t.join();
}
