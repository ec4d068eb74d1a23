#include "modes.hpp"

#include "load.hpp"
#include "report.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <map>

namespace latency {

namespace json = boost::json;

colony_options options::colony_with(std::size_t shards_each) const {
    // A colony is formatted once: each has a folder of its own.
    auto const own = fmt::format("{}/shards-{}", folder, shards_each);
    std::filesystem::create_directories(own);
    return {zooidd, own, servers ? servers : replicas, durable, how, flush_thread, shards_each};
}

naked_options options::naked(flushing method, std::size_t in_flight) const {
    naked_options n;
    n.folder = folder;
    n.replicas = replicas;
    n.value_bytes = value_bytes;
    n.block_bytes = block_bytes;
    n.outstanding = in_flight;
    n.how = method;
    n.seconds = seconds_per_leg;
    n.warm_up_seconds = warm_up_seconds;
    return n;
}

namespace {

double ratio(std::uint64_t a, std::uint64_t b) {
    return b ? static_cast<double>(a) / static_cast<double>(b) : 0;
}

// The leader's own flush first or beside: whichever is faster here is the floor.
naked_options faster_naked(options const& o, flushing how, std::size_t outstanding, json::object& out) {
    naked_options best;
    std::uint64_t best_p50 = ~std::uint64_t{0};
    for (own_flush const own : {own_flush::first, own_flush::beside}) {
        naked_options n = o.naked(how, outstanding);
        n.own = own;
        auto const r = run_naked_quorum(n);
        auto const name = fmt::format("naked quorum, {}, {} outstanding, own {}", name_of(how), outstanding,
                                      own == own_flush::first ? "first" : "beside");
        print_leg(name, r);
        out[name] = json_of(r);
        if (r.latencies.quantile(0.5) >= best_p50) continue;
        best_p50 = r.latencies.quantile(0.5);
        best = n;
    }
    return best;
}

// All servers flushing at once: what the disk can do for them.
leg_result disk_capacity(options const& o) {
    return flushes(o.folder, o.servers ? o.servers : o.replicas, o.value_bytes, o.block_bytes, o.how,
                   std::max(1.0, o.seconds_per_leg));
}

} // namespace

namespace {

using naked_choices = std::map<std::size_t, std::map<flushing, naked_options>>; ///< by outstanding

json::object measure_floors_and_choose(options const& o, naked_choices& faster) {
    json::object out;
    print_heading(fmt::format("Floors: {} processes, {} bytes in blocks of {}", o.replicas, o.value_bytes,
                              o.block_bytes));
    leg_result trips;
    trips.latencies = loopback_round_trips(o.value_bytes, o.seconds_per_leg);
    print_leg("loopback round trip across CPUs", trips);
    out["loopback_round_trip"] = json_of(trips.latencies);
    for (flushing const how : every_flushing) {
        for (std::size_t const processes : {std::size_t{1}, o.replicas}) {
            auto const r = flushes(o.folder, processes, o.value_bytes, o.block_bytes, how, o.seconds_per_leg);
            auto const name = fmt::format("{} of one block, {} at once", name_of(how), processes);
            print_leg(name, r);
            out[name] = json_of(r);
        }
    }
    for (flushing const how : every_flushing) {
        for (std::size_t const outstanding : o.outstanding)
            faster[outstanding][how] = faster_naked(o, how, outstanding, out);
    }
    return out;
}

} // namespace

json::object measure_floors(options const& o) {
    naked_choices unused;
    return measure_floors_and_choose(o, unused);
}

namespace {

struct paired {
    std::map<flushing, std::vector<double>> p50_ratios;
    std::map<flushing, std::vector<double>> rate_ratios;
    std::map<flushing, leg_result> naked;
    leg_result zooid;
    json::array rounds;
};

void merge(leg_result& into, leg_result const& leg) {
    into.latencies.merge(leg.latencies);
    into.seconds += leg.seconds;
}

void run_round(options const& o, std::map<flushing, naked_options> const& naked, load& on,
               std::size_t outstanding, paired& all) {
    std::map<flushing, leg_result> legs;
    for (auto const& [how, n] : naked)
        legs[how] = run_naked_quorum(n);
    auto const z = on.closed_loop(outstanding, o.seconds_per_leg, o.warm_up_seconds);
    json::object round{{"zooid_p50_us", static_cast<double>(z.latencies.quantile(0.5)) / 1000},
                       {"zooid_per_second", z.per_second()},
                       {"load_average", load_average()}};
    for (auto const& [how, leg] : legs) {
        all.p50_ratios[how].push_back(ratio(z.latencies.quantile(0.5), leg.latencies.quantile(0.5)));
        all.rate_ratios[how].push_back(z.per_second() / leg.per_second());
        round["naked_" + name_of(how) + "_p50_us"] = static_cast<double>(leg.latencies.quantile(0.5)) / 1000;
        merge(all.naked[how], leg);
    }
    merge(all.zooid, z);
    all.rounds.push_back(round);
}

json::object report(options const& o, std::size_t outstanding, paired const& all, usage const& u,
                    double disk) {
    json::object out{{"outstanding", outstanding}, {"zooid", json_of(all.zooid)}, {"rounds", all.rounds}};
    print_heading(
        fmt::format("{} outstanding, {} pairs, load average {:.1f}", outstanding, o.pairs, load_average()));
    for (auto const& [how, leg] : all.naked) {
        print_leg("naked quorum, " + name_of(how), leg);
        out["naked_" + name_of(how)] = json_of(leg);
    }
    print_leg(o.durable ? "zooid, durable, " + name_of(o.how) : "zooid, journal in memory", all.zooid);
    for (auto const& [how, ratios] : all.p50_ratios) {
        print_spread("p50, zooid / naked " + name_of(how), spread_of(ratios));
        out["p50_ratio_" + name_of(how)] = json_of(spread_of(ratios));
        print_spread("rate, zooid / naked " + name_of(how), spread_of(all.rate_ratios.at(how)));
        out["rate_ratio_" + name_of(how)] = json_of(spread_of(all.rate_ratios.at(how)));
    }
    auto const bound = what_bounds(u, disk, o.durable, false);
    print_line("  " + bound);
    out["bound"] = bound;
    out["usage"] = json_of(u);
    return out;
}

} // namespace

json::object measure_pairs(options const& o) {
    json::object out;
    naked_choices naked;
    out["floors"] = measure_floors_and_choose(o, naked);
    auto const disk = disk_capacity(o).per_second();
    latency::colony servers(o.colony());
    load on(servers.links(), servers.create(1, o.replicas), o.value_bytes);
    on.warm_up();
    json::array results;
    for (std::size_t const outstanding : o.outstanding) {
        paired all;
        for (std::size_t n = 0; n < o.pairs; ++n)
            run_round(o, naked[outstanding], on, outstanding, all);
        usage_meter meter(servers); // one leg more, for what it uses
        on.closed_loop(outstanding, std::max(1.0, o.seconds_per_leg), 0);
        results.push_back(report(o, outstanding, all, meter.stop(), disk));
    }
    out["results"] = results;
    out["retries"] = on.retries();
    return out;
}

namespace {

void measure_shards(options const& o, std::size_t shards, leg_result const& capacity, json::array& results) {
    latency::colony servers(o.colony_with(shards));
    for (std::size_t const count : o.cells) {
        load on(servers.links(), servers.create(count, o.replicas), o.value_bytes);
        on.warm_up();
        for (std::size_t const outstanding : o.outstanding) {
            on.closed_loop(outstanding, o.warm_up_seconds, 0);
            usage_meter meter(servers);
            auto const r = on.closed_loop(outstanding, o.seconds_per_leg, 0);
            auto const u = meter.stop();
            double const cpu_us =
                u.server_cpus * u.seconds * 1e6 / static_cast<double>(std::max<std::uint64_t>(u.commits, 1));
            print_leg(fmt::format("{} cells, {} outstanding each, {} shards", count, outstanding, shards), r);
            auto const bound = what_bounds(u, capacity.per_second(), o.durable, false);
            print_line(fmt::format("    {}; {:.1f} us of the servers' CPUs for each commit", bound, cpu_us));
            results.push_back(json::object{{"shards", shards},
                                           {"cells", count},
                                           {"outstanding_per_cell", outstanding},
                                           {"leg", json_of(r)},
                                           {"usage", json_of(u)},
                                           {"server_cpu_us_per_commit", cpu_us},
                                           {"bound", bound},
                                           {"load_average", load_average()}});
        }
    }
}

} // namespace

json::object measure_throughput(options const& o) {
    json::object out;
    json::array results;
    auto const capacity = disk_capacity(o);
    print_heading(fmt::format("Throughput, {} servers, {} replicas, load average {:.1f}",
                              o.servers ? o.servers : o.replicas, o.replicas, load_average()));
    print_leg(fmt::format("{}, all servers at once", name_of(o.how)), capacity);
    out["disk"] = json_of(capacity);
    for (std::size_t const shards : o.shards)
        measure_shards(o, shards, capacity, results);
    out["results"] = results;
    return out;
}

json::object measure_open(options const& o) {
    json::array results;
    auto const capacity = disk_capacity(o);
    latency::colony servers(o.colony());
    load on(servers.links(), servers.create(o.cells.front(), o.replicas), o.value_bytes);
    on.warm_up();
    print_heading(fmt::format("Open loop on {} cells: from the intended start, load average {:.1f}",
                              o.cells.front(), load_average()));
    for (double const rate : o.rates) {
        usage_meter meter(servers);
        auto const r = on.open_loop(rate, o.seconds_per_leg, o.warm_up_seconds);
        auto const u = meter.stop();
        print_leg(fmt::format("{:.0f} per second intended", rate), r);
        auto const bound = what_bounds(u, capacity.per_second(), o.durable, true);
        print_line("    " + bound);
        results.push_back(json::object{
            {"intended_per_second", rate}, {"leg", json_of(r)}, {"usage", json_of(u)}, {"bound", bound}});
    }
    return {{"results", results}, {"disk", json_of(capacity)}};
}

namespace {

struct idle_rates {
    double frames_per_second = 0;
    double packets_per_second = 0;
    double flushes_per_second = 0;
    double server_cpus = 0;
};

// Nothing asks the servers anything meanwhile, apart from the two readings of their counters.
idle_rates watch_idle(colony& servers, double seconds) {
    auto const before = servers.counters();
    auto const cpu = servers.cpu_seconds();
    auto const packets = loopback_packets();
    auto const begin = now_ns();
    pause_for(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)));
    auto const packets_after = loopback_packets();
    auto const took = static_cast<double>(now_ns() - begin) / 1e9;
    auto const cpu_after = servers.cpu_seconds();
    auto const after = servers.counters();
    return {static_cast<double>(after.frames - before.frames) / took,
            static_cast<double>(packets_after - packets) / took,
            static_cast<double>(after.flushes - before.flushes) / took, (cpu_after - cpu) / took};
}

// Elections and first checkpoints are over when a second passes in which no cell sent anything.
void await_quiet(colony& servers) {
    for (int n = 0; n < 120; ++n) {
        auto const before = servers.counters().messages;
        pause_for(std::chrono::seconds(1));
        if (servers.counters().messages == before) return;
    }
    throw std::runtime_error("the cells don't become quiet");
}

} // namespace

json::object measure_idle(options const& o) {
    json::array results;
    latency::colony servers(o.colony());
    auto const begin = servers.pss();
    std::size_t made = 0;
    print_line(fmt::format(
        "\nIdle colony of {} servers, load average {:.1f}\n{:>10}{:>12}{:>12}{:>12}{:>9}{:>10}{:>14}",
        o.colony().servers, load_average(), "cells", "cell frames", "packets/s", "flushes/s", "CPUs",
        "Pss MiB", "bytes/replica"));
    for (std::size_t const cells : o.cells) {
        if (cells > made) {
            auto const more = servers.create(cells - made, o.replicas);
            load(servers.links(), more, o.value_bytes).warm_up(); // each has led and committed once
            made = cells;
        }
        await_quiet(servers);
        auto const r = watch_idle(servers, o.seconds_per_leg);
        auto const pss = servers.pss();
        double const per_replica =
            made ? static_cast<double>(pss - begin) / static_cast<double>(made * o.replicas) : 0;
        print_line(fmt::format("{:>10}{:>12.1f}{:>12.1f}{:>12.1f}{:>9.3f}{:>10.1f}{:>14.0f}", made,
                               r.frames_per_second, r.packets_per_second, r.flushes_per_second, r.server_cpus,
                               static_cast<double>(pss) / (1 << 20), per_replica));
        results.push_back(json::object{{"cells", made},
                                       {"cell_frames_per_second", r.frames_per_second},
                                       {"loopback_packets_per_second", r.packets_per_second},
                                       {"flushes_per_second", r.flushes_per_second},
                                       {"server_cpus", r.server_cpus},
                                       {"pss_bytes", pss},
                                       {"pss_bytes_per_replica", per_replica},
                                       {"replica_bytes_by_servers", servers.counters().replica_bytes}});
    }
    return {{"results", results}, {"pss_bytes_without_cells", begin}};
}

} // namespace latency
