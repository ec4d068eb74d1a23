// What the consensus core costs: committed transactions on seven replicas in memory, and its share at the
// proposer. No I/O, no encoding, everything durable at once.
#include "core_instructions/cell_rig.hpp"

#include <benchmark/benchmark.h>

namespace {

// All seven replicas, their messages and their state machines; divide by seven for one.
void commit(benchmark::State& state) {
    zooid::bench::cell_rig rig(static_cast<std::size_t>(state.range(0)));
    auto const outstanding = state.range(1);
    for (auto _ : state) {
        for (auto n = outstanding; n != 0; --n)
            rig.propose(256);
        rig.run();
    }
    state.SetItemsProcessed(state.iterations() * outstanding);
    state.counters["messages_per_transaction"] =
        static_cast<double>(rig.messages()) / static_cast<double>(rig.committed());
}
BENCHMARK(commit)->ArgNames({"replicas", "outstanding"})->Args({1, 1})->Args({7, 1})->Args({7, 32});

} // namespace
