// A colony in a box: servers, disks, clocks, a network and clients, all in one thread and all from one seed.
//
// The servers are the very same pure code that production runs: `zooid::server` on a `journal_log` that
// writes to a simulated disk. The world decides everything else: when a frame arrives, which sectors of an
// unflushed write land when the power goes, how fast a clock runs. The same options and the same calls give
// the same world, byte for byte, on every compiler; `hash` says so.
//
//     sim::world w({.seed = 7, .network = {.loss_ppm = 300'000}});
//     auto const cell = w.found_cell(7);
//     auto const outcome = w.commit(cell, kv::transaction().put("k", 1));
//     w.cut_power(server_id{3}), w.run_for(2s), w.start(server_id{3});
//     w.failures()   // empty, or what broke: agreement, an invariant, a quarantine without a cause
//
// Thread safety: none; a world belongs to one thread, and worlds share nothing.
#pragma once

#include <zooid/journal/log.hpp>
#include <zooid/server/options.hpp>
#include <zooid/sim/history.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace zooid::sim {

/// Delays are drawn anew for each frame. The transport promises order and once; loss, and what `change_ppm`
/// breaks, it may do. Duplicates and reordering go beyond it: the cells must be safe even so.
struct network_options {
    duration delay_min = std::chrono::microseconds(50);
    duration delay_max = std::chrono::microseconds(300);
    std::uint32_t loss_ppm = 0;   ///< of frames, in parts per million
    std::uint32_t change_ppm = 0; ///< bytes change on the way: authentication drops it and the link with it
    std::uint32_t duplicate_ppm = 0; ///< of frames between cells
    std::uint32_t reorder_ppm = 0;   ///< of frames between cells: late by up to `reorder_max`
    duration reorder_max = std::chrono::milliseconds(300);
};

struct disk_options {
    duration flush_min = std::chrono::microseconds(60);
    duration flush_max = std::chrono::microseconds(300);
    std::uint32_t outlier_per_mille = 1; ///< of steps, which take 20 times as long
};

/// How long the cells of a world remember a reply; production remembers it for 1,000 slots. A shorter one has
/// a table that is full as soon as slots hold several requests of clients that don't settle them.
enum class session_horizon : std::uint16_t {
    slots_40 = 40,
    slots_150 = 150,
    slots_400 = 400,
    slots_1000 = 1000
};

struct world_options {
    std::uint64_t seed = 1;
    std::size_t servers = 9;
    network_options network{};
    disk_options disk{};
    journal_options journal{.block_bytes = 512, .segment_bytes = 64 * 1024, .reclaim_bytes_max = 16 * 1024};
    server_options server{};
    sim::session_horizon session_horizon = sim::session_horizon::slots_1000;
    /// Clocks run at rates drawn from here, in parts of 1,024 of the world's.
    std::uint32_t clock_rate_min = 1024;
    std::uint32_t clock_rate_max = 1024;
    /// Arrivals are rounded up to multiples of it, so that several meet in one turn of a server. 0: none.
    duration turn_quantum{};
    /// Every server reads its journal again and again when this is not 0: so often, a segment at a time.
    duration scrub_interval{};
    /// Called with each line of the trace; costs much.
    std::function<void(std::string const&)> trace{};
};

/// A cell of this world, by number from 0.
using cell_index = std::size_t;

enum class workload_kind : std::uint8_t {
    failover, ///< swaps primary and replica if the generation is what was read; strict and prefix reads
    counter,  ///< adds to counters, which must count each add once
};

struct client_options {
    workload_kind work = workload_kind::failover;
    duration think_mean = std::chrono::milliseconds(100); ///< between two calls
    duration patience = std::chrono::seconds(3);          ///< until a call is given up
    read_mode reads = read_mode::strict; ///< leased: the strict reads of the workload ask for a lease
    std::uint64_t unsettled = 0;         ///< replies before the present one that the cell is to keep
};

/// What disks did to those who trusted them, counted where it took effect.
struct disk_mishaps {
    std::uint64_t sectors_lost = 0;   ///< written, not flushed, and gone with the power
    std::uint64_t sectors_landed = 0; ///< written, not flushed, and there after the power came back
    std::uint64_t writes_misdirected = 0;
    std::uint64_t flushes_failed = 0;
    std::uint64_t creations_refused = 0; ///< the disk was full
    std::uint64_t bits_flipped = 0;

    disk_mishaps& operator+=(disk_mishaps const& other) {
        sectors_lost += other.sectors_lost;
        sectors_landed += other.sectors_landed;
        writes_misdirected += other.writes_misdirected;
        flushes_failed += other.flushes_failed;
        creations_refused += other.creations_refused;
        bits_flipped += other.bits_flipped;
        return *this;
    }
};

/// What happened so far, for reports.
struct world_statistics {
    std::uint64_t events = 0;
    std::uint64_t frames = 0;
    std::uint64_t frames_lost = 0;
    std::uint64_t frames_duplicated = 0;
    std::uint64_t frames_reordered = 0;
    std::uint64_t frames_changed = 0;
    std::uint64_t links_broken = 0;
    std::uint64_t turns = 0;
    std::uint64_t committed = 0;
    std::uint64_t rejected = 0;
    std::uint64_t reads = 0;
    std::uint64_t unknown = 0;
    std::uint64_t failed = 0;
    std::uint64_t slots_chosen = 0;
    std::uint64_t members_replaced = 0; ///< changes that came into force
    disk_mishaps disks;
};

class world {
  public:
    /// Servers that run, each with a disk, and no cell. The same options and calls: the same world.
    explicit world(world_options options);
    ~world();
    world(world const&) = delete;
    world& operator=(world const&) = delete;

    // ---- building
    /// Reserves and founds a cell on `replicas` servers that are drawn from the seed; returns when all of
    /// them have it.
    cell_index found_cell(std::size_t replicas);
    /// A client that calls again and again from now on.
    void add_client(cell_index cell, client_options const& options);
    /// No client begins another call; those under way go on.
    void stop_clients();

    // ---- time
    void run_for(duration span);
    /// Runs until `done` or until the time is over; returns whether it was done.
    bool run_until(std::function<bool()> const& done, duration limit);
    duration now() const; ///< since the world began

    // ---- one call, run to its end
    /// Of a client of its own. Returns how it ended, also if nobody knows.
    ending commit(cell_index cell, kv::transaction const& t, duration patience = std::chrono::seconds(10));
    ending strict_read(cell_index cell, kv::transaction const& t,
                       duration patience = std::chrono::seconds(10));

    // ---- fate
    network_options& network();
    void kill(server_id server);                 ///< the process ends; the machine and its cache stay
    void cut_power(server_id server);            ///< what was not flushed is lost, in part
    void stop(server_id server);                 ///< politely: it hands over; kill it a little later
    void start(server_id server);                ///< no effect on a running one
    void pause(server_id server, duration span); ///< its clock runs on
    void cut(server_id from, server_id to);      ///< one way
    void heal(server_id from, server_id to);     ///< one way
    void break_link(server_id a, server_id b);   ///< each end notices when it does; it comes up again
    void set_clock_rate(server_id server, std::uint32_t rate); ///< in parts of 1,024 of the world's
    void hang_disk(server_id server, bool hung);
    void slow_disk(server_id server, std::uint32_t factor); ///< 1: as fast as it was
    void fill_disk(server_id server, bool full);            ///< no segment can be created
    void fail_next_flush(server_id server);                 ///< and lose what it should have made durable
    void heal_disk(server_id server); ///< of all that is or would be wrong; what is lost stays lost
    // These harm what was durable: the server's replicas may stop or be lost.
    void misdirect_next_write(server_id server);
    void rot(server_id server); ///< a bit of what is durable flips
    /// The same among the last sectors that were written, where votes lie that nobody knows to be chosen.
    void rot_recent(server_id server);
    /// A bit of the state that this server holds of the cell, in memory; its digest changes, and no command
    /// or query shows it. Once for each cell; false if there is nothing to flip.
    bool flip_state(server_id server, cell_index cell);
    void wipe(server_id server);           ///< cuts the power; the disk is new and empty
    void keep_backup(server_id server);    ///< of what is on the platter now
    void restore_backup(server_id server); ///< cuts the power; the disk is what it was

    /// Asks the proposer to replace one member by a replica on a server that has none; false if it could not
    /// even be asked.
    bool replace_member(cell_index cell);

    /// The highest cell version that its software understands, from its next start on; 1 at first.
    void set_software(server_id server, std::uint16_t to);
    /// Asks the proposer to raise the cell; false if it could not even be asked.
    bool finalise(cell_index cell, std::uint16_t to);

    // ---- looking
    std::uint16_t software(server_id server) const;
    bool was_finalised() const; ///< some cell was asked to rise: it may have been raised
    bool is_running(server_id server) const;
    bool is_stopping(server_id server) const; ///< it was asked to, and runs on until it is killed
    bool is_latched(server_id server) const;  ///< its journal failed: only a new start helps
    bool is_harmed(server_id server) const;   ///< something durable was destroyed there, on purpose
    std::vector<server_id> members(cell_index cell) const;
    /// The servers of each configuration that governs some slot, or may when a requested change is chosen.
    std::vector<std::vector<server_id>> possible_members(cell_index cell) const;
    /// Who leads, as most of the running members believe; zero if nobody does.
    server_id leader(cell_index cell) const;
    std::uint64_t commits(cell_index cell) const; ///< acknowledged so far
    /// Empty when no replica of an unharmed server has a deadline and all of them hold the same state; else
    /// what is still going on.
    std::string unrest() const;
    history const& calls() const; ///< of all clients, as they ended
    /// What oracle, invariants and workloads found wrong, and what `fail` added; empty: all is well.
    std::vector<std::string> const& failures() const;
    void fail(std::string what);
    /// Of every output so far: frames, disk writes, replies, and their times.
    std::uint64_t hash() const;
    sometimes_set const& marks(); ///< rare points of the code that were reached
    world_statistics const& statistics() const;
    /// What the cells say of themselves, for a person.
    std::string describe() const;
    void note(std::string const& line); ///< into the trace

    class engine; ///< the inside; private to the room

  private:
    std::unique_ptr<engine> engine_;
};

} // namespace zooid::sim
