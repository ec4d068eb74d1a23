// Placement on one core: N = 7, 8,000 servers, exact scores.
//
//   build/release/bench/bench_placement --benchmark_counters_tabular=true
//
// "cold" forgets every shape before each cell, so that each decision is computed and none remembered.
#include <zooid/placement/generate.hpp>
#include <zooid/placement/solver.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>

namespace {

using namespace zooid::placement;

topology const& world() {
    static topology const t = generate({}, 1);
    return t;
}

topology const& irregular_world() {
    static topology const t = generate({.powers = 6, .irregular_percent = 30}, 1);
    return t;
}

void place_new(benchmark::State& state, topology const& t, solver_options const& options) {
    auto const requests = generate_cells(t, 200000, {}, 2);
    auto solver = solver::create(t, options).value();
    std::size_t i = 0;
    for (auto _ : state) {
        if (i == requests.size()) {
            state.PauseTiming();
            solver = solver::create(t, options).value();
            i = 0;
            state.ResumeTiming();
        }
        benchmark::DoNotOptimize(solver->place(requests[i++]));
    }
    state.counters["cells/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
    state.counters["shapes"] = static_cast<double>(solver->shapes_remembered());
    state.counters["bytes of shapes"] = static_cast<double>(solver->bytes_for_shapes());
    if (i > 0)
        state.counters["bytes/cell"] =
            static_cast<double>(solver->bytes_for_cells()) / static_cast<double>(i);
}

void place(benchmark::State& state) {
    place_new(state, world(), {});
}
void place_irregular(benchmark::State& state) {
    place_new(state, irregular_world(), {});
}
void place_with_overlap_limit(benchmark::State& state) {
    place_new(state, world(), {.hard = {.overlap_max = 3}});
}

/// A solver per cell forgets the shapes; creating it is not timed.
void place_cold(benchmark::State& state) {
    auto const requests = generate_cells(world(), 2000, {}, 2);
    std::size_t i = 0;
    for (auto _ : state) {
        state.PauseTiming();
        auto solver = solver::create(world()).value();
        state.ResumeTiming();
        benchmark::DoNotOptimize(solver->place(requests[i++ % requests.size()]));
        state.PauseTiming();
        solver.reset();
        state.ResumeTiming();
    }
    state.counters["cells/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

/// One server in a hundred fails; each cell that has a replica there is repaired.
struct damage {
    topology broken;
    std::vector<cell> cells;    ///< all
    std::vector<cell> affected; ///< those with a failed member
};

damage const& damaged() {
    static damage const d = [] {
        auto const& t = world();
        damage out{t, generate_cells(t, 100000, {}, 2), {}};
        auto solver = solver::create(t).value();
        for (auto& c : out.cells) {
            c.members = solver->place(c).value().members;
        }
        for (std::size_t i = 7; i < t.servers.size(); i += 100) {
            out.broken.servers[i].failed = true;
        }
        for (auto const& c : out.cells) {
            bool const hit = std::any_of(c.members.begin(), c.members.end(),
                                         [&](server_ref m) { return out.broken.servers[m.value].failed; });
            if (hit) out.affected.push_back(c);
        }
        return out;
    }();
    return d;
}

void repair_cells(benchmark::State& state, solver_options const& options) {
    auto const& d = damaged();
    auto const fresh = [&] {
        auto solver = solver::create(d.broken, options).value();
        for (auto const& c : d.cells) {
            (void)solver->adopt(c);
        }
        return solver;
    };
    auto solver = fresh();
    std::size_t i = 0;
    for (auto _ : state) {
        if (i == d.affected.size()) {
            state.PauseTiming();
            solver = fresh();
            i = 0;
            state.ResumeTiming();
        }
        benchmark::DoNotOptimize(solver->repair(d.affected[i++]));
    }
    state.counters["repairs/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void repair(benchmark::State& state) {
    repair_cells(state, {});
}

void audit_million(benchmark::State& state) {
    static std::vector<cell> const cells = [] {
        auto out = generate_cells(world(), 1000000, {}, 3);
        auto solver = solver::create(world()).value();
        for (auto& c : out) {
            c.members = solver->place(c).value().members;
        }
        return out;
    }();
    for (auto _ : state) {
        auto const r = audit(world(), cells, {});
        benchmark::DoNotOptimize(r.floors_violated);
        state.counters["overlap"] = r.shared.servers;
        state.counters["max/mean"] = r.load_max / r.load_mean;
        state.counters["violated"] = static_cast<double>(r.floors_violated);
    }
}

void exact_score(benchmark::State& state) {
    auto const& d = damaged();
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(unavailability_of(world(), d.cells[i++ % d.cells.size()]));
    }
}

BENCHMARK(exact_score);
BENCHMARK(place)->Unit(benchmark::kMicrosecond);
BENCHMARK(place_irregular)->Unit(benchmark::kMicrosecond);
BENCHMARK(place_cold)->Unit(benchmark::kMicrosecond)->Iterations(500);
BENCHMARK(place_with_overlap_limit)->Unit(benchmark::kMicrosecond);
BENCHMARK(repair)->Unit(benchmark::kMicrosecond);
BENCHMARK(audit_million)->Unit(benchmark::kSecond)->Iterations(1);

} // namespace

BENCHMARK_MAIN();
