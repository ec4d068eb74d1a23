// How calls end when somebody else ends them: cancellation, stopping, destruction; and what is refused at the
// door.
#include "remote/fake_server.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

using namespace remote_test;
using kv::transaction;

namespace {

// Remembers how a call ended, and how often.
struct witness {
    auto handler() {
        return [this](result<transaction_reply> r) {
            last = r.has_error() ? r.error() : error(errc::in_use), ++ended;
        };
    }
    int ended = 0;
    error last = errc::in_use; // stands for "no error"
};

} // namespace

TEST_CASE("a commit that was sent is cancelled as outcome_unknown, one that was not as cancelled") {
    colony c;
    auto const client = c.connect();
    c.server->mute = true;
    asio::cancellation_signal signal;
    witness sent, unsent;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s},
                   asio::bind_cancellation_slot(signal.slot(), sent.handler()));
    c.run_until([&] { return c.server->commits > 0; });
    signal.emit(asio::cancellation_type::terminal);
    CHECK(sent.ended == 0);
    c.run_until([&] { return sent.ended > 0; });
    CHECK(sent.last == errc::outcome_unknown);

    asio::cancellation_signal early;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s},
                   asio::bind_cancellation_slot(early.slot(), unsent.handler()));
    early.emit(asio::cancellation_type::total);
    c.run_until([&] { return unsent.ended > 0; });
    CHECK((unsent.last == errc::cancelled || unsent.last == errc::outcome_unknown));

    signal.emit(asio::cancellation_type::terminal); // of a call that has ended: nothing
    c.context.poll();
    CHECK(sent.ended == 1);
}

TEST_CASE("a call that no server was asked for yet is cancelled") {
    colony c;
    auto options = c.options();
    options.servers[0].port = 1; // nobody listens
    auto const client = std::move(remote_client::open(options, c.context.get_executor()).value());
    asio::cancellation_signal signal;
    witness w;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s},
                   asio::bind_cancellation_slot(signal.slot(), w.handler()));
    c.context.poll();
    signal.emit(asio::cancellation_type::terminal);
    c.run_until([&] { return w.ended > 0; });
    CHECK(w.last == errc::cancelled);
}

TEST_CASE("destruction ends every call in flight once") {
    colony c;
    c.server->mute = true;
    auto client = c.connect();
    std::vector<witness> w(20);
    for (std::size_t i = 0; i < 10; ++i)
        client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s}, w[i].handler());
    c.run_until([&] { return c.server->commits == 10; });
    for (std::size_t i = 10; i < 20; ++i)
        client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s}, w[i].handler());
    client.reset();
    c.run_until(
        [&] { return std::all_of(w.begin(), w.end(), [](auto const& one) { return one.ended > 0; }); });
    c.context.poll();
    for (std::size_t i = 0; i < 20; ++i) {
        CHECK(w[i].ended == 1);
        CHECK(w[i].last == (i < 10 ? errc::outcome_unknown : errc::stopping));
    }
}

TEST_CASE("a context that is destroyed with calls in flight takes their handlers with it") {
    auto const alive = std::make_shared<int>(0);
    {
        colony c;
        c.server->mute = true;
        auto client = c.connect();
        client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s},
                       [alive](result<transaction_reply> const&) { FAIL("nobody runs the context"); });
        c.run_until([&] { return c.server->commits == 1; });
        client.reset();
        c.server.reset();
    }
    CHECK(alive.use_count() == 1);
}

TEST_CASE("a client may be destroyed from inside of its own handler") {
    colony c;
    auto client = c.connect();
    int ended = 0;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 20s},
                   [&](result<transaction_reply> const&) {
                       client.reset();
                       ++ended;
                   });
    c.run_until([&] { return ended == 1; });
    c.context.poll();
}

TEST_CASE("stopping lets calls finish for a while, then ends them, then completes") {
    colony c;
    c.server->mute = true;
    auto const client = c.connect();
    witness w;
    std::vector<int> order;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s}, w.handler());
    c.run_until([&] { return c.server->commits == 1; });
    client->async_stop(50ms, [&] { order.push_back(w.ended); });
    c.run_until([&] { return !order.empty(); });
    CHECK(order == std::vector<int>{1});
    CHECK(w.last == errc::outcome_unknown);
    client->async_stop(50ms, [&] { order.push_back(2); });
    c.run_until([&] { return order.size() == 2; });
}

TEST_CASE("a deadline ends a call even if no server ever listens") {
    colony c;
    auto options = c.options();
    options.servers[0].port = 1;
    auto const client = std::move(remote_client::open(options, c.context.get_executor()).value());
    witness w;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 100ms}, w.handler());
    c.run_until([&] { return w.ended == 1; });
    CHECK(w.last == errc::timed_out);
}

TEST_CASE("a server that goes away and comes back is dialled again") {
    colony c;
    auto const client = c.connect();
    witness a, b;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 20s}, a.handler());
    c.run_until([&] { return a.ended == 1; });
    CHECK(a.last == errc::in_use);
    auto const port = c.server->endpoint->port();
    c.server.reset();
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 20s}, b.handler());
    c.run_until(
        [&] { return client->statistics().attempts > 3; }); // where is it, a slot, a commit; and again
    CHECK(b.ended == 0);
    c.server = std::make_unique<fake_server>(c.strand, server_id{1}, port);
    c.run_until([&] { return b.ended == 1; });
    CHECK(b.last == errc::in_use);
    CHECK(c.server->commits == 1);
}

TEST_CASE("stopping with nothing under way waits for nothing, and what comes later is refused") {
    colony c;
    auto const client = c.connect();
    int stopped = 0;
    client->async_stop(1h, [&] { ++stopped; });
    c.run_until([&] { return stopped == 1; });
    witness late;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s}, late.handler());
    c.run_until([&] { return late.ended == 1; });
    CHECK(late.last == errc::stopping);
}

TEST_CASE("while a client stops new calls are refused at once, and a second stop may shorten the first") {
    colony c;
    c.server->mute = true;
    auto const client = c.connect();
    witness under_way, late;
    int stopped = 0;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s}, under_way.handler());
    c.run_until([&] { return c.server->commits == 1; });
    client->async_stop(1h, [&] { ++stopped; });
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 60s}, late.handler());
    c.run_until([&] { return late.ended == 1; });
    CHECK(late.last == errc::stopping);
    CHECK(under_way.ended == 0);
    client->async_stop(0s, [&] { ++stopped; });
    client->async_stop(1h, [&] { ++stopped; });
    c.run_until([&] { return stopped == 3; });
    CHECK(under_way.last == errc::outcome_unknown);
}

TEST_CASE("the generation that a caller means travels with the request") {
    colony c;
    auto const client = c.connect();
    std::vector<generation> seen;
    c.server->on_asked = [&](request const& r) {
        if (r.op == operation::commit || r.op == operation::strict_read) seen.push_back(r.birth);
    };
    witness w;
    client->commit(the_cell, transaction().put("k", 1), {.deadline = 20s, .birth = {7}}, w.handler());
    c.run_until([&] { return w.ended == 1; });
    client->read(the_cell, transaction().read("k"), {.deadline = 20s, .birth = {8}}, w.handler());
    c.run_until([&] { return w.ended == 2; });
    CHECK(seen == std::vector<generation>{{7}, {8}});
}

TEST_CASE("options that make no sense are refused at the door, naming what is wrong") {
    colony c;
    auto const refused = [&](auto change) {
        auto options = c.options();
        change(options);
        auto opened = remote_client::open(options, c.context.get_executor());
        REQUIRE(opened.has_error());
        return opened.error().message();
    };
    CHECK(refused([](auto& o) { o.servers.clear(); }) == "invalid_argument: no server is given");
    CHECK(refused([](auto& o) { o.servers.push_back(o.servers[0]); }) ==
          "invalid_argument: server 1 of the list has the id of server 0");
    CHECK(refused([](auto& o) { o.servers[0].host.clear(); }) ==
          "invalid_argument: server 0 of the list has no address");
    CHECK(refused([](auto& o) { o.keys = colony_keys(); }).find("not a client's") != std::string::npos);
    CHECK(refused([](auto& o) { o.attempts.fan_out = 0; }) == "invalid_argument: fan_out must be positive");
}
