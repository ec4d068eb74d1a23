// What one transaction costs at a replica, without the protocol around it: the failover of a volume, its
// codec, and the same through a session.
#include <zooid/kv/sessions.hpp>
#include <zooid/kv/store.hpp>

#include <benchmark/benchmark.h>

#include <string>

using namespace zooid;

namespace {

/// Swaps primary and replica if the generation is still g.
kv::transaction failover(std::uint64_t g) {
    return kv::transaction()
        .require_equal("generation", g)
        .put("primary", g % 2 ? "server-b" : "server-a")
        .put("replica", g % 2 ? "server-a" : "server-b")
        .put("generation", g + 1);
}

void apply_failover(benchmark::State& state) {
    kv::store s;
    (void)s.run(kv::transaction().put("generation", 0).put("primary", "server-b").put("replica", "server-a"));
    std::uint64_t g = 0;
    bytes command;
    bytes reply;
    for (auto _ : state) {
        command.clear(), reply.clear();
        kv::encode(failover(g++), command);
        benchmark::DoNotOptimize(s.apply({g}, command, reply));
        benchmark::DoNotOptimize(s.state_digest());
    }
    if (s.version().value != g + 1) state.SkipWithError("a failover was rejected");
}
BENCHMARK(apply_failover);

void apply_failover_in_session(benchmark::State& state) {
    kv::session_machine m(std::make_unique<kv::store>());
    std::uint64_t const clients = static_cast<std::uint64_t>(state.range(0));
    std::uint64_t at = 0;
    bytes command;
    bytes reply;
    for (auto _ : state) {
        command.clear(), reply.clear();
        sequence const nth{at / clients + 1};
        kv::encode(kv::request{{at % clients + 1}, nth, nth, {at}, kv::encode(failover(at))}, command);
        benchmark::DoNotOptimize(m.apply({++at}, command, reply));
        benchmark::DoNotOptimize(m.state_digest());
    }
}
BENCHMARK(apply_failover_in_session)->Arg(1)->Arg(32)->Arg(900);

void encode_failover(benchmark::State& state) {
    kv::transaction const t = failover(41);
    bytes command;
    for (auto _ : state) {
        command.clear();
        kv::encode(t, command);
        benchmark::DoNotOptimize(command.data());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * command.size()));
}
BENCHMARK(encode_failover);

void decode_failover(benchmark::State& state) {
    bytes const command = kv::encode(failover(41));
    for (auto _ : state)
        benchmark::DoNotOptimize(kv::decode_transaction(command));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * command.size()));
}
BENCHMARK(decode_failover);

void snapshot_and_restore(benchmark::State& state) {
    kv::store s;
    for (std::int64_t i = 0; i < state.range(0); ++i)
        (void)s.run(kv::transaction().put("key-" + std::to_string(i), bytes(64, 'v')));
    kv::store target;
    for (auto _ : state) {
        bytes image;
        s.snapshot(image);
        benchmark::DoNotOptimize(target.restore(image));
    }
    state.counters["memory_bytes"] = static_cast<double>(s.memory_bytes());
}
BENCHMARK(snapshot_and_restore)->Arg(3)->Arg(5000);

} // namespace
