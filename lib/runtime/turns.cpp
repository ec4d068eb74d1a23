// What arrives, and the end of a turn.
#include "runtime/server_engine.hpp"

#include <zooid/base/codec.hpp>

#include <algorithm>

namespace zooid {

namespace {

// Replies come for every commit that was noted; this only bounds what a host that stopped answering costs.
constexpr std::size_t commits_timed_max = 200'000;

// There and back, with both threads awake for it. Measured with CPUs that others use as well.
constexpr duration hop_between_threads = std::chrono::microseconds(60);

} // namespace

// ---- what arrives

void server_engine::note_input() {
    ++inputs_;
    if (turn_open_ || ended_) return;
    turn_open_ = true;
    later_.execute([weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->end_turn();
    });
}

void server_engine::report(runtime_event what) {
    events_.push_back(std::move(what));
    note_input();
}

bytes server_engine::claims_for(server_id peer) {
    return server_.claims_for(peer);
}

result<void> server_engine::may_replace_link(hello const& peer) {
    if (peer_lanes const* const lanes = lanes_to(peer.server); lanes && !lanes->admits(peer))
        return error(errc::wrong_owner, "a journal of server " + to_string(peer.server) +
                                            " was rolled back, and another process is up there");
    return server_.may_replace_link(boot_time_now(), peer.server, peer.life, peer.claims);
}

result<void> server_engine::on_peer_up(hello const& peer) {
    if (ended_) return errc::stopping;
    if (joined_shards(place_, peer.place.shards).size() > 1) return on_lane_up(peer);
    if (!mixed_.empty()) forget_lanes(peer.server);
    result<void> const welcome = server_.on_peer_up(boot_time_now(), peer.server, peer.life, peer.claims);
    note_input();
    if (welcome) report(peer_connected{peer.server, peer.life});
    return welcome;
}

void server_engine::on_lane_down(server_id peer, std::uint16_t shard, error const& why) {
    if (peer_lanes* const lanes = lanes_to(peer)) {
        bool const was_whole = lanes->is_whole();
        lanes->down(shard);
        if (!was_whole) return;
    }
    server_.on_peer_down(boot_time_now(), peer);
    report(peer_disconnected{peer, why});
}

void server_engine::on_lane_frame(server_id from, std::uint16_t shard, channel on, bytes_view payload) {
    if (peer_lanes* const lanes = lanes_to(from)) return on_mixed_frame(*lanes, from, shard, on, payload);
    server_.on_frame(boot_time_now(), from, on, payload);
    note_input();
}

void server_engine::on_request(requester from, bytes_view request) {
    sharing_ ? sharing_->on_request(from, request) : take_request(from, request);
}

void server_engine::take_request(requester from, bytes_view request) {
    time_point const now = boot_time_now();
    note_commit(now, from.link, request);
    server_.on_request(now, from, request);
    note_input();
}

void server_engine::on_client_down(link_id client) {
    sharing_ ? sharing_->on_client_down(client) : forget_client(client);
}

void server_engine::forget_client(link_id client) {
    server_.on_client_down(client);
}

void server_engine::reply_to_client(link_id client, bytes_view reply) {
    (void)endpoint_->reply(client, reply); // the client has gone, or asks again
}

void server_engine::take_handed() {
    if (ended_) return;
    sharing_->take_handed();
    endpoint_->flush();
}

void server_engine::on_refused(refused_connection const& refused) {
    report(refused);
}

void server_engine::secured() {
    server_.on_secured(boot_time_now());
    report(server_ready{server_.cells().size(), tail_bytes_cut_});
}

void server_engine::persisted(std::uint64_t sequence_number) {
    time_point const now = boot_time_now();
    journal_.note_persisted(now, sequence_number);
    server_.on_persisted(now, sequence_number);
    flushing_in_turn_ ? void(persisted_in_turn_ = true) : note_input();
}

void server_engine::failed(error const& reason) {
    journal_.note_failed();
    server_.on_journal_failed(boot_time_now(), reason);
    note_input();
}

void server_engine::stalled(error const& reason) {
    report(appends_stalled{reason});
}

void server_engine::damage_found(journal_damage const& damage) {
    server_.on_damage(boot_time_now(), damage);
    note_input();
}

// ---- the end of a turn

void server_engine::end_turn() {
    if (ended_) return;
    turn_open_ = false; // what is noted from here on wants a turn of its own
    turn_inputs_.record(std::exchange(inputs_, 0));
    time_point const now = boot_time_now();
    if (now >= server_.deadline()) server_.wake(now);
    scrub(now); // before the turn flushes: it may move records, which makes a batch due
    carry_out(now);
    arm_timer(now);
    if (on_quiet_) watch_stop();
}

// A journal that is flushed here flushes after the frames have left, while those who got them work. What that
// sets free still belongs to this turn.
void server_engine::carry_out(time_point now) {
    do {
        persisted_in_turn_ = false;
        server_.finish(now, out_); // a journal with a thread of its own starts to write, while these leave
        for (output_reply const& r : out_.replies)
            note_reply(now, r);
        send_all();
        endpoint_->flush();
        flush_in_turn();
    } while (persisted_in_turn_);
}

void server_engine::flush_in_turn() {
    flushing_in_turn_ = true;
    if (store_.memory) store_.memory->flush();
    if (store_.in_turn && is_flushed_elsewhere()) {
        store_.in_turn->flush_elsewhere();
    } else if (store_.in_turn) {
        time_point const began = boot_time_now();
        store_.in_turn->flush();
        if (persisted_in_turn_) note_flush(boot_time_now() - began);
    }
    flushing_in_turn_ = false;
}

// A mean of the last few; one that took long says little of the next.
void server_engine::note_flush(duration took) {
    flush_takes_ += (std::min(took, 4 * hop_between_threads) - flush_takes_) / 8;
}

// Who proposes hears the others' answers while it flushes, and may need no flush of its own. Who accepts has
// nothing to do until its flush is done: another thread would only be a detour, as it is where a flush takes
// no longer than that. So now and then one is timed here.
bool server_engine::is_flushed_elsewhere() {
    if (options_.journal.thread != flush_thread::adaptive) return false;
    auto const to_cells = [](output_frame const& f) { return f.on == channel::cells; };
    bool const will_be_answered = std::any_of(out_.frames.begin(), out_.frames.end(), to_cells);
    if (!will_be_answered || flush_takes_ <= hop_between_threads) return false;
    return ++flushed_elsewhere_ % 64 != 0;
}

void server_engine::send_all() {
    if (!out_.facts.empty()) observer_.on_durable(out_.facts); // R2
    for (output_frame const& f : out_.frames) {
        if (peer_lanes* const lanes = lanes_to(f.to)) {
            send_over(*lanes, f);
        } else {
            (void)endpoint_->send(f.to, f.on, f.payload); // dropped and counted there: the cells repeat
        }
    }
    for (output_reply& r : out_.replies)
        send_reply(r);
    for (server_event const& e : out_.events)
        observer_.on_shard_event(place_.shard, e);
    for (runtime_event const& e : std::exchange(events_, {}))
        observer_.on_shard_event(place_.shard, e);
}

void server_engine::send_reply(output_reply& r) {
    sharing_ ? sharing_->send_reply(std::move(r)) : reply_to_client(r.to, r.payload);
}

void server_engine::note_commit(time_point now, link_id client, bytes_view encoded) {
    auto const decoded = decode_request(encoded);
    if (!decoded || decoded.value().op != operation::commit || commits_.size() >= commits_timed_max) return;
    commits_.insert_or_assign({client, decoded.value().correlation}, now);
}

void server_engine::note_reply(time_point now, output_reply const& reply) {
    reader in(reply.payload);
    auto const asked = commits_.find({reply.to, in.get<correlation_id>()});
    if (asked == commits_.end()) return;
    bool const refused = in.get<std::uint8_t>() != 0;
    if (!refused) commit_latency_.record(now - asked->second);
    commits_.erase(asked);
}

void server_engine::scrub(time_point now) {
    if (now < scrub_at_ || options_.scrub_bytes_per_second == 0 || store_.memory) return;
    bool const first = scrub_at_ == time_point{};
    scrub_at_ = now + std::chrono::seconds(1);
    if (!first) journal_.scrub(options_.scrub_bytes_per_second);
}

// Armed again only for an earlier time: one that comes too early looks, and arms itself anew. So commits,
// which push deadlines ahead of them, cost no timer.
void server_engine::arm_timer(time_point now) {
    time_point const due = server_.deadline();
    if (due >= armed_for_ || due == never) return;
    armed_for_ = due;
    timer_.expires_after(std::max(due - now, duration::zero()));
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code const& cancelled) {
        auto const self = weak.lock();
        if (!cancelled && self && !self->ended_) self->on_timer();
    });
}

void server_engine::on_timer() {
    armed_for_ = never;
    time_point const now = boot_time_now();
    now >= server_.deadline() ? note_input() : arm_timer(now);
}

} // namespace zooid
