#include "client.hpp"

#include <zooid/tcp/hmac.hpp>

#include <fmt/format.h>

namespace latency {

using namespace zooid;

class client_links::link final : public client_link_listener {
  public:
    link(client_links& owner, server_address at, key_ring keys) : owner_(owner), at_(at) {
        options_.address = {"127.0.0.1", at.port};
        options_.target = at.server;
        options_.keys = std::move(keys);
        options_.life = {static_cast<std::uint64_t>(now_ns()) + at.server.value};
        open();
    }
    bool is_up() const { return connection_ && connection_->is_up(); }
    bool is_down() const { return !connection_; }
    void open() {
        auto made = tcp_connection::open(owner_.io_.get_executor(), options_, *this);
        if (!made) throw std::runtime_error(made.error().message());
        connection_ = std::move(made).value();
    }
    void reopen_if_down() {
        if (down_) open();
        down_ = false;
    }
    void send(bytes_view request) {
        auto const sent = connection_->send(request);
        if (!sent)
            throw std::runtime_error(
                fmt::format("server {}: {}", to_string(at_.server), sent.error().message()));
    }
    void flush() {
        if (is_up()) connection_->flush();
    }

    void on_up(hello const&) override { was_up_ = true; }
    void on_reply(bytes_view encoded) override {
        auto const r = decode_reply(encoded);
        if (!r) throw std::runtime_error("a malformed reply");
        auto const waiting = owner_.waiting_.find(r.value().correlation.value);
        if (waiting == owner_.waiting_.end()) return;
        handler const then = std::move(waiting->second);
        owner_.waiting_.erase(waiting);
        then(r.value());
    }
    void on_down(close_reason, error const& why) override {
        if (was_up_)
            throw std::runtime_error(
                fmt::format("the connection to server {} broke: {}", to_string(at_.server), why.message()));
        down_ = true; // it does not listen yet
    }

  private:
    client_links& owner_;
    server_address at_;
    tcp_connection_options options_;
    std::unique_ptr<tcp_connection> connection_;
    bool was_up_ = false;
    bool down_ = false;
};

client_links::client_links(std::vector<server_address> const& servers, key_ring keys) {
    for (server_address const& s : servers)
        links_.emplace(s.server, std::make_unique<link>(*this, s, keys));
}

client_links::~client_links() = default;

void client_links::connect(std::chrono::nanoseconds patience) {
    auto const all_up = [this] {
        bool up = true;
        for (auto& [server, l] : links_) {
            l->reopen_if_down();
            up = up && l->is_up();
        }
        return up;
    };
    run_until(all_up, patience, "connecting to the servers");
}

void client_links::ask(server_id to, request r, handler then) {
    r.correlation = {++correlations_};
    bytes encoded;
    encode(r, encoded);
    waiting_.emplace(r.correlation.value, std::move(then));
    links_.at(to)->send(encoded);
}

void client_links::flush() {
    for (auto& [server, l] : links_)
        l->flush();
}

bytes client_links::ask_and_wait(server_id to, request r) {
    for (auto const end = now_ns() + std::chrono::nanoseconds(std::chrono::seconds(30)).count();;) {
        bool done = false;
        bytes payload, why;
        std::optional<errc> failure;
        ask(to, r, [&](reply const& back) {
            done = true;
            payload = bytes(back.payload);
            failure = back.failure;
            why = bytes(back.detail);
        });
        flush();
        run_until([&] { return done; }, std::chrono::seconds(30), std::string(name_of(r.op)));
        if (!failure) return payload;
        bool const recovers = *failure == errc::unreachable && now_ns() < end;
        if (!recovers)
            throw std::runtime_error(fmt::format("{}: {} {}", name_of(r.op), name_of(*failure), why));
        pause_for(std::chrono::milliseconds(20));
    }
}

void client_links::run_until(std::function<bool()> const& done, std::chrono::nanoseconds patience,
                             std::string const& what) {
    auto const end = now_ns() + patience.count();
    while (!done()) {
        throw_if_interrupted();
        if (now_ns() > end) throw std::runtime_error(what + " took too long");
        io_.run_one_for(std::chrono::milliseconds(50));
        if (io_.stopped()) io_.restart();
    }
}

std::vector<server_id> client_links::servers() const {
    std::vector<server_id> all;
    for (auto const& [server, l] : links_)
        all.push_back(server);
    return all;
}

} // namespace latency
