// Links that talk: who is kept when two meet, what the listener hears, when queues are written.
#include "tcp/endpoint_impl.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace zooid {

namespace {

// Worth telling an operator: everything but a connection that simply broke, a stop, and the tie-break.
bool is_refusal(close_reason reason) {
    return reason != close_reason::lost && reason != close_reason::stopping &&
           reason != close_reason::duplicate;
}

error no_lane(shard_place own, shard_place theirs) {
    auto const words = [](shard_place p) {
        return "shard " + std::to_string(p.shard) + " of " + std::to_string(p.shards);
    };
    return error(errc::conflict, words(own) + " and " + words(theirs) + " share no cell");
}

} // namespace

void tcp_endpoint::impl::on_event(stream& s, session_event const& e) {
    auto const kept_alive = s.shared_from_this();
    in_turn_ = true;
    handle(s, e);
    in_turn_ = false;
    if (!s.has_owner()) flush(); // its turn end does not come any more
}

void tcp_endpoint::impl::handle(stream& s, session_event const& e) {
    switch (e.what) {
    case session_event::type::identified: return on_identified(s);
    case session_event::type::up: return on_up(s);
    case session_event::type::frame: return on_frame(s, e);
    case session_event::type::closed: return on_closed(s);
    case session_event::type::peer_refused:
    case session_event::type::none: return;
    }
}

void tcp_endpoint::impl::on_turn_end() {
    flush();
}

// Of two connections of one lane the younger life wins; of one life, the one that the lower server
// id dialled, so that both ends decide alike in whatever order they see them; of one dialler, the newer one.
bool tcp_endpoint::impl::keeps(stream const& existing, stream const& other) const {
    hello const& peer = other.protocol().peer();
    if (existing.protocol().peer().life != peer.life) return false;
    if (existing.dialled_by_us() == other.dialled_by_us()) return false;
    return existing.dialled_by_us() == (options_.self < peer.server);
}

stream* tcp_endpoint::impl::existing_link(stream const& s) {
    hello const& peer = s.protocol().peer();
    lane_state const* const lane = find_lane(peer.server, peer.place.shard);
    return lane ? lane->link.get() : nullptr;
}

// What the peer says of its shards is proven here. If we dialled a shard that it does not have, another one
// answered, and from here on we dial the right ones.
bool tcp_endpoint::impl::has_lane_for(stream& s) {
    hello const& peer = s.protocol().peer();
    if (!are_joined(options_.place, peer.place)) return false;
    learn_shards(peer.server, peer.place.shards);
    return true;
}

void tcp_endpoint::impl::dial_missing(server_id id) {
    for (auto const& [shard, lane] : peer_of(id).lanes) {
        if (!lane.waiting) dial_lane(id, shard);
    }
}

void tcp_endpoint::impl::on_identified(stream& s) {
    hello const& peer = s.protocol().peer();
    if (peer.role != party_role::server) {
        (void)s.protocol().admit({});
        return;
    }
    if (!has_lane_for(s)) return refuse(s, close_reason::refused, no_lane(options_.place, peer.place));
    stream const* const existing = existing_link(s);
    if (existing && keeps(*existing, s)) return refuse(s, close_reason::duplicate, errc::already_exists);
    bytes const claims = listener_.claims_for(peer.server);
    result<void> const admitted = s.protocol().admit(claims);
    if (!admitted)
        refuse(s, close_reason::refused, error(errc::too_large, "our claims are too long to be sent"));
}

void tcp_endpoint::impl::on_up(stream& s) {
    auto const self = s.shared_from_this();
    ++statistics_.links_opened;
    arriving_.erase(self);
    if (s.protocol().peer().role == party_role::server) return on_peer_link_up(s);
    last_client_.value += shards_max;
    s.client = last_client_;
    clients_[s.client] = self;
    listener_.on_client_up(s.client, s.protocol().peer());
}

void tcp_endpoint::impl::on_peer_link_up(stream& s) {
    auto const self = s.shared_from_this();
    hello const& peer = s.protocol().peer();
    stream* const existing = existing_link(s);
    if (existing && keeps(*existing, s)) return refuse(s, close_reason::duplicate, errc::already_exists);
    if (existing) {
        result<void> const may_replace = listener_.may_replace_link(peer);
        if (!may_replace) return refuse(s, close_reason::refused, may_replace.error());
        replace(*existing);
    }
    lane_state* const lane = find_lane(peer.server, peer.place.shard);
    if (!lane) return refuse(s, close_reason::refused, no_lane(options_.place, peer.place));
    for (auto& [shard, other] : peer_of(peer.server).lanes) {
        if (other.shaking_hands == self) other.shaking_hands.reset();
    }
    lane->retry.cancel();
    lane->waiting = false;
    lane->link = self;
    result<void> const welcome = listener_.on_peer_up(peer);
    if (!welcome) {
        lane->link.reset();
        return refuse(s, close_reason::refused, welcome.error());
    }
    if (peer_of(peer.server).lanes.size() > 1) dial_missing(peer.server);
}

void tcp_endpoint::impl::replace(stream& existing) {
    auto const kept_alive = existing.shared_from_this();
    hello const& peer = existing.protocol().peer();
    existing.close(close_reason::duplicate, "a newer connection is kept");
    retire(existing);
    listener_.on_lane_down(peer.server, peer.place.shard,
                           error(errc::unreachable, "replaced by another connection"));
}

// Whom we dialled, or who proved itself; zero if it is only a claim.
server_id tcp_endpoint::impl::proven(stream const& s) {
    if (s.dialled) return s.dialled;
    return s.protocol().is_identified() ? s.protocol().peer().server : server_id{};
}

// Ends a stream that is in nobody's use yet.
void tcp_endpoint::impl::refuse(stream& s, close_reason reason, error const& why) {
    auto const kept_alive = s.shared_from_this();
    server_id const id = proven(s);
    s.close(reason, why.detail());
    retire(s);
    if (is_refusal(reason)) report(s.address(), id, reason, false, why);
    dial_later(id);
}

void tcp_endpoint::impl::on_frame(stream& s, session_event const& e) {
    hello const& peer = s.protocol().peer();
    switch (e.kind) {
    case frame_kind::pulse:
        if (lane_state* const lane = find_lane(peer.server, peer.place.shard))
            lane->backoff = options_.backoff_min; // it let us in
        return listener_.on_lane_frame(peer.server, peer.place.shard, channel::pulse, e.payload);
    case frame_kind::cells:
        return listener_.on_lane_frame(peer.server, peer.place.shard, channel::cells, e.payload);
    case frame_kind::request:
        if (s.client) listener_.on_request({s.client, s.protocol().peer().role}, e.payload);
        return;
    default: return;
    }
}

void tcp_endpoint::impl::on_closed(stream& s) {
    auto const kept_alive = s.shared_from_this();
    session const& p = s.protocol();
    server_id const id = proven(s);
    bool const was_link = existing_link(s) == &s;
    bool const was_client = clients_.contains(s.client);
    retire(s);
    bool const never_up = !was_link && !was_client;
    if (is_refusal(p.reason()) || (never_up && s.dialled && p.reason() != close_reason::duplicate)) {
        report(s.address(), id, p.reason(), p.closed_by_peer(), p.failure());
    }
    if (was_link) listener_.on_lane_down(id, p.peer().place.shard, p.failure());
    if (was_client) listener_.on_client_down(s.client);
    dial_later(id);
}

// Takes a stream out of every table and keeps its counts.
void tcp_endpoint::impl::retire(stream& s) {
    auto const self = s.shared_from_this();
    past_ += s.protocol().statistics();
    statistics_.reads += s.reads();
    statistics_.writes += s.writes();
    arriving_.erase(self);
    clients_.erase(s.client);
    for (server_id id : {s.dialled, s.protocol().peer().server}) {
        auto const found = peers_.find(id);
        if (found == peers_.end()) continue;
        for (auto& [shard, lane] : found->second->lanes) {
            if (lane.shaking_hands == self) lane.shaking_hands.reset();
            if (lane.link == self) lane.link.reset();
        }
    }
}

stream* tcp_endpoint::impl::link_to(peer_state const& p) {
    for (auto const& [shard, lane] : p.lanes) {
        if (lane.link) return lane.link.get();
    }
    return nullptr;
}

result<void> tcp_endpoint::impl::send(server_id to, channel on, bytes_view payload) {
    auto const found = peers_.find(to);
    return send_on(found == peers_.end() ? nullptr : link_to(*found->second), on, payload);
}

result<void> tcp_endpoint::impl::send(server_id to, std::uint16_t shard, channel on, bytes_view payload) {
    lane_state const* const lane = find_lane(to, shard);
    return send_on(lane ? lane->link.get() : nullptr, on, payload);
}

result<void> tcp_endpoint::impl::send_on(stream* link, channel on, bytes_view payload) {
    if (!link) {
        ++statistics_.dropped_unreachable;
        return errc::unreachable;
    }
    auto const kind = on == channel::pulse ? frame_kind::pulse : frame_kind::cells;
    result<void> queued = link->protocol().send(kind, payload);
    if (queued) will_flush(*link);
    return queued;
}

result<void> tcp_endpoint::impl::reply(link_id client, bytes_view payload) {
    auto const found = clients_.find(client);
    if (found == clients_.end()) {
        ++statistics_.dropped_unreachable;
        return errc::unreachable;
    }
    result<void> queued = found->second->protocol().send(frame_kind::reply, payload);
    if (queued) will_flush(*found->second);
    return queued;
}

// The post is the safety net: usually the end of the turn, or the owner's own flush, comes before it.
void tcp_endpoint::impl::will_flush(stream& s) {
    if (!s.waits) {
        s.waits = true;
        to_flush_.push_back(s.shared_from_this());
    }
    if (in_turn_ || flush_posted_) return;
    flush_posted_ = true;
    asio::post(executor_, [weak = weak_from_this()] {
        auto const self = weak.lock();
        if (!self) return;
        self->flush_posted_ = false;
        self->flush();
    });
}

void tcp_endpoint::impl::flush() {
    for (stream_ptr const& s : to_flush_) {
        s->waits = false;
        s->flush();
    }
    to_flush_.clear();
}

bool tcp_endpoint::impl::is_whole(peer_state const& p) {
    return std::all_of(p.lanes.begin(), p.lanes.end(), [](auto const& lane) { return lane.second.link; });
}

bool tcp_endpoint::impl::is_up(server_id id) const {
    auto const found = peers_.find(id);
    return found != peers_.end() && is_whole(*found->second);
}

template <class Act>
void tcp_endpoint::impl::for_each_stream(Act const& act) const {
    for (auto const& [id, p] : peers_) {
        for (auto const& [shard, lane] : p->lanes) {
            if (lane.link) act(*lane.link);
            if (lane.shaking_hands) act(*lane.shaking_hands);
        }
    }
    for (auto const& [id, client] : clients_)
        act(*client);
    for (stream_ptr const& s : arriving_)
        act(*s);
}

transport_statistics tcp_endpoint::impl::statistics() const {
    transport_statistics all = statistics_;
    all.frames = past_;
    for_each_stream([&](stream const& s) {
        all.frames += s.protocol().statistics();
        all.reads += s.reads();
        all.writes += s.writes();
    });
    for (auto const& [id, p] : peers_)
        all.peers_up += is_whole(*p) ? 1 : 0;
    all.clients_up = clients_.size();
    return all;
}

void tcp_endpoint::impl::stop() {
    flush();
    for_each_stream([](stream& s) { s.close(close_reason::stopping, "the server stops"); });
    abandon();
}

void tcp_endpoint::impl::abandon() {
    if (ended_) return;
    ended_ = true;
    port_->close();
    for (auto const& [id, p] : peers_) {
        for (auto& [shard, lane] : p->lanes) {
            lane.retry.cancel();
            if (lane.dialling) lane.dialling->cancel();
        }
    }
    for_each_stream([](stream& s) {
        if (!s.is_lingering()) s.abandon();
    });
    peers_.clear();
    clients_.clear();
    arriving_.clear();
    to_flush_.clear();
}

} // namespace zooid
