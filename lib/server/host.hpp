// The inside of a server: cells, peers, requests and one turn's worth of output. Handlers are grouped by
// file.
#pragma once

#include "server/deadlines.hpp"
#include "server/forwarding.hpp"
#include "server/peers.hpp"
#include "server/records.hpp"
#include "server/teach_budget.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/server/server.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <deque>
#include <map>
#include <set>

namespace zooid {

/// One replica and the state machine that it feeds.
struct hosted_cell {
    zooid::replica replica;
    std::unique_ptr<state_machine> machine; ///< null once the replica is retired
    time_point queued_at = never;           ///< the earliest entry of this cell in the heap
    ballot proposer;                        ///< as of the last step
    time_point complained_at{}; ///< when its proposer was last probed because callers were sent there
    bool leads = false;
    bool stopped = false;
    bool stands = false; ///< a fresh candidate
};

/// A client's request that waits for its cell.
struct waiting_request {
    link_id client;
    correlation_id correlation;
    std::uint32_t cell = 0;
    operation op = operation::commit;
    bytes query; ///< of a strict read
};

/// Cells that have yet to be told that a peer was lost or is back.
struct telling {
    server_id peer;
    std::vector<std::uint32_t> cells; ///< ascending
    std::size_t next = 0;
};

/// A value that the journal lost and a replica may still have.
struct lost_value {
    std::uint32_t cell = 0;
    slot at;
};

/// What a replica begins with: a state, and a log above it that is known to be chosen.
struct first_state {
    snapshot state;
    std::vector<acceptance_record> log{};
};

/// What waits for the flush of one turn.
struct parked_turn {
    std::uint64_t sequence = 0;
    std::vector<std::pair<server_id, bytes>> frames;
    std::vector<std::pair<std::uint32_t, message>> to_self;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> tickets;
    std::vector<output_reply> replies;
    std::vector<first_state> founded; ///< what founders and newcomers begin with
    std::vector<durable_fact> facts;

    bool empty() const {
        return frames.empty() && to_self.empty() && tickets.empty() && replies.empty() && founded.empty() &&
               facts.empty();
    }
};

class server::host {
  public:
    host(server_options const& options, server_identity const& identity, machine_kind machines,
         zooid::journal& journal, journal_id id);

    // restart.cpp: what the journal gave back, and what was damaged
    void restore(recovered_journal const& recovered);
    void add_this_life();
    void on_damage(time_point now, journal_damage const& damage);
    void journal_is_rolled_back(time_point now, server_id told_by);
    void stop_if_rolled_back(time_point now, std::uint32_t cell);
    void stop_all_if_rolled_back(time_point now);

    // host.cpp: steps and turns
    void step(time_point now, std::uint32_t cell, event const& what);
    void wake(time_point now);
    void finish(time_point now, server_output& out);
    void on_secured(time_point now);
    void on_persisted(time_point now, std::uint64_t through);
    void on_journal_failed(time_point now, error const& reason);
    time_point deadline() const;
    bool is_quiet() const;
    server_statistics statistics() const;

    // links.cpp: peers, pulses and frames
    void set_peers(std::vector<server_id> const& peers);
    bytes claims_for(server_id peer) const;
    bool is_lacking(journal_claim const& heard) const;
    journal_claim own_claim() const;
    result<void> accepts(time_point now, server_id peer, life_id life, journal_claim const& own) const;
    result<void> may_replace_link(time_point now, server_id peer, life_id life, bytes_view claimed) const;
    result<void> on_peer_up(time_point now, server_id peer, life_id life, bytes_view claimed);
    void on_peer_down(time_point now, server_id peer);
    void on_frame(time_point now, server_id from, channel on, bytes_view payload);
    void stop(time_point now);

    // requests.cpp: clients and operators
    void on_request(time_point now, requester from, bytes_view encoded);
    void answer(token request, std::optional<errc> failure, bytes_view payload,
                std::optional<slot> at = std::nullopt);

    std::optional<std::uint32_t> index_of(cell_id cell) const;

    server_options options_;
    server_identity identity_;
    machine_kind machines_;
    zooid::journal& journal_;
    journal_id journal_id_;
    prng random_;
    peer_table peers_;
    std::deque<hosted_cell> cells_; ///< by index; a hosted cell never moves
    std::map<cell_id, reservation> reservations_;
    boost::unordered_flat_map<cell_id, std::uint32_t, std::hash<cell_id>> by_id_;
    boost::unordered_flat_map<bytes, std::uint32_t> by_key_;
    boost::unordered_flat_map<token, waiting_request, std::hash<token>> waiting_;
    forwarding forwarding_;
    server_statistics statistics_;
    std::set<cell_id> founding_; ///< founding records that wait for their flush
    journal_claim found_;        ///< the last batch that the journal held when it was opened
    std::vector<lived> lives_;   ///< who wrote which of its batches, ours last; told of by a record
    sometimes_set marks_;
    bool stopping_ = false;
    bool rolled_back_ = false;
    bool hung_ = false;            ///< the journal flushes nothing
    std::optional<error> latched_; ///< why it takes nothing any more

  private:
    void carry_out(time_point now, std::uint32_t cell, effects& done);
    void restore_machine(time_point now, std::uint32_t cell, snapshot const& from);
    std::optional<applied> apply(std::uint32_t cell, delivery const& d);
    void route(std::uint32_t cell, outgoing& o, bool durably);
    void note_facts(std::uint32_t cell, effects const& done);
    void note_changes(time_point now, std::uint32_t cell);
    void announce_stopped(hosted_cell const& c);
    void run_self_messages(time_point now);
    void probe_proposers(time_point now);
    void note_led(peer_state& peer, std::uint32_t cell);
    /// A list that is longer has stale or double lines.
    std::size_t noted_cells_max() const { return 64 + 2 * cells_.size(); }
    void append_batch(time_point now);
    void park_or_release(time_point now);
    void release(time_point now, parked_turn& parked);
    bool is_backlogged() const { return unflushed_bytes_ > options_.unflushed_bytes_max; }
    void take_durable_frames();
    void emit_frames(server_output& out);
    void host_cell(replica r, std::optional<snapshot> const& founding);
    void host_first(time_point now, first_state const& first);
    void retire(time_point now, std::uint32_t cell);
    void forget(cell_id cell, replica_id replica);
    void expire_pointers(time_point now);
    void resign_all(time_point now);
    void rewrite_values(time_point now);

    void tick(time_point now);
    void judge_all(time_point now);
    void judge(peer_state& peer, time_point now);
    void tell_cells(peer_state& peer, time_point now, bool returned);
    void go_on_telling(time_point now);
    bool may_tell() const;
    void send_pulse(peer_state& peer, time_point now);
    void watch_journal(time_point now);
    void remember_claims();
    void record_hold(time_point now);
    bool may_grant() const;
    void on_pulse(time_point now, peer_state& from, bytes_view payload);
    void on_cells(time_point now, peer_state& from, bytes_view payload);
    void on_addressed(time_point now, peer_state& from, addressed const& a);
    bool let_go_of_absent(peer_state& from, addressed const& a);
    void on_message_for_newcomer(peer_state& from, addressed const& a, reservation const& reserved);
    void on_gone(time_point now, std::uint32_t cell, server_id there);

    void reply_now(link_id client, correlation_id correlation, std::optional<errc> failure, bytes_view detail,
                   hosted_cell const* cell, bytes_view payload);
    bytes make_reply(correlation_id correlation, std::optional<errc> failure, bytes_view detail,
                     hosted_cell const* cell, bytes_view payload,
                     std::optional<slot> at = std::nullopt) const;
    void refuse(link_id client, request const& r, error const& why, hosted_cell const* cell);
    void refuse_absent(link_id client, request const& r);
    void refuse_role(requester from, request const& r, std::string_view what);
    std::optional<std::uint32_t> cell_of(request const& r) const;
    void on_cell_request(time_point now, requester from, request const& r);
    void on_prefix_read(link_id client, request const& r, hosted_cell const& cell);
    void on_reserve(link_id client, request const& r);
    void on_found(link_id client, request const& r);
    void begin_founder(link_id client, request const& r, first_state first);
    void on_seal(time_point now, link_id client, request const& r, std::uint32_t cell);
    void on_kept_state(link_id client, request const& r, hosted_cell const& cell);
    void on_found_fork(link_id client, request const& r);
    void refuse_sealed(link_id client, request const& r, successor_cell const& there);
    void drop_key(std::uint32_t cell);
    void on_change_members(time_point now, link_id client, request const& r, std::uint32_t cell);
    void on_raise_version(time_point now, link_id client, request const& r, std::uint32_t cell);
    void on_transfer_lead(time_point now, link_id client, request const& r, std::uint32_t cell);
    replica_id draw_replica_id();

    deadline_heap deadlines_;
    teach_budget teaching_;
    std::vector<effects> pool_; ///< steps nest: a delivery is applied within the step that made it
    std::size_t depth_ = 0;
    std::deque<std::pair<std::uint32_t, message>> to_self_;
    std::vector<std::uint32_t> misdirected_; ///< cells that sent a caller elsewhere in this turn
    std::vector<record> batch_;              ///< of this turn
    parked_turn turn_;                       ///< of this turn, except frames, which lie in the peers
    std::deque<parked_turn> parked_;
    std::deque<std::pair<std::uint64_t, std::size_t>> unflushed_; ///< number, bytes of it and of its answers
    std::size_t unflushed_bytes_ = 0;
    std::vector<output_reply> replies_;
    std::vector<output_frame> pulses_;
    std::vector<server_event> events_;
    std::vector<durable_fact> facts_;
    std::vector<output_frame> overflow_; ///< frames that filled up before the end of the turn
    std::uint64_t sequence_ = 0;         ///< of the last append
    std::uint64_t persisted_ = 0;
    std::uint64_t tokens_ = 0;
    std::deque<telling> tellings_;
    std::size_t told_ = 0;               ///< in this turn
    std::deque<lost_value> lost_values_; ///< of the journal, to be written again
    std::vector<std::pair<cell_id, replica_id>>
        outlived_;                ///< found at the start, forgotten once that is allowed
    std::size_t candidates_ = 0;  ///< cells that stand
    round_number rounds_used_;    ///< by the replicas that were destroyed in this life, at most
    time_point go_on_at_ = never; ///< when the next turn goes on with what is left
    time_point tick_at_{};
    time_point probe_at_{};
    time_point claims_at_{};
    duration recorded_hold_{}; ///< G7: the longest that any life on this journal granted, a record says
    time_point earlier_holds_end_{};
    std::uint64_t hold_recorded_in_ = 0; ///< the append that says so
    std::uint64_t lives_recorded_in_ = 0;
    bool secured_ = false;
};

} // namespace zooid
