#include "runtime/shard_exchange.hpp"

#include <utility>

namespace zooid {

namespace {

// What an item costs apart from its payload.
constexpr std::size_t item_bytes = sizeof(shard_exchange::item);

} // namespace

shard_exchange::shard_exchange(std::uint16_t shards, std::size_t queue_bytes_max)
    : bytes_max_(queue_bytes_max) {
    for (std::uint16_t i = 0; i < shards; ++i)
        queues_.push_back(std::make_unique<queue>());
}

void shard_exchange::attach(std::uint16_t shard, std::function<void()> wake) {
    queues_[shard]->wake = std::move(wake);
}

bool shard_exchange::hand(std::uint16_t to, item what, bound how) {
    queue& q = *queues_[to];
    std::size_t const size = item_bytes + what.payload.size();
    bool wake = false;
    {
        std::lock_guard const lock(q.guard);
        if (how == bound::queue && q.bytes + size > bytes_max_) {
            ++q.counts.dropped_full;
            return false;
        }
        if (what.what == kind::request) ++q.counts.requests;
        if (what.what == kind::reply) ++q.counts.replies;
        wake = q.items.empty();
        q.bytes += size;
        q.items.push_back(std::move(what));
    }
    if (wake) q.wake();
    return true;
}

std::vector<shard_exchange::item> shard_exchange::take(std::uint16_t shard) {
    queue& q = *queues_[shard];
    std::lock_guard const lock(q.guard);
    q.bytes = 0;
    return std::exchange(q.items, {});
}

exchange_statistics shard_exchange::statistics(std::uint16_t shard) const {
    queue const& q = *queues_[shard];
    std::lock_guard const lock(q.guard);
    return q.counts;
}

} // namespace zooid
