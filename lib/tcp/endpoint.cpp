#include "tcp/endpoint_impl.hpp"

#include <zooid/tcp/hmac.hpp>

#include <algorithm>

#include <sys/socket.h>

namespace zooid {

namespace {

error wrong_option(std::string what) {
    return error(errc::invalid_argument, std::move(what));
}

} // namespace

result<void> tcp_endpoint::check(tcp_endpoint_options const& o) {
    ZOOID_TRY(zooid::check(o.keys));
    if (!o.keys.for_server()) return wrong_option("these are a client's keys, a server needs the colony's");
    if (!o.self) return wrong_option("a server id is never zero");
    if (o.place.shards == 0 || o.place.shards > shards_max || o.place.shard >= o.place.shards)
        return wrong_option("there is no shard " + std::to_string(o.place.shard) + " of " +
                            std::to_string(o.place.shards));
    if (o.queue_bytes_max < limits::frame_bytes_max)
        return wrong_option("queue_bytes_max is less than one frame");
    if (o.backoff_min <= duration::zero() || o.backoff_max < o.backoff_min)
        return wrong_option("no such back-off");
    std::set<server_id> seen{o.self};
    for (tcp_peer const& p : o.peers) {
        if (!p.server || !seen.insert(p.server).second) {
            return wrong_option("server id " + to_string(p.server) + " is zero or given twice");
        }
        if (p.address.host.empty()) return wrong_option("server " + to_string(p.server) + " has no address");
    }
    return outcome::success();
}

result<std::unique_ptr<tcp_endpoint>> tcp_endpoint::open(boost::asio::any_io_executor on,
                                                         tcp_endpoint_options options,
                                                         transport_listener& listener) {
    ZOOID_TRY(check(options));
    auto made = std::make_shared<impl>(std::move(on), std::move(options), listener);
    ZOOID_TRY(made->listen());
    made->begin();
    return std::unique_ptr<tcp_endpoint>(new tcp_endpoint(std::move(made)));
}

tcp_endpoint::tcp_endpoint(std::shared_ptr<impl> made) : impl_(std::move(made)) {}
tcp_endpoint::~tcp_endpoint() {
    impl_->abandon();
}
std::uint16_t tcp_endpoint::port() const {
    return impl_->port();
}
void tcp_endpoint::set_peer(tcp_peer const& peer) {
    impl_->set_peer(peer);
}
void tcp_endpoint::adopt(tcp_socket accepted) {
    impl_->adopt(std::move(accepted));
}
void tcp_endpoint::stop() {
    impl_->stop();
}
result<void> tcp_endpoint::send(server_id to, channel on, bytes_view payload) {
    return impl_->send(to, on, payload);
}
result<void> tcp_endpoint::send(server_id to, std::uint16_t shard, channel on, bytes_view payload) {
    return impl_->send(to, shard, on, payload);
}
result<void> tcp_endpoint::reply(link_id client, bytes_view payload) {
    return impl_->reply(client, payload);
}
void tcp_endpoint::flush() {
    impl_->flush();
}
bool tcp_endpoint::is_up(server_id peer) const {
    return impl_->is_up(peer);
}
transport_statistics tcp_endpoint::statistics() const {
    return impl_->statistics();
}

tcp_endpoint::impl::impl(executor e, tcp_endpoint_options options, transport_listener& listener)
    : executor_(std::move(e)), options_(std::move(options)), listener_(listener),
      port_(std::make_shared<tcp_detail::port_listener>(executor_)),
      random_(options_.life.value ^ options_.self.value), last_client_{options_.place.shard} {}

result<void> tcp_endpoint::impl::listen() {
    return port_->open(options_.listen);
}

void tcp_endpoint::impl::begin() {
    port_->start([weak = weak_from_this()](tcp_detail::socket accepted) {
        if (auto const self = weak.lock()) self->adopt(std::move(accepted));
    });
    for (tcp_peer const& p : options_.peers)
        set_peer(p);
}

void tcp_endpoint::impl::adopt(tcp_socket accepted) {
    if (ended_) return;
    sockaddr_storage end{};
    socklen_t length = sizeof end;
    int const descriptor = accepted.release();
    (void)::getsockname(descriptor, reinterpret_cast<sockaddr*>(&end), &length);
    auto const protocol = end.ss_family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
    tcp_detail::socket mine(executor_);
    tcp_detail::error_code failure;
    mine.assign(protocol, descriptor, failure);
    if (failure) return void(tcp_socket(descriptor)); // out of memory in the reactor: hang up
    adopt(std::move(mine));
}

void tcp_endpoint::impl::adopt(tcp_detail::socket accepted) {
    tcp_detail::prepare_socket(accepted);
    bool const scarce = tcp_detail::is_reserved(accepted.native_handle(), options_.descriptors_reserved,
                                                options_.place.shards);
    auto made = session_options_for(link_side::acceptor, {}, 0);
    if (!made) return;
    auto const s = std::make_shared<stream>(std::move(accepted), std::move(made).value(), this);
    if (scarce) { // hung up at once: to say goodbye would keep the descriptor for a while
        report(s->address(), {}, close_reason::full, false,
               error(errc::overloaded, "too few descriptors are left"));
        return s->abandon();
    }
    if (arriving_.size() + clients_.size() >= options_.connections_max) {
        report(s->address(), {}, close_reason::full, false, error(errc::overloaded, "too many connections"));
        return s->close(close_reason::full, "too many connections");
    }
    arriving_.insert(s);
    s->start(options_.handshake_timeout);
}

result<session_options> tcp_endpoint::impl::session_options_for(link_side side, server_id target,
                                                                std::uint16_t wanted) {
    ZOOID_TRY(nonce const own, random_bytes());
    session_options o;
    o.side = side;
    o.self.server = options_.self;
    o.self.life = options_.life;
    o.self.place = options_.place;
    o.self.wanted = wanted;
    o.target = target;
    o.keys = &options_.keys;
    o.suite = &hmac_sha256();
    o.own_nonce = own;
    o.queue_bytes_max = options_.queue_bytes_max;
    return o;
}

// Until a peer has answered it is taken to have as many shards as we.
tcp_endpoint::impl::peer_state& tcp_endpoint::impl::peer_of(server_id id) {
    auto& place = peers_[id];
    if (!place) {
        place = std::make_unique<peer_state>();
        make_lanes(*place, options_.place.shards);
    }
    return *place;
}

void tcp_endpoint::impl::make_lanes(peer_state& p, std::uint16_t shards) {
    p.shards = shards;
    for (std::uint16_t shard : joined_shards(options_.place, shards))
        p.lanes.try_emplace(shard, executor_, options_.backoff_min);
}

// The peer proved that it has another number of shards than we thought: it was formatted anew, or we had not
// heard of it. What led to shards that are not there, or not for us, ends; nothing is dialled yet.
void tcp_endpoint::impl::learn_shards(server_id id, std::uint16_t shards) {
    peer_state& p = peer_of(id);
    if (p.shards == shards) return;
    for (auto lane = p.lanes.begin(); lane != p.lanes.end();) {
        bool const stays = are_joined(options_.place, {lane->first, shards});
        if (!stays) end_lane(id, lane->first, lane->second);
        lane = stays ? std::next(lane) : p.lanes.erase(lane);
    }
    make_lanes(p, shards);
}

void tcp_endpoint::impl::end_lane(server_id id, std::uint16_t shard, lane_state& lane) {
    lane.retry.cancel();
    if (lane.dialling) lane.dialling->cancel();
    if (lane.shaking_hands) arriving_.insert(lane.shaking_hands); // it may yet come up, as another lane
    if (!lane.link) return;
    auto const link = lane.link;
    link->close(close_reason::duplicate, "the server has another number of shards now");
    retire(*link);
    listener_.on_lane_down(id, shard, error(errc::unreachable, "it has another number of shards now"));
}

void tcp_endpoint::impl::set_peer(tcp_peer const& peer) {
    if (peer.server == options_.self || ended_) return;
    peer_state& p = peer_of(peer.server);
    bool const moved = p.address.host != peer.address.host || p.address.port != peer.address.port;
    p.address = peer.address;
    for (auto& [shard, lane] : p.lanes) {
        if (lane.dialling && !moved) continue;
        lane.backoff = options_.backoff_min;
        lane.retry.cancel();
        if (auto const at_the_old_address = std::exchange(lane.dialling, nullptr))
            at_the_old_address->cancel();
        dial_lane(peer.server, shard);
    }
}

tcp_endpoint::impl::lane_state* tcp_endpoint::impl::find_lane(server_id id, std::uint16_t shard) {
    auto const found = peers_.find(id);
    if (found == peers_.end()) return nullptr;
    auto const lane = found->second->lanes.find(shard);
    return lane == found->second->lanes.end() ? nullptr : &lane->second;
}

bool tcp_endpoint::impl::wants_link(peer_state const& p, lane_state const& lane) const {
    return !ended_ && !p.address.host.empty() && !lane.link && !lane.dialling && !lane.shaking_hands;
}

void tcp_endpoint::impl::dial_lane(server_id id, std::uint16_t shard) {
    peer_state& p = peer_of(id);
    lane_state* const lane = find_lane(id, shard);
    if (!lane) return;
    lane->waiting = false;
    if (!wants_link(p, *lane)) return;
    lane->dialling = std::make_shared<tcp_detail::dial>(
        executor_, p.address,
        [weak = weak_from_this(), id, shard](result<void> outcome, tcp_detail::socket connected) {
            if (auto const self = weak.lock())
                self->on_dialled(id, shard, std::move(outcome), std::move(connected));
        });
    lane->retry.expires_after(
        std::chrono::duration_cast<tcp_detail::timer::duration>(options_.handshake_timeout));
    lane->retry.async_wait(
        [weak = weak_from_this(), id, shard, d = lane->dialling](tcp_detail::error_code const& cancelled) {
            auto const self = weak.lock();
            if (cancelled || !self || self->ended_) return;
            lane_state const* const late_one = self->find_lane(id, shard);
            if (!late_one || late_one->dialling != d) return;
            d->cancel();
            error const late(errc::unreachable,
                             tcp_detail::to_string(self->peer_of(id).address) + ": no answer in time");
            self->on_dialled(id, shard, late, tcp_detail::socket(self->executor_));
        });
    lane->dialling->start();
}

void tcp_endpoint::impl::on_dialled(server_id id, std::uint16_t shard, result<void> outcome,
                                    tcp_detail::socket connected) {
    lane_state* const lane = find_lane(id, shard);
    if (ended_ || !lane) return;
    lane->dialling.reset();
    lane->retry.cancel();
    auto made = session_options_for(link_side::initiator, id, shard);
    if (!outcome || !made) {
        error const why = outcome ? made.error() : outcome.error();
        report(tcp_detail::to_string(peer_of(id).address), id, close_reason::lost, false, why);
        return dial_later(id);
    }
    lane->shaking_hands = std::make_shared<stream>(std::move(connected), std::move(made).value(), this);
    lane->shaking_hands->dialled = id;
    lane->shaking_hands->start(options_.handshake_timeout);
}

// Half the wait is certain, the other half is drawn: servers that lost a switch together come back apart.
void tcp_endpoint::impl::dial_later(server_id id) {
    auto const found = peers_.find(id);
    if (found == peers_.end()) return;
    for (auto& [shard, lane] : found->second->lanes) {
        if (!wants_link(*found->second, lane) || lane.waiting) continue;
        lane.waiting = true;
        auto const half = static_cast<std::uint64_t>(lane.backoff.count() / 2);
        duration const wait(static_cast<duration::rep>(half + random_.between(0, half)));
        lane.backoff = std::min(lane.backoff * 2, options_.backoff_max);
        lane.retry.expires_after(std::chrono::duration_cast<tcp_detail::timer::duration>(wait));
        lane.retry.async_wait(
            [weak = weak_from_this(), id, which = shard](tcp_detail::error_code const& cancelled) {
                auto const self = weak.lock();
                if (!cancelled && self && self->find_lane(id, which)) self->dial_lane(id, which); // clears it
            });
    }
}

void tcp_endpoint::impl::report(std::string address, server_id peer, close_reason reason, bool by_peer,
                                error const& failure) {
    ++statistics_.links_refused;
    listener_.on_refused({std::move(address), peer, reason, by_peer, failure});
}

} // namespace zooid
