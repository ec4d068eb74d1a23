// The inside of a running server: shared by its handle and, weakly, by the handlers that are under way.
//
//   R1  Nothing of the transport or the journal calls into a turn: what arrives is noted, and one deferred
//       handler ends the turn.
//   R2  What rests on durable facts leaves after the observer was told of them.
//   R3  A handler that finds the engine gone, or ended, does nothing.
#pragma once

#include "runtime/measured_journal.hpp"

#include <zooid/file/data_directory.hpp>
#include <zooid/journal/memory_journal.hpp>
#include <zooid/runtime/running_server.hpp>
#include <zooid/server/server.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <optional>

namespace zooid {

using stop_handler = boost::asio::any_completion_handler<running_server::stop_signature>;

/// What recovery, or the lack of one, gives to a server.
struct opened_store {
    std::unique_ptr<data_directory> directory; ///< null in memory
    std::unique_ptr<zooid::journal> journal;
    memory_journal* memory = nullptr; ///< the journal, if it is one
    file_journal* in_turn = nullptr;  ///< the journal, if this thread decides who flushes it
    journal_id id;
    recovered_journal content;
};

class server_engine final : public transport_listener,
                            public journal_listener,
                            public std::enable_shared_from_this<server_engine> {
  public:
    using executor = boost::asio::any_io_executor;

    server_engine(running_server_options options, server_identity const& identity, opened_store store,
                  executor const& owner, server_observer& observer);
    ~server_engine() override;

    // server_engine.cpp
    result<void> begin();
    void abandon();
    void stop(duration deadline, stop_handler handler);
    void set_peer(tcp_peer const& peer);
    running_server_snapshot snapshot() const;
    server const& host() const { return server_; }
    std::uint16_t port() const { return endpoint_->port(); }
    life_id life() const { return identity_.life; }
    journal_id journal() const { return store_.id; }

    // turns.cpp: what arrives
    bytes claims_for(server_id peer) override;
    result<void> on_peer_up(hello const& peer) override;
    void on_frame(server_id from, channel on, bytes_view payload) override;
    void on_peer_down(server_id peer, error const& why) override;
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

    // turns.cpp
    void note_input();
    void end_turn();
    void carry_out(time_point now);
    void flush_in_turn();
    bool will_be_answered() const;
    void send_all();
    void note_commit(time_point now, link_id client, bytes_view request);
    void note_reply(time_point now, output_reply const& reply);
    void scrub(time_point now);
    void arm_timer(time_point now);
    void on_timer();
    void report(runtime_event what);

    // server_engine.cpp
    void watch_stop();
    void end_stop(result<void> outcome);
    void complete(stop_handler handler, result<void> outcome);

    running_server_options options_;
    server_identity identity_;
    executor owner_;
    executor later_; ///< the owner, for what continues a handler of its own
    server_observer& observer_;
    opened_store store_;
    measured_journal journal_;
    std::uint64_t tail_bytes_cut_;
    server server_;
    std::unique_ptr<tcp_endpoint> endpoint_;

    bool turn_open_ = false;
    bool ended_ = false;
    bool flushing_in_turn_ = false;
    bool persisted_in_turn_ = false;
    std::uint64_t inputs_ = 0;
    server_output out_;
    std::vector<runtime_event> events_;
    timer timer_;
    time_point armed_for_ = never;
    time_point scrub_at_{};
    timer stop_timer_;
    std::optional<stop_handler> on_stopped_;
    boost::asio::any_completion_executor stop_work_; ///< keeps the handler's executor running until then

    boost::unordered_flat_map<commit_key, time_point, commit_key_hash> commits_;
    histogram commit_latency_;
    histogram turn_inputs_;
};

} // namespace zooid
