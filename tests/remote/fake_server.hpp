// A server that answers by script, on a real TCP endpoint: three of them are a colony with one cell.
#pragma once

#include "support/catch.hpp"

#include <zooid/kv/sessions.hpp>
#include <zooid/remote/remote_client.hpp>
#include <zooid/tcp/endpoint.hpp>
#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace remote_test {

namespace asio = boost::asio;
using namespace zooid;
using namespace std::chrono_literals;

inline constexpr cell_id the_cell{7, 7};

inline key_ring const& colony_keys() {
    static key_ring const keys = make_colony_keys().value();
    return keys;
}

/// Commits everything that it is asked to; `mute` ones read requests and never answer.
class fake_server final : public transport_listener {
  public:
    fake_server(asio::any_io_executor const& executor, server_id self, std::uint16_t port = 0) : self_(self) {
        tcp_endpoint_options o;
        o.self = self;
        o.life = {self.value + 1000};
        o.keys = colony_keys();
        o.listen = {"127.0.0.1", port};
        auto opened = tcp_endpoint::open(executor, std::move(o), *this);
        REQUIRE(opened);
        endpoint = std::move(opened).value();
    }

    bytes claims_for(server_id) override { return {}; }
    result<void> on_peer_up(hello const&) override { return outcome::success(); }
    void on_frame(server_id, channel, bytes_view) override {}
    void on_peer_down(server_id, error const&) override {}
    void on_request(requester from, bytes_view encoded) override {
        auto const r = decode_request(encoded).value();
        if (r.op == operation::commit) ++commits;
        if (on_asked) on_asked(r);
        if (mute && r.op == operation::commit) return;
        bytes payload, out;
        reply answer;
        answer.correlation = r.correlation;
        answer.cell = the_cell, answer.birth = {1}, answer.at = {++slots_};
        answer.proposer = self_;
        fill(r, answer, payload);
        answer.payload = payload;
        encode(answer, out);
        (void)endpoint->reply(from.link, out);
    }

    std::unique_ptr<tcp_endpoint> endpoint;
    bool mute = false;
    int commits = 0;
    std::function<void(request const&)> on_asked;

  private:
    void fill(request const& r, reply& answer, bytes& payload) {
        if (r.op == operation::locate) {
            member const self[] = {{self_, {1, 1}, {5}}};
            answer.members = configuration(self);
        }
        if (r.op == operation::status) payload = "{}";
        bytes body;
        kv::encode(kv::outcome(kv::committed{{slots_}, {}}), body);
        if (r.op == operation::strict_read || r.op == operation::prefix_read ||
            r.op == operation::leased_read)
            payload = body;
        if (r.op == operation::commit)
            kv::encode(kv::request_reply{kv::request_status::applied, body}, payload);
    }

    server_id self_;
    std::uint64_t slots_ = 100;
};

/// One server and its client's options, on one context.
struct colony {
    colony()
        : strand(asio::make_strand(context)), server(std::make_unique<fake_server>(strand, server_id{1})) {}

    remote_client_options options() const {
        remote_client_options o;
        o.servers = {{{1}, "127.0.0.1", server->endpoint->port()}};
        o.keys = issue_client_keys(hmac_sha256(), colony_keys(), {5});
        return o;
    }
    std::unique_ptr<remote_client> connect() {
        auto opened = remote_client::open(options(), context.get_executor());
        REQUIRE(opened);
        return std::move(opened).value();
    }
    /// Runs until `done`; fails the test after half a minute.
    template <class Condition>
    void run_until(Condition done) {
        auto const end = std::chrono::steady_clock::now() + 30s;
        while (!done() && std::chrono::steady_clock::now() < end) {
            context.restart();
            context.run_one_for(100ms);
        }
        REQUIRE(done());
    }

    asio::io_context context;
    asio::any_io_executor strand;
    std::unique_ptr<fake_server> server;
};

} // namespace remote_test
