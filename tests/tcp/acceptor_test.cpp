// One listening address for several shards: who takes which connection.
#include "support/catch.hpp"
#include "support/run_until.hpp"

#include <zooid/tcp/acceptor.hpp>
#include <zooid/tcp/connection.hpp>
#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <functional>
#include <stdexcept>

using namespace zooid;
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// Three shards that only note which of them got a connection.
struct front_door {
    asio::io_context io{1};
    std::vector<std::uint16_t> taken;
    std::vector<tcp_socket> sockets;
    std::unique_ptr<tcp_acceptor> acceptor;

    explicit front_door(duration patience = 5s, std::size_t waiting_max = 16) {
        tcp_acceptor_options o;
        o.listen = {"127.0.0.1", 0};
        o.shards = 3;
        o.first_bytes_timeout = patience;
        o.waiting_max = waiting_max;
        acceptor = tcp_acceptor::open(io.get_executor(), o, [this](std::uint16_t shard, tcp_socket s) {
                       taken.push_back(shard);
                       sockets.push_back(std::move(s));
                   }).value();
        acceptor->start();
    }
    void run_until(std::function<bool()> const& claim) { test_support::run_until(io, claim, 20s); }
    asio::ip::tcp::socket connect() {
        asio::ip::tcp::socket s(io);
        s.connect({asio::ip::make_address("127.0.0.1"), acceptor->port()});
        return s;
    }
    /// The shard that gets whom these are the first bytes of.
    std::uint16_t shard_for(bytes const& first) {
        auto const before = taken.size();
        auto s = connect();
        asio::write(s, asio::buffer(first));
        run_until([&] { return taken.size() > before; });
        return taken.back();
    }
};

bytes hello_of(std::uint8_t role, std::uint8_t shard, std::uint8_t shards, std::uint8_t wanted) {
    bytes first("\x69\0\0\0\x01\x5a\0\0zid-wire\x01\0\x01\0\0\0\0\0\0\0\0\0", 28);
    for (int const b : {int(role), shards - 1, int(shard), int(wanted)})
        first.push_back(static_cast<char>(b));
    return first;
}

} // namespace

TEST_CASE("a server's connection goes to the shard that it dialled, clients to one shard after the other") {
    front_door door;
    for (std::uint8_t shard = 0; shard < 3; ++shard)
        CHECK(door.shard_for(hello_of(1, shard, 3, shard)) == shard);
    CHECK(door.shard_for(hello_of(1, 0, 1, 2)) == 2);
    CHECK(door.shard_for(hello_of(1, 4, 5, 4)) == 1); // there is no shard 4: one that is joined answers
    for (std::uint16_t i = 0; i < 6; ++i)
        CHECK(door.shard_for(hello_of(2, 0, 1, 0)) == i % 3);
}

TEST_CASE("what says nothing that can be understood is shard 0's to judge, also if it says nothing at all") {
    front_door door(20ms);
    CHECK(door.shard_for("GET / HTTP/1.1\r\nHost: somewhere.else\r\n\r\n") == 0);
    CHECK(door.shard_for(hello_of(1, 1, 3, 1).substr(0, 31)) == 0);
    auto const before = door.taken.size();
    auto const silent = door.connect();
    door.run_until([&] { return door.taken.size() > before; });
    CHECK(door.taken.back() == 0);
}

TEST_CASE("too many that say nothing are hung up on, and who speaks is served when they have gone") {
    front_door door(20ms, 2);
    std::vector<asio::ip::tcp::socket> silent;
    for (int i = 0; i < 5; ++i)
        silent.push_back(door.connect());
    door.run_until([&] { return door.taken.size() == 2; });
    CHECK(door.shard_for(hello_of(1, 2, 3, 2)) == 2);
}

TEST_CASE("nothing is handed over after a stop, and what waited is closed") {
    front_door door;
    auto s = door.connect();
    door.io.restart();
    door.io.poll();
    door.acceptor->stop();
    asio::write(s, asio::buffer(hello_of(1, 0, 3, 0)));
    boost::system::error_code failure;
    std::array<char, 1> byte{};
    s.read_some(asio::buffer(byte), failure);
    CHECK(failure);
    door.io.restart();
    door.io.poll();
    CHECK(door.taken.empty());
    door.acceptor.reset();
}
