// The pieces under everything else: hashing, encoding, drawing.
#include <zooid/base/codec.hpp>
#include <zooid/base/prng.hpp>

#include <benchmark/benchmark.h>

#include <vector>

namespace {

using namespace zooid;

void hash_of_a_value(benchmark::State& state) {
    bytes const value(static_cast<std::size_t>(state.range(0)), 'v');
    for (auto _ : state)
        benchmark::DoNotOptimize(hash128(value));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(hash_of_a_value)->Arg(256)->Arg(64 * 1024);

configuration seven_members() {
    std::vector<member> members;
    for (std::uint64_t n = 1; n <= 7; ++n)
        members.push_back({{n}, {n, n}, {n + 100}});
    return configuration(members);
}

void encode_a_configuration(benchmark::State& state) {
    auto const seven = seven_members();
    bytes out;
    for (auto _ : state) {
        out.clear();
        writer(out).put(seven);
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(encode_a_configuration);

void decode_a_configuration(benchmark::State& state) {
    bytes in;
    writer(in).put(seven_members());
    for (auto _ : state)
        benchmark::DoNotOptimize(reader(in).get<configuration>());
}
BENCHMARK(decode_a_configuration);

void draw_below(benchmark::State& state) {
    prng random(1);
    for (auto _ : state)
        benchmark::DoNotOptimize(random.below(1000));
}
BENCHMARK(draw_below);

} // namespace
