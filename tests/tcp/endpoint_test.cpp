#include "support/catch.hpp"
#include "support/run_until.hpp"
#include "support/sanitised.hpp"

#include <zooid/tcp/acceptor.hpp>
#include <zooid/tcp/connection.hpp>
#include <zooid/tcp/endpoint.hpp>
#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <functional>
#include <stdexcept>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

using namespace zooid;
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

key_ring const& colony() {
    static key_ring const ring = make_colony_keys().value();
    return ring;
}

struct server : transport_listener {
    std::vector<std::string> log;
    std::vector<refused_connection> refused;
    std::size_t frames = 0;
    std::size_t bytes_in = 0;
    int ups = 0;
    int downs = 0;
    bool echo = false;
    bool keeps_links = false;
    bool refuses = false;
    std::unique_ptr<tcp_endpoint> endpoint;

    bytes claims_for(server_id peer) override { return "claims for " + to_string(peer); }
    result<void> on_peer_up(hello const& peer) override {
        if (refuses) return error(errc::wrong_owner, "nobody is welcome");
        ++ups;
        log.push_back("up " + to_string(peer.server) + ": " + peer.claims);
        return outcome::success();
    }
    result<void> may_replace_link(hello const&) override {
        if (keeps_links) return error(errc::wrong_owner, "the other one is kept");
        return outcome::success();
    }
    void on_frame(server_id from, channel on, bytes_view payload) override {
        ++frames;
        bytes_in += payload.size();
        if (payload.size() < 100) log.push_back(to_string(from) + ": " + std::string(payload));
        if (echo) (void)endpoint->send(from, on, payload);
    }
    void on_peer_down(server_id peer, error const&) override {
        ++downs;
        log.push_back("down " + to_string(peer));
    }
    void on_request(requester from, bytes_view request) override {
        REQUIRE(endpoint->reply(from.link, std::string(name_of(from.role)) + " re " + std::string(request)));
    }
    void on_refused(refused_connection const& r) override { refused.push_back(r); }

    tcp_endpoint_options options(std::uint64_t id, std::vector<tcp_peer> peers = {}) const {
        tcp_endpoint_options o;
        o.self = {id};
        o.life = {id * 1000 + static_cast<std::uint64_t>(ups)};
        o.keys = colony();
        o.listen = {"127.0.0.1", 0};
        o.peers = std::move(peers);
        o.backoff_min = 5ms;
        o.backoff_max = 50ms;
        return o;
    }
    void open(asio::io_context& io, tcp_endpoint_options const& o) {
        endpoint = tcp_endpoint::open(io.get_executor(), o, *this).value();
    }
    tcp_address address() const { return {"127.0.0.1", endpoint->port()}; }
};

struct caller : client_link_listener {
    std::vector<std::string> log;
    close_reason reason = close_reason::none;
    error why = errc::unreachable;
    std::unique_ptr<tcp_connection> link;

    void on_up(hello const& s) override { log.push_back("up " + to_string(s.server)); }
    void on_reply(bytes_view reply) override { log.emplace_back(reply); }
    void on_down(close_reason r, error const& w) override {
        log.push_back("down");
        reason = r;
        why = w;
    }
    void open(asio::io_context& io, tcp_address const& to, key_ring const& colony_ring = colony()) {
        tcp_connection_options o;
        o.address = to;
        o.keys = issue_client_keys(hmac_sha256(), colony_ring, {77});
        o.life = {5};
        link = tcp_connection::open(io.get_executor(), o, *this).value();
    }
};

// Runs the executor until the claim holds; a claim that never does fails the test.
void run_until(asio::io_context& io, std::function<bool()> const& claim) {
    test_support::run_until(io, claim, 20s);
}

std::uint16_t unused_port(asio::io_context& io) {
    asio::ip::tcp::acceptor a(io, {asio::ip::make_address("127.0.0.1"), 0});
    return a.local_endpoint().port();
}

enum class dialling { one_way, both_ways };

// Two servers; the second dials the first, and the first may dial too.
struct two {
    asio::io_context io{1};
    server a;
    server b;
    explicit two(dialling d = dialling::one_way) {
        a.open(io, a.options(1));
        b.open(io, b.options(2, {{{1}, a.address()}}));
        if (d == dialling::both_ways) a.endpoint->set_peer({{2}, b.address()});
        run_until(io, [&] { return a.endpoint->is_up({2}) && b.endpoint->is_up({1}); });
    }
};

} // namespace

TEST_CASE("two endpoints come up with each other's claims and exchange frames") {
    two t;
    CHECK(t.a.log.at(0) == "up 2: claims for 1");
    CHECK(t.b.log.at(0) == "up 1: claims for 2");
    std::size_t const before = t.a.endpoint->statistics().writes;
    for (int i = 0; i < 100; ++i)
        REQUIRE(t.a.endpoint->send({2}, channel::cells, "frame"));
    CHECK(t.b.frames == 0);
    t.a.endpoint->flush();
    CHECK(t.a.endpoint->statistics().writes == before + 1); // everything queued in one write
    run_until(t.io, [&] { return t.b.frames == 100; });
}

TEST_CASE("frames that nobody flushes leave by themselves") {
    two t;
    REQUIRE(t.a.endpoint->send({2}, channel::pulse, "x"));
    run_until(t.io, [&] { return t.b.frames == 1; });
}

TEST_CASE("when both ends dial at once, one connection is kept at both, whichever came first") {
    for (int round = 0; round < 30; ++round) {
        two t(dialling::both_ways);
        // Nothing is left to be decided when no dial and no handshake is under way: then frames pass both
        // ways.
        t.a.echo = true;
        std::size_t echoes = 0;
        run_until(t.io, [&] {
            echoes = t.b.frames;
            if (t.b.endpoint->is_up({1})) (void)t.b.endpoint->send({1}, channel::cells, "x");
            return echoes >= 20;
        });
        CHECK(t.a.ups - t.a.downs == 1);
        CHECK(t.b.ups - t.b.downs == 1);
        CHECK(t.a.endpoint->statistics().peers_up == 1);
    }
}

TEST_CASE("a peer that restarts, on another port and with another life, is found again") {
    two t;
    t.b.endpoint.reset(); // a crash
    run_until(t.io, [&] { return t.a.downs > 0 && !t.a.endpoint->is_up({2}); });
    CHECK(t.a.endpoint->send({2}, channel::cells, "x").error() == errc::unreachable);
    CHECK(t.a.endpoint->statistics().dropped_unreachable == 1);
    int const ups = t.a.ups;
    t.b.open(t.io, t.b.options(2, {{{1}, t.a.address()}}));
    run_until(t.io, [&] { return t.a.ups > ups && t.a.endpoint->is_up({2}); });
}

TEST_CASE("a peer that is refused whenever it comes up dials at growing intervals") {
    asio::io_context io{1};
    server a, b;
    a.refuses = true;
    a.open(io, a.options(1));
    b.open(io, b.options(2, {{{1}, a.address()}})); // 5 ms at first, then up to 50, at least half of each
    auto const begin = std::chrono::steady_clock::now();
    run_until(io, [&] { return a.refused.size() >= 8; });
    CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
    CHECK(a.refused.back().failure == errc::wrong_owner);
    a.refuses = false;
    run_until(io, [&] { return a.endpoint->is_up({2}) && b.endpoint->is_up({1}); });
}

TEST_CASE("of two processes that prove to be the same peer the listener may keep the one whose link is up") {
    two t;
    bool const keeps = GENERATE(true, false);
    t.a.keeps_links = keeps;
    server copy;
    tcp_endpoint_options o = copy.options(2, {{{1}, t.a.address()}});
    o.life = {77};
    copy.open(t.io, o);
    run_until(t.io, [&] { return keeps ? !t.a.refused.empty() : t.a.ups > 1; });
    CHECK(t.a.downs == (keeps ? 0 : 1));
    CHECK(t.a.ups == (keeps ? 1 : 2));
    if (!keeps) return;
    CHECK(t.a.refused.front().peer == server_id{2});
    CHECK(t.a.refused.front().failure == errc::wrong_owner);
    REQUIRE(t.b.endpoint->send({1}, channel::cells, "still here"));
    run_until(t.io, [&] { return t.a.frames == 1; });
    CHECK(t.a.log.back() == "2: still here");
}

TEST_CASE("a peer that was unreachable is dialled with back-off until it is there") {
    asio::io_context io{1};
    std::uint16_t const port = unused_port(io);
    server a;
    a.open(io, a.options(1, {{{2}, {"127.0.0.1", port}}}));
    run_until(io, [&] { return a.refused.size() >= 3; });
    CHECK(a.refused[0].failure == errc::unreachable);
    CHECK(a.refused[0].peer == server_id{2});
    CHECK(a.refused[0].address == "127.0.0.1:" + std::to_string(port));
    server b;
    tcp_endpoint_options o = b.options(2);
    o.listen.port = port;
    b.open(io, o);
    run_until(io, [&] { return a.endpoint->is_up({2}); });
}

TEST_CASE("a peer that moved is dialled where it is now, though a dial of its old address still hangs") {
    asio::io_context io;
    // A listener whose queue is full answers no more: the system drops what asks to connect.
    asio::ip::tcp::acceptor full(io);
    full.open(asio::ip::tcp::v4());
    full.bind({asio::ip::make_address("127.0.0.1"), 0});
    full.listen(0);
    std::vector<asio::ip::tcp::socket> queued;
    for (int i = 0; i < 4; ++i) {
        queued.emplace_back(io);
        queued.back().async_connect(full.local_endpoint(), [](auto const&) {});
    }
    server a, b;
    b.open(io, b.options(2));
    auto options = a.options(1, {{{2}, {"127.0.0.1", full.local_endpoint().port()}}});
    options.handshake_timeout = 600s; // the old dial is not given up meanwhile
    a.open(io, options);
    io.run_for(50ms);
    REQUIRE(a.ups == 0);
    REQUIRE(a.refused.empty());
    a.endpoint->set_peer({{2}, b.address()});
    run_until(io, [&] { return a.ups == 1; });
    CHECK(a.log.back() == "up 2: claims for 1");
}

TEST_CASE("a full queue refuses and counts; a slow reader gets everything that was taken") {
    two t;
    bytes const bulk(1024 * 1024, 'b');
    std::size_t taken = 0;
    while (t.a.endpoint->send({2}, channel::cells, bulk))
        ++taken, t.a.endpoint->flush();
    CHECK(taken >= 15);
    CHECK(t.a.endpoint->send({2}, channel::cells, bulk).error() == errc::overloaded);
    CHECK(t.a.endpoint->send({2}, channel::pulse, "alive"));
    CHECK(t.a.endpoint->statistics().frames.dropped_full == 2);
    run_until(t.io, [&] { return t.b.frames == taken + 1; });
    CHECK(t.b.bytes_in == taken * bulk.size() + 5);
    CHECK(t.b.log.back() == "1: alive"); // the last small one; it did not come last
}

TEST_CASE("a client that speaks garbage is refused, and others are served") {
    two t;
    for (std::string garbage : {"GET / HTTP/1.1\r\n\r\n", "\xff\xff\xff\xff\xff\xff\xff\xff"}) {
        std::size_t const before = t.a.refused.size();
        asio::ip::tcp::socket raw(t.io);
        raw.connect({asio::ip::make_address("127.0.0.1"), t.a.endpoint->port()});
        asio::write(raw, asio::buffer(garbage));
        run_until(t.io, [&] { return t.a.refused.size() > before; });
        CHECK(t.a.refused.back().failure == errc::malformed);
        CHECK(t.a.refused.back().peer == server_id{});
    }
    t.a.echo = true;
    REQUIRE(t.b.endpoint->send({1}, channel::cells, "still here"));
    run_until(t.io, [&] { return t.b.frames == 1; });
}

TEST_CASE("who connects and says nothing is hung up on when the handshake takes too long") {
    asio::io_context io{1};
    server a;
    tcp_endpoint_options o = a.options(1);
    o.handshake_timeout = 20ms;
    a.open(io, o);
    asio::ip::tcp::socket raw(io);
    raw.connect({asio::ip::make_address("127.0.0.1"), a.endpoint->port()});
    run_until(io, [&] { return !a.refused.empty(); });
    CHECK(a.refused[0].reason == close_reason::timed_out);
}

TEST_CASE("requests are answered, and a client hears when the server stops") {
    asio::io_context io{1};
    server a;
    a.open(io, a.options(1));
    caller c;
    c.open(io, a.address());
    CHECK(c.link->send("early").error() == errc::unreachable);
    run_until(io, [&] { return c.link->is_up(); });
    for (int i = 0; i < 3; ++i)
        REQUIRE(c.link->send(std::to_string(i)));
    c.link->flush();
    run_until(io, [&] { return c.log.size() == 4; });
    CHECK(c.log == std::vector<std::string>{"up 1", "client re 0", "client re 1", "client re 2"});
    a.endpoint->stop();
    run_until(io, [&] { return c.log.back() == "down"; });
    CHECK(c.reason == close_reason::stopping);
    CHECK(c.why == errc::stopping);
}

TEST_CASE("a client with another secret hears wrong_key, and so does the server") {
    asio::io_context io{1};
    server a;
    a.open(io, a.options(1));
    key_ring other = make_colony_keys().value();
    other.colony = colony().colony;
    caller c;
    c.open(io, a.address(), other);
    run_until(io, [&] { return !c.log.empty() && !a.refused.empty(); });
    CHECK(c.log == std::vector<std::string>{"down"});
    CHECK(c.reason == close_reason::wrong_key);
    CHECK(c.why == errc::authentication_failed);
    CHECK(a.refused.at(0).reason == close_reason::wrong_key);
    CHECK(a.refused.at(0).by_peer);
}

TEST_CASE("nobody listens: the client hears it once, with the address") {
    asio::io_context io{1};
    std::uint16_t const port = unused_port(io);
    caller c;
    c.open(io, {"127.0.0.1", port});
    run_until(io, [&] { return !c.log.empty(); });
    CHECK(c.reason == close_reason::lost);
    CHECK(std::string(c.why.detail()) == "127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST_CASE("connections beyond the limit are told so") {
    asio::io_context io{1};
    server a;
    tcp_endpoint_options o = a.options(1);
    o.connections_max = 1;
    a.open(io, o);
    caller first;
    first.open(io, a.address());
    run_until(io, [&] { return first.link->is_up(); });
    caller second;
    second.open(io, a.address());
    run_until(io, [&] { return !second.log.empty(); });
    CHECK(second.reason == close_reason::full);
    CHECK(first.link->is_up());
}

TEST_CASE("connections leave descriptors for files and for dialling, and come again when there are more") {
    bool const several = GENERATE(false, true); // shards: one port for all, or the endpoint's own
    asio::io_context io{1};
    server a;
    tcp_endpoint_options o = a.options(1);
    std::unique_ptr<tcp_acceptor> acceptor;
    if (several) {
        tcp_acceptor_options listening;
        listening.listen = std::exchange(o.listen, {});
        acceptor = tcp_acceptor::open(io.get_executor(), listening, [&](std::uint16_t, tcp_socket s) {
                       a.endpoint->adopt(std::move(s));
                   }).value();
        acceptor->start();
    }
    a.open(io, o);
    tcp_address const to{"127.0.0.1", several ? acceptor->port() : a.endpoint->port()};
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit limit = before;
    limit.rlim_cur = 256;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    std::vector<int> taken;
    do
        taken.push_back(::dup(0));
    while (taken.back() < 256 - 64 - 8 - 2 && taken.back() >= 0);
    caller first;
    first.open(io, to);
    run_until(io, [&] { return !first.log.empty(); });
    CHECK(!first.link->is_up());
    CHECK(a.refused.size() == (several ? 0 : 1));
    for (refused_connection const& r : a.refused) {
        CHECK(r.reason == close_reason::full);
        CHECK(r.failure.detail() == "too few descriptors are left");
    }
    for (int const descriptor : taken)
        ::close(descriptor);
    caller second;
    second.open(io, to);
    run_until(io, [&] { return second.link->is_up(); });
    CHECK(second.link->is_up());
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("bad options are refused at the door, each by name") {
    asio::io_context io{1};
    server a;
    auto complaint = [&](std::function<void(tcp_endpoint_options&)> const& change) {
        tcp_endpoint_options o = a.options(1);
        change(o);
        auto opened = tcp_endpoint::open(io.get_executor(), o, a);
        REQUIRE_FALSE(opened);
        return opened.error().message();
    };
    auto const twice = [](auto& o) { o.peers = {{{2}, {"127.0.0.1", 1}}, {{2}, {"127.0.0.1", 2}}}; };
    CHECK(complaint(twice) == "invalid_argument: server id 2 is zero or given twice");
    CHECK(complaint([](auto& o) { o.self = {}; }) == "invalid_argument: a server id is never zero");
    CHECK(complaint([](auto& o) { o.keys.keys.clear(); }) == "invalid_argument: there is no key");
    CHECK(complaint([](auto& o) { o.listen.host = "nowhere"; }) ==
          "invalid_argument: nowhere is not an address to listen on");
    a.open(io, a.options(1));
    std::uint16_t const port = a.endpoint->port();
    CHECK(complaint([=](auto& o) { o.listen.port = port; }) ==
          "in_use: cannot listen on 127.0.0.1:" + std::to_string(port) + ": Address already in use");
}

TEST_CASE("endpoints and clients may be destroyed at any moment, with everything outstanding") {
    for (int steps = 0; steps < 60; steps += test_support::in_full(1, 5)) {
        asio::io_context io{1};
        server a;
        server b;
        caller c;
        a.open(io, a.options(1));
        b.open(io, b.options(2, {{{1}, a.address()}, {{3}, {"127.0.0.1", 1}}}));
        a.endpoint->set_peer({{2}, b.address()});
        c.open(io, a.address());
        bytes const bulk(512 * 1024, 'b');
        for (int i = 0; i < steps; ++i) {
            io.run_one_for(20ms);
            (void)a.endpoint->send({2}, channel::cells, bulk);
            (void)c.link->send(bulk);
        }
        if (steps % 3 == 0) a.endpoint->stop();
        a.endpoint.reset();
        if (steps % 2 == 0) c.link.reset();
        std::size_t const heard = b.frames;
        io.poll();
        CHECK(b.frames >= heard);
        b.endpoint.reset();
    } // the executor dies last, or before the objects that are left: both are legal
}

TEST_CASE("endpoints on threads of their own exchange frames both ways") {
    asio::io_context io_a{1};
    asio::io_context io_b{1};
    server a;
    server b;
    a.open(io_a, a.options(1));
    a.echo = true;
    b.open(io_b, b.options(2, {{{1}, a.address()}}));
    std::thread thread([&] { run_until(io_a, [&] { return a.frames >= 1000; }); });
    run_until(io_b, [&] { return b.endpoint->is_up({1}); });
    for (int i = 0; i < 1000; ++i)
        REQUIRE(b.endpoint->send({1}, channel::cells, "ping"));
    b.endpoint->flush();
    run_until(io_b, [&] { return b.frames >= 1000; });
    thread.join();
    CHECK(a.frames == 1000);
}
