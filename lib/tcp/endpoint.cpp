#include "tcp/endpoint_impl.hpp"

#include <zooid/tcp/hmac.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace zooid {

namespace {

constexpr duration accept_retry_after = std::chrono::milliseconds(100);

result<void> check_options(tcp_endpoint_options const& o) {
    auto const wrong = [](std::string what) { return error(errc::invalid_argument, std::move(what)); };
    ZOOID_TRY(check(o.keys));
    if (!o.keys.for_server()) return wrong("these are a client's keys, a server needs the colony's");
    if (!o.self) return wrong("a server id is never zero");
    if (o.queue_bytes_max < limits::frame_bytes_max) return wrong("queue_bytes_max is less than one frame");
    if (o.backoff_min <= duration::zero() || o.backoff_max < o.backoff_min) return wrong("no such back-off");
    std::set<server_id> seen{o.self};
    for (tcp_peer const& p : o.peers) {
        if (!p.server || !seen.insert(p.server).second) {
            return wrong("server id " + to_string(p.server) + " is zero or given twice");
        }
        if (p.address.host.empty()) return wrong("server " + to_string(p.server) + " has no address");
    }
    return outcome::success();
}

error listen_error(tcp_address const& at, tcp_detail::error_code const& failure) {
    errc code = errc::io_failed;
    if (failure == asio::error::address_in_use) code = errc::in_use;
    if (failure == asio::error::access_denied) code = errc::permission_denied;
    return error(code, "cannot listen on " + tcp_detail::to_string(at) + ": " + failure.message());
}

} // namespace

result<std::unique_ptr<tcp_endpoint>> tcp_endpoint::open(boost::asio::any_io_executor on,
                                                         tcp_endpoint_options options,
                                                         transport_listener& listener) {
    ZOOID_TRY(check_options(options));
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
void tcp_endpoint::forget_peer(server_id peer) {
    impl_->forget_peer(peer);
}
void tcp_endpoint::stop() {
    impl_->stop();
}
result<void> tcp_endpoint::send(server_id to, channel on, bytes_view payload) {
    return impl_->send(to, on, payload);
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
    : executor_(std::move(e)), options_(std::move(options)), listener_(listener), acceptor_(executor_),
      accept_retry_(executor_), random_(options_.life.value ^ options_.self.value) {}

result<void> tcp_endpoint::impl::listen() {
    tcp_address const& at = options_.listen;
    if (at.host.empty()) return outcome::success();
    tcp_detail::error_code failure;
    auto const address = asio::ip::make_address(at.host, failure);
    if (failure) return error(errc::invalid_argument, at.host + " is not an address to listen on");
    asio::ip::tcp::endpoint const end(address, at.port);
    acceptor_.open(end.protocol(), failure);
    if (!failure) acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
    if (!failure) acceptor_.bind(end, failure);
    if (!failure) acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) return listen_error(at, failure);
    port_ = acceptor_.local_endpoint(failure).port();
    return outcome::success();
}

void tcp_endpoint::impl::begin() {
    if (port_ != 0) accept();
    for (tcp_peer const& p : options_.peers)
        set_peer(p);
}

void tcp_endpoint::impl::accept() {
    acceptor_.async_accept(executor_, [weak = weak_from_this()](tcp_detail::error_code const& failure,
                                                                tcp_detail::socket accepted) {
        auto const self = weak.lock();
        if (!self || self->ended_) return;
        if (failure) return self->accept_again_later();
        self->adopt(std::move(accepted));
        self->accept();
    });
}

// Out of descriptors, most likely: trying at once would spin.
void tcp_endpoint::impl::accept_again_later() {
    accept_retry_.expires_after(std::chrono::duration_cast<tcp_detail::timer::duration>(accept_retry_after));
    accept_retry_.async_wait([weak = weak_from_this()](tcp_detail::error_code const& cancelled) {
        auto const self = weak.lock();
        if (!cancelled && self && !self->ended_) self->accept();
    });
}

void tcp_endpoint::impl::adopt(tcp_detail::socket accepted) {
    tcp_detail::prepare_socket(accepted);
    auto made = session_options_for(link_side::acceptor, {});
    if (!made) return;
    auto const s = std::make_shared<stream>(std::move(accepted), std::move(made).value(), this);
    if (arriving_.size() + clients_.size() >= options_.connections_max) {
        report(s->address(), {}, close_reason::full, false, error(errc::overloaded, "too many connections"));
        return s->close(close_reason::full, "too many connections");
    }
    arriving_.insert(s);
    s->start(options_.handshake_timeout);
}

result<session_options> tcp_endpoint::impl::session_options_for(link_side side, server_id target) {
    ZOOID_TRY(nonce const own, random_bytes());
    session_options o;
    o.side = side;
    o.self.server = options_.self;
    o.self.life = options_.life;
    o.self.shard = options_.shard;
    o.target = target;
    o.keys = &options_.keys;
    o.suite = &hmac_sha256();
    o.own_nonce = own;
    o.queue_bytes_max = options_.queue_bytes_max;
    return o;
}

tcp_endpoint::impl::peer_state& tcp_endpoint::impl::peer_of(server_id id) {
    auto& place = peers_[id];
    if (!place) place = std::make_unique<peer_state>(executor_, options_.backoff_min);
    return *place;
}

void tcp_endpoint::impl::set_peer(tcp_peer const& peer) {
    if (peer.server == options_.self) return;
    peer_state& p = peer_of(peer.server);
    p.address = peer.address;
    p.backoff = options_.backoff_min;
    p.retry.cancel();
    dial_peer(peer.server);
}

bool tcp_endpoint::impl::wants_link(peer_state const& p) const {
    return !ended_ && !p.address.host.empty() && !p.links.contains(options_.shard) && !p.dialling &&
           !p.shaking_hands;
}

void tcp_endpoint::impl::dial_peer(server_id id) {
    peer_state& p = peer_of(id);
    p.waiting = false;
    if (!wants_link(p)) return;
    p.dialling = std::make_shared<tcp_detail::dial>(
        executor_, p.address,
        [weak = weak_from_this(), id](result<void> outcome, tcp_detail::socket connected) {
            if (auto const self = weak.lock()) self->on_dialled(id, std::move(outcome), std::move(connected));
        });
    p.retry.expires_after(
        std::chrono::duration_cast<tcp_detail::timer::duration>(options_.handshake_timeout));
    p.retry.async_wait(
        [weak = weak_from_this(), id, d = p.dialling](tcp_detail::error_code const& cancelled) {
            auto const self = weak.lock();
            if (cancelled || !self || self->ended_ || self->peer_of(id).dialling != d) return;
            d->cancel();
            error const late(errc::unreachable,
                             tcp_detail::to_string(self->peer_of(id).address) + ": no answer in time");
            self->on_dialled(id, late, tcp_detail::socket(self->executor_));
        });
    p.dialling->start();
}

void tcp_endpoint::impl::on_dialled(server_id id, result<void> outcome, tcp_detail::socket connected) {
    auto const found = peers_.find(id);
    if (ended_ || found == peers_.end()) return;
    peer_state& p = *found->second;
    p.dialling.reset();
    p.retry.cancel();
    auto made = session_options_for(link_side::initiator, id);
    if (!outcome || !made) {
        error const why = outcome ? made.error() : outcome.error();
        report(tcp_detail::to_string(p.address), id, close_reason::lost, false, why);
        return dial_later(id);
    }
    p.shaking_hands = std::make_shared<stream>(std::move(connected), std::move(made).value(), this);
    p.shaking_hands->dialled = id;
    p.shaking_hands->start(options_.handshake_timeout);
}

// Half the wait is certain, the other half is drawn: servers that lost a switch together come back apart.
void tcp_endpoint::impl::dial_later(server_id id) {
    auto const found = peers_.find(id);
    if (found == peers_.end() || !wants_link(*found->second) || found->second->waiting) return;
    peer_state& p = *found->second;
    p.waiting = true;
    auto const half = static_cast<std::uint64_t>(p.backoff.count() / 2);
    duration const wait(static_cast<duration::rep>(half + random_.between(0, half)));
    p.backoff = std::min(p.backoff * 2, options_.backoff_max);
    p.retry.expires_after(std::chrono::duration_cast<tcp_detail::timer::duration>(wait));
    p.retry.async_wait([weak = weak_from_this(), id](tcp_detail::error_code const& cancelled) {
        auto const self = weak.lock();
        if (!cancelled && self && self->peers_.contains(id)) self->dial_peer(id); // clears `waiting`
    });
}

void tcp_endpoint::impl::report(std::string address, server_id peer, close_reason reason, bool by_peer,
                                error const& failure) {
    ++statistics_.links_refused;
    listener_.on_refused({std::move(address), peer, reason, by_peer, failure});
}

} // namespace zooid
