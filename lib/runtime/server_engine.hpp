// The inside of one shard of a running server: shared by its handle and, weakly, by the handlers that are
// under way.
//
//   R1  Nothing of the transport or the journal calls into a turn: what arrives is noted, and one deferred
//       handler ends the turn.
//   R2  What rests on durable facts leaves after the observer was told of them.
//   R3  A handler that finds the engine gone, or ended, does nothing.
//   R4  A shard touches no other. What they hand to each other goes through the exchange, and the only shard
//       of a server has none.
#pragma once

#include "runtime/measured_journal.hpp"
#include "runtime/peer_lanes.hpp"
#include "runtime/request_sharing.hpp"

#include <zooid/file/data_directory.hpp>
#include <zooid/journal/memory_journal.hpp>
#include <zooid/runtime/running_server.hpp>
#include <zooid/server/server.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <map>

namespace zooid {

/// What recovery, or the lack of one, gives to a shard.
struct opened_store {
    std::shared_ptr<data_directory> directory; ///< of all shards; null in memory
    std::unique_ptr<zooid::journal> journal;
    memory_journal* memory = nullptr; ///< the journal, if it is one
    file_journal* in_turn = nullptr;  ///< the journal, if this thread decides who flushes it
    journal_id id;
    recovered_journal content;
};

/// Of the endpoint of one shard; it listens if there is no other shard.
tcp_endpoint_options endpoint_options(running_server_options const& options, server_identity const& identity,
                                      shard_place place);

class server_engine final : public transport_listener,
                            public journal_listener,
                            private request_sharing::home,
                            public std::enable_shared_from_this<server_engine> {
  public:
    using executor = boost::asio::any_io_executor;

    server_engine(running_server_options const& options, server_identity const& identity, shard_place place,
                  opened_store store, executor const& owner, server_observer& observer);
    ~server_engine() override;

    // server_engine.cpp
    /// Before `begin`, if there are several shards.
    void share(std::shared_ptr<shard_exchange> others);
    result<void> begin();
    void abandon();
    void stop(std::function<void()> on_quiet);
    void end();
    void adopt(tcp_socket accepted);
    void set_peer(tcp_peer const& peer);
    running_server_snapshot snapshot() const;
    server const& host() const { return server_; }
    std::uint16_t port() const { return endpoint_ ? endpoint_->port() : std::uint16_t{0}; }
    life_id life() const { return identity_.life; }
    journal_id journal() const { return store_.id; }
    executor const& owner() const { return owner_; }

    // turns.cpp: what arrives
    bytes claims_for(server_id peer) override;
    result<void> may_replace_link(hello const& peer) override;
    result<void> on_peer_up(hello const& peer) override;
    void on_lane_frame(server_id from, std::uint16_t shard, channel on, bytes_view payload) override;
    void on_lane_down(server_id peer, std::uint16_t shard, error const& why) override;
    void on_request(requester from, bytes_view request) override;
    void on_client_down(link_id client) override;
    void on_refused(refused_connection const& refused) override;
    void secured() override;
    void persisted(std::uint64_t sequence) override;
    void failed(error const& reason) override;
    void stalled(error const& reason) override;
    void damage_found(journal_damage const& damage) override;

  private:
    using timer =
        boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                          boost::asio::wait_traits<std::chrono::steady_clock>, executor>;
    struct commit_key {
        link_id client;
        correlation_id correlation;
        friend bool operator==(commit_key const&, commit_key const&) = default;
    };
    struct commit_key_hash {
        std::size_t operator()(commit_key const& k) const noexcept {
            return hash_value(k.client) * 31 + hash_value(k.correlation);
        }
    };

    // the transport names lanes
    void on_frame(server_id, channel, bytes_view) override {}
    void on_peer_down(server_id, error const&) override {}

    // request_sharing::home
    void take_request(requester from, bytes_view request) override;
    void reply_to_client(link_id client, bytes_view reply) override;
    void forget_client(link_id client) override;

    // lanes.cpp: peers with several lanes to here
    result<void> on_lane_up(hello const& peer);
    result<void> admit_claims(time_point now, hello const& peer, peer_lanes& lanes);
    void forget_lanes(server_id peer);
    peer_lanes* lanes_to(server_id peer);
    void on_mixed_frame(peer_lanes& from, server_id peer, std::uint16_t shard, channel on,
                        bytes_view payload);
    void send_over(peer_lanes& lanes, output_frame const& f);

    // turns.cpp
    void take_handed();
    void note_input();
    void end_turn();
    void carry_out(time_point now);
    void flush_in_turn();
    bool is_flushed_elsewhere();
    void note_flush(duration took);
    void send_all();
    void send_reply(output_reply& r);
    void note_commit(time_point now, link_id client, bytes_view request);
    void note_reply(time_point now, output_reply const& reply);
    void scrub(time_point now);
    void arm_timer(time_point now);
    void on_timer();
    void report(runtime_event what);

    // server_engine.cpp
    void watch_stop();

    running_server_options options_;
    server_identity identity_;
    shard_place place_;
    executor owner_;
    executor later_; ///< the owner, for what continues a handler of its own
    server_observer& observer_;
    opened_store store_;
    measured_journal journal_;
    std::uint64_t tail_bytes_cut_;
    server server_;
    std::unique_ptr<tcp_endpoint> endpoint_;
    std::map<server_id, peer_lanes> mixed_;  ///< peers with several lanes to here; empty with equal numbers
    std::shared_ptr<shard_exchange> others_; ///< null with one shard
    std::unique_ptr<request_sharing> sharing_;

    bool turn_open_ = false;
    bool ended_ = false;
    bool flushing_in_turn_ = false;
    bool persisted_in_turn_ = false;
    duration flush_takes_{}; ///< of the journal in a turn, about
    unsigned flushed_elsewhere_ = 0;
    std::uint64_t inputs_ = 0;
    server_output out_;
    std::vector<runtime_event> events_;
    timer timer_;
    time_point armed_for_ = never;
    time_point scrub_at_{};
    std::function<void()> on_quiet_; ///< while it is being stopped

    boost::unordered_flat_map<commit_key, time_point, commit_key_hash> commits_;
    histogram commit_latency_;
    histogram turn_inputs_;
};

} // namespace zooid
