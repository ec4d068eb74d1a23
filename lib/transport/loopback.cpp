#include <zooid/transport/loopback.hpp>

#include <zooid/base/check.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

namespace zooid {

struct loopback_network_for_tests::world {
    using pair = std::pair<server_id, server_id>;
    struct frame {
        server_id from;
        server_id to;
        link_id client; // nonzero: a request or a reply
        bool to_client;
        channel on;
        bytes payload;
    };

    static pair pair_of(server_id a, server_id b) { return {std::min(a, b), std::max(a, b)}; }
    bool connect_pairs();
    bool drop_dead_pairs();
    bool connect_clients();
    bool deliver_one(frame const& f);

    class server_transport;
    class loopback_client;
    std::map<server_id, server_transport*> servers_;
    std::map<link_id, loopback_client*> clients_;
    std::map<pair, std::pair<life_id, life_id>> up_;
    std::set<pair> cut_;
    std::deque<frame> frames_;
    link_id last_link_;
    std::size_t queue_bytes_max_ = session_options{}.queue_bytes_max;
};

class loopback_network_for_tests::world::server_transport final : public transport {
  public:
    server_transport(world& net, server_id id, life_id life, transport_listener& listener)
        : net_(net), self_(id), life_(life), listener_(listener) {}
    ~server_transport() override { net_.servers_.erase(self_); }

    result<void> send(server_id to, channel on, bytes_view payload) override {
        if (!is_up(to)) return refuse(statistics_.dropped_unreachable, errc::unreachable);
        if (payload.size() > wire::payload_bytes_max) return errc::too_large;
        std::size_t& queued = queued_[to];
        if (queued + payload.size() > net_.queue_bytes_max_) {
            return refuse(statistics_.frames.dropped_full, errc::overloaded);
        }
        queued += payload.size();
        ++statistics_.frames.frames_sent;
        net_.frames_.push_back({self_, to, {}, false, on, bytes(payload)});
        return outcome::success();
    }
    result<void> reply(link_id client, bytes_view payload) override {
        if (!net_.clients_.contains(client))
            return refuse(statistics_.dropped_unreachable, errc::unreachable);
        net_.frames_.push_back({self_, {}, client, true, channel::cells, bytes(payload)});
        return outcome::success();
    }
    void flush() override {}
    bool is_up(server_id peer) const override { return net_.up_.contains(pair_of(self_, peer)); }
    transport_statistics statistics() const override { return statistics_; }

    result<void> refuse(std::uint64_t& counter, errc code) {
        ++counter;
        return code;
    }

    world& net_;
    server_id self_;
    life_id life_;
    transport_listener& listener_;
    transport_statistics statistics_;
    std::map<server_id, std::size_t> queued_;
};

class loopback_network_for_tests::world::loopback_client final : public client_link {
  public:
    loopback_client(world& net, link_id id, server_id to, principal_id principal, party_role role,
                    client_link_listener& listener)
        : net_(net), id_(id), to_(to), principal_(principal), role_(role), listener_(listener) {}
    ~loopback_client() override { net_.clients_.erase(id_); }

    result<void> send(bytes_view request) override {
        if (!up_) return errc::unreachable;
        net_.frames_.push_back({{}, to_, id_, false, channel::cells, bytes(request)});
        return outcome::success();
    }
    void flush() override {}
    bool is_up() const override { return up_; }

    world& net_;
    link_id id_;
    server_id to_;
    principal_id principal_;
    party_role role_;
    client_link_listener& listener_;
    bool up_ = false;
    bool down_ = false;
};

namespace {

hello introduce(server_id server, life_id life, bytes claims) {
    hello peer;
    peer.server = server;
    peer.life = life;
    peer.claims = std::move(claims);
    return peer;
}

} // namespace

loopback_network_for_tests::loopback_network_for_tests() : world_(std::make_unique<world>()) {}
loopback_network_for_tests::~loopback_network_for_tests() = default;

std::unique_ptr<transport> loopback_network_for_tests::attach(server_id server, life_id life,
                                                              transport_listener& listener) {
    ZOOID_CHECK(!world_->servers_.contains(server), "a server is attached once at a time");
    auto made = std::make_unique<world::server_transport>(*world_, server, life, listener);
    world_->servers_[server] = made.get();
    return made;
}

std::unique_ptr<client_link> loopback_network_for_tests::connect(server_id to, principal_id principal,
                                                                 client_link_listener& listener,
                                                                 party_role role) {
    world_->last_link_.value += 1;
    auto made =
        std::make_unique<world::loopback_client>(*world_, world_->last_link_, to, principal, role, listener);
    world_->clients_[world_->last_link_] = made.get();
    return made;
}

void loopback_network_for_tests::cut(server_id a, server_id b) {
    world_->cut_.insert(world::pair_of(a, b));
}

void loopback_network_for_tests::heal(server_id a, server_id b) {
    world_->cut_.erase(world::pair_of(a, b));
}

std::size_t loopback_network_for_tests::deliver() {
    std::size_t delivered = 0;
    world& w = *world_;
    while (w.drop_dead_pairs() || w.connect_pairs() || w.connect_clients() || !w.frames_.empty()) {
        if (w.frames_.empty()) continue;
        world::frame const next = std::move(w.frames_.front());
        w.frames_.pop_front();
        delivered += w.deliver_one(next) ? 1 : 0;
    }
    return delivered;
}

void loopback_network_for_tests::set_queue_bytes_max(std::size_t limit) {
    world_->queue_bytes_max_ = limit;
}

// One pair a call: a callback may attach, cut or send.
bool loopback_network_for_tests::world::drop_dead_pairs() {
    for (auto const& [ends, lives] : up_) {
        auto const a = servers_.find(ends.first);
        auto const b = servers_.find(ends.second);
        bool const a_lives = a != servers_.end() && a->second->life_ == lives.first;
        bool const b_lives = b != servers_.end() && b->second->life_ == lives.second;
        if (a_lives && b_lives && !cut_.contains(ends)) continue;
        pair const gone = ends;
        up_.erase(gone);
        std::erase_if(frames_, [&](frame const& f) { return !f.client && pair_of(f.from, f.to) == gone; });
        error const why(errc::unreachable, "the link was cut");
        if (a_lives)
            a->second->queued_.erase(gone.second), a->second->listener_.on_peer_down(gone.second, why);
        auto const again = servers_.find(gone.second);
        if (b_lives && again != servers_.end()) {
            again->second->queued_.erase(gone.first), again->second->listener_.on_peer_down(gone.first, why);
        }
        return true;
    }
    return false;
}

bool loopback_network_for_tests::world::connect_pairs() {
    for (auto const& [a, first] : servers_) {
        for (auto const& [b, second] : servers_) {
            pair const ends{a, b};
            if (!(a < b) || up_.contains(ends) || cut_.contains(ends)) continue;
            hello const to_first = introduce(b, second->life_, second->listener_.claims_for(a));
            hello const to_second = introduce(a, first->life_, first->listener_.claims_for(b));
            up_[ends] = {first->life_, second->life_};
            bool const welcome = first->listener_.on_peer_up(to_first).has_value();
            if (!welcome || !second->listener_.on_peer_up(to_second)) cut_.insert(ends);
            return true;
        }
    }
    return false;
}

bool loopback_network_for_tests::world::connect_clients() {
    for (auto const& [id, client] : clients_) {
        auto const server = servers_.find(client->to_);
        bool const reachable = server != servers_.end();
        if (client->down_ || (client->up_ && reachable)) continue;
        if (!reachable) {
            client->down_ = true, client->up_ = false;
            client->listener_.on_down(close_reason::lost, errc::unreachable);
            return true;
        }
        client->up_ = true;
        hello who;
        who.role = client->role_;
        who.principal = client->principal_;
        server->second->listener_.on_client_up(id, who);
        client->listener_.on_up(introduce(client->to_, server->second->life_, {}));
        return true;
    }
    return false;
}

bool loopback_network_for_tests::world::deliver_one(frame const& f) {
    if (f.to_client) {
        auto const client = clients_.find(f.client);
        if (client == clients_.end() || !client->second->up_) return false;
        client->second->listener_.on_reply(f.payload);
        return true;
    }
    auto const server = servers_.find(f.to);
    if (server == servers_.end()) return false;
    if (f.client) {
        auto const client = clients_.find(f.client);
        if (client == clients_.end()) return false;
        server->second->listener_.on_request({f.client, client->second->role_}, f.payload);
        return true;
    }
    auto const sender = servers_.find(f.from);
    if (sender != servers_.end()) sender->second->queued_[f.to] -= f.payload.size();
    ++server->second->statistics_.frames.frames_received;
    server->second->listener_.on_frame(f.from, f.on, f.payload);
    return true;
}

} // namespace zooid
