// Peers that have another number of shards than we, so that several of them talk to this one: peer_lanes.hpp.
#include "runtime/server_engine.hpp"

#include <fmt/format.h>

namespace zooid {

peer_lanes* server_engine::lanes_to(server_id peer) {
    if (mixed_.empty()) return nullptr;
    auto const found = mixed_.find(peer);
    return found == mixed_.end() ? nullptr : &found->second;
}

// The peer came back with another number of shards: it is another peer than it was.
void server_engine::forget_lanes(server_id peer) {
    auto const found = mixed_.find(peer);
    if (found == mixed_.end()) return;
    if (found->second.is_whole()) server_.on_peer_down(boot_time_now(), peer);
    mixed_.erase(found);
}

result<void> server_engine::on_lane_up(hello const& peer) {
    ZOOID_TRY(may_replace_link(peer)); // a lane that was lost just now
    std::size_t const needed = joined_shards(place_, peer.place.shards).size();
    if (needed > lanes_max) {
        return error(
            errc::invalid_argument,
            fmt::format("server {} has {} shards and server {} has {}: shard {} would have to talk to "
                        "{} of them, {} are possible",
                        peer.server.value, peer.place.shards, identity_.server.value, place_.shards,
                        place_.shard, needed, lanes_max));
    }
    if (peer_lanes const* known = lanes_to(peer.server); known && known->shards() != peer.place.shards)
        forget_lanes(peer.server);
    peer_lanes& lanes = mixed_.try_emplace(peer.server, place_, peer.place.shards).first->second;
    lanes.up(peer);
    if (!lanes.is_whole()) return outcome::success();
    result<void> welcome = admit_claims(boot_time_now(), peer, lanes);
    if (!welcome) lanes.down(peer.place.shard);
    if (welcome) report(peer_connected{peer.server, peer.life});
    note_input();
    return welcome;
}

// L1, L3. What one lane claims may be refused after another's was welcome: then the peer is not up, and the
// claims that were refused are judged again whenever the last lane comes up.
result<void> server_engine::admit_claims(time_point now, hello const& peer, peer_lanes& lanes) {
    while (auto const shard = lanes.awaits_admission()) {
        result<void> welcome = server_.on_peer_up(now, peer.server, peer.life, lanes.claims_of(*shard));
        if (!welcome) {
            server_.on_peer_down(now, peer.server);
            return welcome;
        }
        lanes.admitted(*shard);
    }
    return outcome::success();
}

void server_engine::on_mixed_frame(peer_lanes& from, server_id peer, std::uint16_t shard, channel on,
                                   bytes_view payload) {
    time_point const now = boot_time_now();
    note_input();
    if (on == channel::cells) return server_.on_frame(now, peer, on, payload);
    auto const heard = from.hear(shard, payload);
    if (!heard) return server_.on_frame(now, peer, on, payload); // refused and reported there
    for (bytes const& pulse : heard.value())
        server_.on_frame(now, peer, on, pulse);
}

void server_engine::send_over(peer_lanes& lanes, output_frame const& f) {
    auto const parts = f.on == channel::pulse ? lanes.spread_pulse(f.payload) : lanes.split_cells(f.payload);
    for (auto const& part : parts)
        (void)endpoint_->send(f.to, part.shard, f.on, part.payload); // dropped and counted there
}

} // namespace zooid
