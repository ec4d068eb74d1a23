#include "support/catch.hpp"

#include <zooid/transport/loopback.hpp>

using namespace zooid;

namespace {

struct recorder : transport_listener {
    std::vector<std::string> log;
    transport* answer_with = nullptr;

    bytes claims_for(server_id peer) override { return "for " + to_string(peer); }
    result<void> on_peer_up(hello const& peer) override {
        log.push_back("up " + to_string(peer.server) + " " + peer.claims);
        return outcome::success();
    }
    void on_frame(server_id from, channel, bytes_view payload) override {
        log.push_back(to_string(from) + ": " + std::string(payload));
    }
    void on_peer_down(server_id peer, error const&) override { log.push_back("down " + to_string(peer)); }
    void on_request(requester from, bytes_view text) override {
        REQUIRE(answer_with->reply(from.link, "re " + std::string(text)));
    }
};

struct client_recorder : client_link_listener {
    std::vector<std::string> log;
    void on_up(hello const& server) override { log.push_back("up " + to_string(server.server)); }
    void on_reply(bytes_view reply) override { log.emplace_back(reply); }
    void on_down(close_reason, error const&) override { log.push_back("down"); }
};

using lines = std::vector<std::string>;

} // namespace

TEST_CASE("the loopback transport keeps the transport's promises: order, ups and downs, bounds, clients") {
    loopback_network_for_tests net;
    recorder one;
    recorder two;
    auto a = net.attach({1}, {10}, one);
    auto b = net.attach({2}, {20}, two);
    CHECK(a->send({2}, channel::cells, "early").error() == errc::unreachable);
    net.deliver();
    CHECK(one.log == lines{"up 2 for 1"});
    REQUIRE(a->send({2}, channel::cells, "x"));
    REQUIRE(a->send({2}, channel::pulse, "y"));
    CHECK(two.log.size() == 1); // never inside of send
    CHECK(net.deliver() == 2);
    CHECK(two.log == lines{"up 1 for 2", "1: x", "1: y"});

    REQUIRE(a->send({2}, channel::cells, "lost"));
    net.cut({1}, {2});
    net.deliver();
    CHECK(two.log.back() == "down 1");
    CHECK_FALSE(a->is_up({2}));
    net.heal({2}, {1});
    net.deliver();
    CHECK(two.log.back() == "up 1 for 2");

    b.reset(); // a crash
    net.deliver();
    CHECK(one.log.back() == "down 2");
    b = net.attach({2}, {21}, two);
    net.deliver();
    CHECK(one.log.back() == "up 2 for 1");

    net.set_queue_bytes_max(10);
    REQUIRE(a->send({2}, channel::cells, "0123456789"));
    CHECK(a->send({2}, channel::cells, "0").error() == errc::overloaded);
    CHECK(a->statistics().frames.dropped_full == 1);
    net.deliver();
    CHECK(a->send({2}, channel::cells, "0"));

    client_recorder asking;
    auto client = net.connect({2}, {5}, asking);
    two.answer_with = b.get();
    net.deliver();
    REQUIRE(client->send("question"));
    net.deliver();
    b.reset();
    net.deliver();
    CHECK(asking.log == lines{"up 2", "re question", "down"});
}
