#include "runtime/running_shards.hpp"

#include <zooid/base/check.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace zooid {

namespace asio = boost::asio;

namespace {

constexpr std::size_t exchange_bytes_max = 16 << 20; // for each shard, as a link's queue

} // namespace

running_shards::running_shards(shard_engines shards)
    : shards_(std::move(shards)), stop_(std::make_shared<graceful_stop>(shards_)) {}

running_shards::~running_shards() {
    for (auto const& shard : shards_)
        shard->abandon();
    stop_->cancel();
}

result<void> running_shards::begin(running_server_options const& options) {
    return shards_.size() == 1 ? shards_.front()->begin() : begin_several(options);
}

// To the shard's owner, unless the shard is gone by the time that it gets there.
tcp_acceptor::taker running_shards::hand_to_shards() const {
    std::vector<std::weak_ptr<server_engine>> to(shards_.begin(), shards_.end());
    return [to = std::move(to)](std::uint16_t shard, tcp_socket accepted) {
        auto const engine = to[shard].lock();
        if (!engine) return;
        asio::post(engine->owner(), [weak = to[shard], s = std::move(accepted)]() mutable {
            if (auto const self = weak.lock()) self->adopt(std::move(s));
        });
    };
}

// Owners may run already, so each shard begins on its own. What could fail then was checked before.
result<void> running_shards::begin_several(running_server_options const& options) {
    auto const others = std::make_shared<shard_exchange>(shards(), exchange_bytes_max);
    for (auto const& shard : shards_)
        shard->share(others);
    tcp_acceptor_options listening;
    listening.listen = options.listen;
    listening.shards = shards();
    ZOOID_TRY(acceptor_, tcp_acceptor::open(shards_.front()->owner(), listening, hand_to_shards()));
    for (auto const& shard : shards_) {
        asio::post(shard->owner(), [weak = std::weak_ptr(shard)] {
            auto const self = weak.lock();
            if (!self) return;
            result<void> const begun = self->begin();
            ZOOID_CHECK(begun, "options were checked");
        });
    }
    asio::post(shards_.front()->owner(), [weak = std::weak_ptr(acceptor_)] {
        if (auto const acceptor = weak.lock()) acceptor->start();
    });
    return outcome::success();
}

void running_shards::set_peer(tcp_peer const& peer) {
    for (std::size_t i = 0; i < shards_.size(); ++i)
        run_on_shard(shards_, i, [peer](server_engine& shard) { shard.set_peer(peer); });
}

void running_shards::start_stop(duration deadline, server_stop_handler handler) {
    if (acceptor_) acceptor_->stop();
    stop_->begin(deadline, std::move(handler));
}

// Answers are gathered on the first owner, so nothing is shared between shards.
void running_shards::start_snapshot(boost::asio::any_completion_handler<snapshot_signature> handler) {
    struct gathering {
        boost::asio::any_completion_handler<snapshot_signature> handler;
        std::optional<running_server_snapshot> all;
        std::size_t missing;
    };
    auto const state = std::make_shared<gathering>(gathering{std::move(handler), {}, shards_.size()});
    auto const owner = shards_.front()->owner();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        asio::post(shards_[i]->owner(), [state, owner, shard = shards_[i]] {
            asio::post(owner, [state, owner, part = shard->snapshot()] {
                state->all ? state->all->merge(part) : void(state->all = part);
                if (--state->missing != 0) return;
                asio::post(owner, asio::append(std::move(state->handler), *state->all));
            });
        });
    }
}

void running_shards::start_explain(cell_id cell,
                                   boost::asio::any_completion_handler<explain_signature> handler) {
    auto const shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto const shard = shards_[shard_of(cell, shards())];
    asio::post(shard->owner(), [shared, shard, cell, owner = shards_.front()->owner()] {
        asio::post(owner, asio::append(std::move(*shared), shard->host().explain(cell)));
    });
}

// ---- adding up

namespace {

void add(server_statistics& sum, server_statistics const& part) {
    sum.commits_admitted += part.commits_admitted;
    sum.commits_answered += part.commits_answered;
    sum.reads_answered += part.reads_answered;
    sum.reads_leased += part.reads_leased;
    sum.requests_failed += part.requests_failed;
    sum.bytes_taught += part.bytes_taught;
    sum.lessons_refused += part.lessons_refused;
    sum.values_rewritten += part.values_rewritten;
    sum.messages_sent += part.messages_sent;
    sum.messages_received += part.messages_received;
    sum.frames_sent += part.frames_sent;
    sum.messages_refused += part.messages_refused;
    sum.messages_dropped += part.messages_dropped;
    sum.slots_applied += part.slots_applied;
    sum.turns += part.turns;
    sum.turns_persisted += part.turns_persisted;
    sum.cells += part.cells;
    sum.leading += part.leading;
    sum.reserved += part.reserved;
    sum.requests_waiting += part.requests_waiting;
    sum.replica_bytes += part.replica_bytes;
}

void add(journal_statistics& sum, journal_statistics const& part) {
    sum.appends += part.appends;
    sum.records += part.records;
    sum.batches += part.batches;
    sum.bytes_written += part.bytes_written;
    sum.records_moved += part.records_moved;
    sum.segments_created += part.segments_created;
    sum.segments_removed += part.segments_removed;
    sum.scrubbed_bytes += part.scrubbed_bytes;
    sum.segments += part.segments;
    sum.segment_bytes += part.segment_bytes;
    sum.live_bytes += part.live_bytes;
    sum.live_records += part.live_records;
    sum.index_bytes += part.index_bytes;
}

void add(transport_statistics& sum, transport_statistics const& part) {
    sum.frames += part.frames;
    sum.reads += part.reads;
    sum.writes += part.writes;
    sum.links_opened += part.links_opened;
    sum.links_refused += part.links_refused;
    sum.dropped_unreachable += part.dropped_unreachable;
    sum.peers_up = std::min(sum.peers_up, part.peers_up);
    sum.clients_up += part.clients_up;
}

} // namespace

void running_server_snapshot::merge(running_server_snapshot const& other) {
    shards = static_cast<std::uint16_t>(shards + other.shards);
    add(server, other.server);
    add(journal, other.journal);
    add(transport, other.transport);
    commit_latency.merge(other.commit_latency);
    flush_latency.merge(other.flush_latency);
    turn_inputs.merge(other.turn_inputs);
    between_shards.requests += other.between_shards.requests;
    between_shards.replies += other.between_shards.replies;
    between_shards.dropped_full += other.between_shards.dropped_full;
}

} // namespace zooid
