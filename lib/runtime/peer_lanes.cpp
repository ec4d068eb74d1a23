#include "runtime/peer_lanes.hpp"

#include "server/peers.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/codec.hpp>

#include <algorithm>
#include <iterator>

namespace zooid {

static_assert(lanes_max <= journals_remembered_max);

peer_lanes::peer_lanes(shard_place self, std::uint16_t shards) : shards_(shards) {
    for (std::uint16_t shard : joined_shards(self, shards))
        lanes_[shard];
    ZOOID_CHECK(lanes_.size() > 1, "L5: a peer with one lane is heard as it is, grants and all");
}

life_id peer_lanes::life() const {
    return lanes_.begin()->second.life;
}

bool peer_lanes::is_whole() const {
    return std::all_of(lanes_.begin(), lanes_.end(),
                       [&](auto const& l) { return l.second.up && l.second.life == life(); });
}

namespace {

bool claims_rolled_back(hello const& peer) {
    auto const claimed = decode_claims(peer.claims);
    return claimed && is_rolled_back(claimed.value().own);
}

} // namespace

bool peer_lanes::admits(hello const& peer) const {
    if (!claims_rolled_back(peer)) return true;
    return std::none_of(lanes_.begin(), lanes_.end(), [&](auto const& l) {
        return l.second.up && l.second.life != peer.life && !l.second.rolled_back;
    });
}

void peer_lanes::up(hello const& peer) {
    lane& l = lanes_[peer.place.shard];
    bool const reborn = l.life != peer.life;
    l.up = true;
    l.rolled_back = claims_rolled_back(peer);
    l.life = peer.life;
    l.claims = peer.claims;
    l.claims_wait = true;
    l.fresh = false;
    if (reborn) l.heard = 0;
}

void peer_lanes::down(std::uint16_t shard) {
    lane& l = lanes_[shard];
    l.up = l.fresh = l.claims_wait = false;
}

std::optional<std::uint16_t> peer_lanes::awaits_admission() const {
    for (auto const& [shard, l] : lanes_) {
        if (l.up && l.claims_wait) return shard;
    }
    return std::nullopt;
}

bool peer_lanes::all_fresh() const {
    return std::all_of(lanes_.begin(), lanes_.end(), [](auto const& l) { return l.second.fresh; });
}

pulse peer_lanes::worst() const {
    pulse all = lanes_.begin()->second.latest;
    for (auto const& [shard, l] : lanes_) {
        pulse const& p = l.latest;
        all.echo = std::min(all.echo, p.echo);
        all.stopping = all.stopping || p.stopping;
        all.journal_age_ms = std::max(all.journal_age_ms, p.journal_age_ms);
        all.version_highest = std::min(all.version_highest, p.version_highest);
        std::vector<server_id> both;
        std::set_intersection(all.hears.begin(), all.hears.end(), p.hears.begin(), p.hears.end(),
                              std::back_inserter(both));
        all.hears = std::move(both);
    }
    all.grant = {}; // L5
    return all;
}

result<std::vector<bytes>> peer_lanes::hear(std::uint16_t shard, bytes_view encoded) {
    ZOOID_TRY(pulse p, decode_pulse(encoded));
    lane& l = lanes_[shard];
    if (!l.up || p.life != l.life) return std::vector<bytes>{};
    l.heard = std::max(l.heard, p.number);
    l.rolled_back = l.rolled_back || is_rolled_back(p.claim);
    l.latest = std::move(p);
    l.fresh = true;
    std::vector<bytes> told;
    if (!is_whole() || !all_fresh()) return told;
    pulse all = worst();
    all.number = ++rounds_;
    for (auto& [other, each] : lanes_) {
        each.fresh = false;
        all.claim = each.latest.claim;
        told.push_back(encode(all));
    }
    return told;
}

std::vector<peer_lanes::outgoing> peer_lanes::spread_pulse(bytes_view encoded) const {
    std::vector<outgoing> all;
    auto decoded = decode_pulse(encoded);
    if (!decoded) return all;   // the host made it
    decoded.value().grant = {}; // L5
    for (auto const& [shard, l] : lanes_) {
        decoded.value().echo = l.heard;
        all.push_back({shard, encode(decoded.value())});
    }
    return all;
}

std::vector<peer_lanes::outgoing> peer_lanes::split_cells(bytes_view frame) const {
    std::map<std::uint16_t, bytes> parts;
    auto const decoded = decode_addressed(frame);
    if (!decoded) return {}; // the host made it
    for (addressed const& a : decoded.value()) {
        writer w(parts[shard_of(a.cell, shards_)]);
        w.put(a.cell), w.put(a.to), w.put(a.from), w.put_sized(a.content);
    }
    std::vector<outgoing> all;
    for (auto& [shard, part] : parts)
        all.push_back({shard, std::move(part)});
    return all;
}

} // namespace zooid
