// What a frame costs: sealed and opened in memory, and there and back over loopback, against a naked socket.
//
//   tcp_bench --benchmark_repetitions=15 --benchmark_enable_random_interleaving=true
#include <zooid/tcp/endpoint.hpp>
#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <benchmark/benchmark.h>
#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <atomic>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace zooid;

namespace {

constexpr std::size_t payload_bytes = 300;

// Two sessions that are up.
struct session_pair {
    explicit session_pair(mac_suite const& suite)
        : a(options(link_side::initiator, suite)), b(options(link_side::acceptor, suite)) {
        while (!a.is_up() || !b.is_up()) {
            move(a, b);
            move(b, a);
        }
    }
    session_options options(link_side side, mac_suite const& suite) {
        session_options o;
        o.side = side;
        o.self.server = {side == link_side::initiator ? 1u : 2u};
        o.keys = &ring;
        o.suite = &suite;
        return o;
    }
    static std::size_t move(session& from, session& to) {
        std::size_t frames = 0;
        for (bytes_view out; !(out = from.output()).empty(); from.written(out.size())) {
            to.on_bytes(out);
            while (session_event const e = to.next()) {
                if (e.what == session_event::type::identified) to.admit({}).value();
                if (e.what == session_event::type::frame) ++frames;
            }
        }
        return frames;
    }
    key_ring ring = make_colony_keys().value();
    session a;
    session b;
};

void seal_and_open(benchmark::State& state, mac_suite const& suite) {
    session_pair p(suite);
    bytes const payload(payload_bytes, 'p');
    auto const batch = state.range(0);
    std::size_t frames = 0;
    for (auto _ : state) {
        for (auto i = batch; i != 0; --i)
            (void)p.a.send(frame_kind::cells, payload);
        frames += session_pair::move(p.a, p.b);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(frames));
}

void mac_alone(benchmark::State& state) {
    auto const key = hmac_sha256().make_key({});
    bytes const content(payload_bytes + 16, 'p');
    mac_tag tag;
    for (auto _ : state) {
        key->compute(content, tag);
        benchmark::DoNotOptimize(tag);
    }
}

struct pinger : transport_listener {
    std::unique_ptr<tcp_endpoint> endpoint;
    std::size_t frames = 0;
    bool echo = false;

    bytes claims_for(server_id) override { return {}; }
    result<void> on_peer_up(hello const&) override { return outcome::success(); }
    void on_peer_down(server_id, error const&) override {}
    void on_request(requester, bytes_view) override {}
    void on_frame(server_id from, channel on, bytes_view payload) override {
        ++frames;
        if (echo) (void)endpoint->send(from, on, payload);
    }
};

tcp_endpoint_options options(std::uint64_t id, key_ring const& keys) {
    tcp_endpoint_options o;
    o.self = {id};
    o.life = {id};
    o.keys = keys;
    return o;
}

void transport_round_trip(benchmark::State& state) {
    key_ring const keys = make_colony_keys().value();
    boost::asio::io_context near(1);
    boost::asio::io_context far(1);
    pinger client;
    pinger server;
    server.echo = true;
    tcp_endpoint_options far_options = options(2, keys);
    far_options.listen = {"127.0.0.1", 0};
    server.endpoint = tcp_endpoint::open(far.get_executor(), far_options, server).value();
    tcp_endpoint_options near_options = options(1, keys);
    near_options.peers = {{{2}, {"127.0.0.1", server.endpoint->port()}}};
    client.endpoint = tcp_endpoint::open(near.get_executor(), near_options, client).value();
    std::thread thread([&] { far.run(); });
    while (!client.endpoint->is_up({2}))
        near.run_one();
    bytes const payload(payload_bytes, 'p');
    for (auto _ : state) {
        std::size_t const wanted = client.frames + 1;
        (void)client.endpoint->send({2}, channel::cells, payload);
        client.endpoint->flush();
        while (client.frames != wanted)
            near.run_one();
    }
    far.stop();
    thread.join();
}

bool read_all(int fd, char* to, std::size_t size) {
    while (size != 0) {
        ssize_t const n = ::recv(fd, to, size, 0);
        if (n <= 0) return false;
        to += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

// The floor: two threads, blocking sockets, as many bytes as the sealed frame has.
void naked_socket_round_trip(benchmark::State& state) {
    int const listening = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listening, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listening, 1) != 0) return;
    ::getsockname(listening, reinterpret_cast<sockaddr*>(&at), &size);
    int const one = 1;
    int const near = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(near, reinterpret_cast<sockaddr*>(&at), size) != 0) return;
    int const far = ::accept(listening, nullptr, nullptr);
    for (int fd : {near, far})
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    constexpr std::size_t frame = payload_bytes + wire::header_bytes + wire::tag_bytes;
    std::thread thread([&] {
        char buffer[frame];
        while (read_all(far, buffer, frame))
            ::send(far, buffer, frame, MSG_NOSIGNAL);
    });
    char buffer[frame] = {};
    for (auto _ : state) {
        ::send(near, buffer, frame, MSG_NOSIGNAL);
        if (!read_all(near, buffer, frame)) break;
    }
    ::shutdown(near, SHUT_RDWR);
    thread.join();
    for (int fd : {near, far, listening})
        ::close(fd);
}

} // namespace

BENCHMARK_CAPTURE(seal_and_open, hmac_sha256, hmac_sha256())->Arg(1)->Arg(100);
BENCHMARK_CAPTURE(seal_and_open, insecure, insecure_keyed_hash())->Arg(1)->Arg(100);
BENCHMARK(mac_alone);
BENCHMARK(naked_socket_round_trip)->UseRealTime();
BENCHMARK(transport_round_trip)->UseRealTime();

BENCHMARK_MAIN();
