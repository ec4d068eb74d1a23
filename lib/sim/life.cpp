#include "sim/chaos.hpp"
#include "sim/workload.hpp"

#include <zooid/sim/linearizability.hpp>

#include <algorithm>

namespace zooid::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Everything that is decided before the world begins.
struct draws {
    world_options world;
    std::vector<std::size_t> cells; ///< replicas of each
    std::vector<workload_kind> work;
    std::size_t clients_each = 5;
    duration think_mean{};
    std::uint64_t unsettled = 0;
    read_mode reads = read_mode::strict;
    std::size_t faults = 8;
};

std::uint64_t pick(prng& random, std::initializer_list<std::uint64_t> from) {
    return *(from.begin() + static_cast<std::ptrdiff_t>(random.below(from.size())));
}

void draw_tuning(prng& random, server_options& s) {
    s.pulse_interval = milliseconds(pick(random, {60, 100, 100, 200}));
    s.pulse_timeout = s.pulse_interval * static_cast<std::int64_t>(random.between(4, 6));
    s.requests_max = pick(random, {4, 100, 100'000, 100'000});
    s.candidates_max = pick(random, {1, 2, 512});
    s.teach_bytes_per_second = 1024 * pick(random, {32, 1024, 65536});
    cell_options& c = s.cells;
    c.checkpoint_log_entries = random.between(16, 300);
    c.checkpoint_log_bytes = random.between(2, 64) * 1024;
    c.kept_log_entries = random.between(0, 64);
    c.slice_bytes_max = pick(random, {600, 4096, 65536, 262144});
    c.pending_count_max = pick(random, {2, 64, 4096, 4096});
    c.slots_ahead_max = pick(random, {4, 64, 1024});
}

// From a seed of their own: what else a life is made of does not depend on them. Clocks run at half to twice
// the world's speed at most, so the bound of 4 is met, and just so.
void draw_leases(life_options const& options, draws& d) {
    prng random(options.seed * 0x9E3779B97F4A7C15ull + hash64("leases"));
    bool const drawn = options.profile == "everything" && random.chance(1, 4);
    if (options.profile != "leases" && !drawn) return;
    d.reads = read_mode::leased;
    lease_options& lease = d.world.server.lease;
    lease.clock_ratio_max = 4;
    lease.hold = 4 * d.world.server.pulse_interval * static_cast<std::int64_t>(random.between(2, 3));
}

draws draw_from(life_options const& options) {
    prng random(options.seed * 0x9E3779B97F4A7C15ull + hash64(options.profile));
    draws d;
    d.world.seed = random.next();
    d.world.trace = options.trace;
    d.world.server.steps = options.steps;
    draw_tuning(random, d.world.server);
    d.world.session_horizon = static_cast<session_horizon>(pick(random, {40, 150, 400, 1000}));
    d.world.journal.segment_bytes = 1024 * pick(random, {16, 32, 64});
    d.world.journal.reclaim_bytes_max = 1024 * random.between(1, 16);
    d.world.journal.live_percent_min = static_cast<std::uint32_t>(random.between(20, 70));
    d.world.journal.sealed_segments_min = static_cast<std::uint32_t>(random.between(1, 3));
    d.world.turn_quantum = std::chrono::microseconds(pick(random, {0, 0, 20, 100, 500}));
    d.world.scrub_interval = milliseconds(pick(random, {0, 300, 1000}));
    bool const skewed = options.profile != "calm" && random.chance(1, 2);
    if (skewed) {
        d.world.clock_rate_min = static_cast<std::uint32_t>(random.between(600, 1024));
        d.world.clock_rate_max = static_cast<std::uint32_t>(random.between(1024, 1700));
    }
    d.world.network.delay_max = std::chrono::microseconds(pick(random, {200, 300, 1000, 3000}));
    d.world.disk.flush_max = std::chrono::microseconds(pick(random, {150, 300, 2000, 8000}));
    std::size_t const cells = random.between(1, 4);
    for (std::size_t i = 0; i < cells; ++i) {
        d.cells.push_back(i == 0 ? 7 : pick(random, {7, 7, 5, 3, 1}));
        d.work.push_back(random.chance(1, 2) ? workload_kind::failover : workload_kind::counter);
    }
    d.clients_each = random.between(3, 8);
    d.think_mean = std::chrono::microseconds(1'000'000 * d.clients_each / options.calls_per_second);
    d.unsettled = pick(random, {0, 0, 1, 30});
    d.faults = random.between(5, 20);
    draw_leases(options, d);
    return d;
}

std::vector<std::string> describe(draws const& d) {
    std::string sizes;
    for (std::size_t i = 0; i < d.cells.size(); ++i)
        sizes += (i ? ", " : "") + std::to_string(d.cells[i]) +
                 (d.work[i] == workload_kind::failover ? " failover" : " counter");
    return {"cells: " + sizes + "; clients each: " + std::to_string(d.clients_each),
            "session horizon " + std::to_string(static_cast<unsigned>(d.world.session_horizon)) +
                " slots, segments of " + std::to_string(d.world.journal.segment_bytes) +
                " bytes, checkpoint after " + std::to_string(d.world.server.cells.checkpoint_log_entries) +
                " entries",
            "faults: " + std::to_string(d.faults) +
                (d.reads == read_mode::leased
                     ? ", leased reads, holds of " +
                           std::to_string(d.world.server.lease.hold / milliseconds(1)) + " ms"
                     : std::string())};
}

class one_life {
  public:
    explicit one_life(life_options const& options)
        : show_calls_(options.calls), drawn_(draw_from(options)), world_(drawn_.world),
          chaos_(world_, faults_of(options.profile), drawn_.world.servers, drawn_.cells.size(),
                 drawn_.world.seed ^ 0x6368616f73) {}

    life_report run() {
        begin();
        if (well()) chaos_.reign(seconds(44), drawn_.faults);
        if (well()) demand_progress();
        if (well()) demand_rest();
        if (well()) judge();
        return report();
    }

  private:
    bool well() const { return world_.failures().empty(); }

    void begin() {
        for (std::size_t replicas : drawn_.cells)
            (void)world_.found_cell(replicas);
        for (std::size_t i = 0; i < drawn_.cells.size() * drawn_.clients_each && well(); ++i) {
            cell_index const cell = i % drawn_.cells.size();
            world_.add_client(cell, {.work = drawn_.work[cell],
                                     .think_mean = drawn_.think_mean,
                                     .reads = drawn_.reads,
                                     .unsettled = drawn_.unsettled});
        }
    }

    // A core of servers is well and connected; the rest is cut off, and whatever it was.
    void demand_progress() {
        chaos_.heal(chaos_.draw_expendable());
        for (cell_index c = 0; c < drawn_.cells.size() && well(); ++c) {
            if (!commits_within(c, seconds(15)) && well())
                world_.fail("no progress in cell " + std::to_string(c + 1) +
                            " within 15 s of healing a core:\n" + world_.describe());
        }
    }

    // Again and again: a client that first asked a replica that lags is told that it is too late, and may.
    bool commits_within(cell_index cell, duration limit) {
        duration const end = world_.now() + limit;
        auto const mark = kv::transaction().put("healed", kv::integer(1));
        while (well() && world_.now() < end) {
            auto const ended = world_.commit(cell, mark, end - world_.now());
            if (std::holds_alternative<kv::committed>(ended)) return true;
        }
        return false;
    }

    void demand_rest() {
        chaos_.heal({});
        world_.run_for(std::max<duration>(seconds(4), seconds(58) - world_.now()));
        if (world_.was_finalised()) finalise_all();
        world_.stop_clients();
        world_.run_for(seconds(4));
        for (cell_index c = 0; c < drawn_.cells.size() && well(); ++c)
            ask_finally(c);
        std::string unrest;
        auto const quiet = [&] { return ++looks_ % 64 == 0 && (unrest = world_.unrest()).empty(); };
        if (well() && !world_.run_until(quiet, seconds(20)) && well())
            world_.fail("not at rest after 20 s: " + unrest + "\n" + world_.describe());
    }

    // Whoever began to raise cells goes on when every server can follow.
    void finalise_all() {
        for (cell_index c = 0; c < drawn_.cells.size(); ++c)
            (void)world_.finalise(c, newer_software);
    }

    void ask_finally(cell_index c) {
        auto const ended = world_.strict_read(c, final_question(drawn_.work[c]), seconds(15));
        auto const* found = std::get_if<kv::committed>(&ended);
        if (!well()) return;
        if (!found)
            return world_.fail("the last read of cell " + std::to_string(c + 1) + " was not answered:\n" +
                               world_.describe());
        std::string const name = "cell-" + std::to_string(c + 1);
        history calls;
        std::copy_if(world_.calls().begin(), world_.calls().end(), std::back_inserter(calls),
                     [&](call const& made) { return made.cell == name; });
        std::string const wrong = check_workload(drawn_.work[c], calls, *found);
        if (!wrong.empty()) world_.fail(name + ": " + wrong);
    }

    void judge() {
        check_report const report = check_linearizability(world_.calls());
        for (cell_verdict const& v : report.cells) {
            if (v.decided == verdict::linearizable) continue;
            world_.fail(v.cell + " is " + std::string(name_of(v.decided)) + ": " + v.reason + "\n" +
                        to_json_lines(v.smallest));
        }
    }

    life_report report() {
        if (show_calls_) show_calls_(world_.calls());
        life_report r;
        r.failures = world_.failures();
        r.drawn = describe(drawn_);
        r.faults = chaos_.injected();
        r.marks = world_.marks();
        r.statistics = world_.statistics();
        r.hash = world_.hash();
        r.cell_seconds =
            static_cast<double>(drawn_.cells.size()) * static_cast<double>(world_.now().count()) / 1e9;
        return r;
    }

    std::function<void(history const&)> show_calls_;
    draws drawn_;
    world world_;
    chaos chaos_;
    std::uint64_t looks_ = 0;
};

} // namespace

life_report live(life_options const& options) {
    return one_life(options).run();
}

} // namespace zooid::sim
