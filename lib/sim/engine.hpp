// The inside of a world: what happens next, to whom, and what comes of it. Handlers are grouped by file.
#pragma once

#include "sim/caller.hpp"
#include "sim/machine.hpp"
#include "sim/oracle.hpp"
#include "sim/queue.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/sim/world.hpp>

#include <map>

namespace zooid::sim {

/// A cell as the world founded it.
struct founded_cell {
    cell_id id;
    std::string name;
    std::vector<governed> held;                  ///< as whoever knows most of them holds them
    std::vector<configuration_change> requested; ///< may be chosen yet
    workload_kind work = workload_kind::failover;
    bool set_up = false;
    std::uint64_t commits = 0;
};

/// One server's end of a link to a peer.
struct link_end {
    bool up = false;
    std::uint32_t epoch = 0;
};

/// A pair of servers. Both ends must have gone down before a new handshake.
struct link {
    enum class phase : std::uint8_t { down, up, closing };
    phase now = phase::down;
    std::uint32_t epoch = 0;
    bool closed[2] = {true, true};
    bool try_pending = false;
};

class world::engine final : public caller_surroundings {
  public:
    explicit engine(world_options options);

    // engine.cpp: what happens next
    void run_for(duration span);
    bool run_until(std::function<bool()> const& done, duration limit);
    void fail(std::string what);
    void note(std::string const& line);
    bool traces() const { return static_cast<bool>(options_.trace); }
    void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x9E3779B97F4A7C15ull + (hash_ >> 29); }

    // machines.cpp: processes and their turns
    void start(machine& m);
    void stop(machine& m);
    void crash(machine& m, bool power);
    void harm(machine& m, std::string const& how);
    machine& at(server_id id);
    machine const& at(server_id id) const { return const_cast<engine*>(this)->at(id); }
    sometimes_set const& collect_marks();
    world_statistics const& collect_statistics();
    void start_later(machine& m, duration after);
    void format(machine& m);
    void wake_now(machine& m);

    // links.cpp: frames and handshakes
    link_end& end_of(std::size_t self, std::size_t peer) { return ends_[self * machines_.size() + peer]; }
    link& link_of(std::size_t a, std::size_t b);
    void break_link(std::size_t a, std::size_t b);
    void set_cut(server_id from, server_id to, bool is_cut);
    void break_cut_links();

    // cells.cpp: founding, callers, verdicts
    cell_index found_cell(std::size_t replicas);
    std::uint16_t add_caller(cell_index cell, client_options const& options, bool works);
    ending call_once(cell_index cell, intent what, duration patience);
    std::string unrest() const;
    server_id leader(cell_index cell) const;
    bool replace_member(cell_index cell);
    bool finalise(cell_index cell, std::uint16_t to);
    bool flip_state(machine& m, cell_index cell);
    bool majority_agrees(founded_cell const& c) const;
    bool is_outdated(machine const& m) const { return m.software < finalised_; }
    std::vector<configuration> possible_configurations(cell_index cell) const;
    std::string describe() const;

    // caller_surroundings
    world_time now() const override { return now_; }
    void send_request(std::uint16_t caller, server_id to, bytes request) override;
    void set_timer(std::uint16_t caller, world_time at, std::uint32_t epoch) override;
    void on_ended(std::uint16_t caller, call ended) override;
    void on_read_seen(std::size_t cell, version at, std::uint64_t query, std::uint64_t results) override;
    void on_fault_found(std::string what) override { fail(std::move(what)); }
    configuration members_of(std::size_t cell) const override { return cells_[cell].held.back().members; }

    world_options options_;
    prng random_;
    world_time now_ = 0;
    std::vector<machine> machines_;
    std::vector<founded_cell> cells_;
    std::vector<std::unique_ptr<caller>> callers_;
    history calls_;
    std::vector<std::string> failures_;
    oracle referee_;
    world_statistics statistics_;
    sometimes_set marks_;
    std::uint64_t hash_ = 0x7a6f6f6964;
    std::uint16_t finalised_ = 1; ///< the highest version that any cell was asked to rise to
    colony_id colony_{1, 1};

  private:
    void step();
    void dispatch(scheduled const& e);
    bool deferred(scheduled const& e);

    void end_turn(machine& m);
    void carry_out(machine& m);
    void take_replies(machine& m);
    void take_events(machine& m);
    /// False if the journal had nothing to say.
    bool deliver_journal(machine& m);
    void begin_tasks(machine& m);
    void schedule_disk(machine& m, disk::progress const& p);
    void on_disk(machine& m, std::size_t place, bool finished);
    void schedule_wake(machine& m);
    void scrub(machine& m);
    void check_invariants(machine& m);
    void note_members(machine& m);
    void tell_referee_of_recovered(machine& m);
    void hash_task(machine const& m, io_task const& task);

    void send_frame(machine& from, output_frame& f);
    void push_frame(std::size_t from, std::size_t to, channel on, bytes payload, world_time when);
    void on_frame(scheduled const& e);
    void on_link_try(scheduled const& e);
    void on_link_up(scheduled const& e);
    void on_link_down(scheduled const& e);
    void forget_links(machine& m);
    void try_link(std::size_t a, std::size_t b, duration after);
    void note_closed(std::size_t self, std::size_t peer);
    void trace_frame(machine const& from, output_frame const& f);

    void on_request(scheduled const& e);
    void on_reply(scheduled const& e);
    bool is_cut(std::size_t from, std::size_t to) const { return cuts_[from * machines_.size() + to]; }
    world_time arrival(duration after);
    duration draw_delay();
    bytes administer(server_id to, operation op, bytes_view payload);
    correlation_id send_operator_request(server_id to, operation op, cell_id cell, bytes_view payload);
    std::optional<bytes> ask_operator_request(server_id to, operation op, bytes_view payload);

    event_queue queue_;
    slab payloads_;
    std::vector<link_end> ends_;
    std::vector<link> links_;
    std::vector<char> cuts_;
    std::vector<world_time> last_arrival_[2];
    std::uint32_t link_epochs_ = 0;
    machine* open_ = nullptr; ///< its turn has begun and is not ended
    std::map<std::uint64_t, bytes> administered_;
    std::uint64_t administrations_ = 0;
};

} // namespace zooid::sim
