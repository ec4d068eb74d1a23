// Appends through a file journal against the naked system calls: one at a time, and with group commit.
//
// The journal runs as in a server: blocking work on one thread, its owner on another. BENCH_DIR chooses the
// file system (default: the current directory). A disk has moods: --benchmark_min_time=2 gives each case two
// seconds of them.
#include <zooid/file/data_directory.hpp>

#include <benchmark/benchmark.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

using namespace zooid;
namespace fs = std::filesystem;

namespace {

struct folder {
    folder() : path(fs::path(base()) / ("zooid-bench-" + std::to_string(::getpid()))) {
        fs::create_directories(path);
    }
    ~folder() { fs::remove_all(path); }
    static char const* base() {
        auto const* named = std::getenv("BENCH_DIR");
        return named != nullptr ? named : ".";
    }
    fs::path path;
};

struct counter final : journal_listener {
    void secured() override {}
    void persisted(std::uint64_t n) override { last = n; }
    void failed(error const& e) override { throw std::runtime_error(e.message()); }
    void stalled(error const& e) override { throw std::runtime_error(e.message()); }
    void damage_found(journal_damage const&) override {}
    std::uint64_t last = 0;
};

int naked_flags(flush_method m) {
    if (m == flush_method::dsync) return O_RDWR | O_CREAT | O_DSYNC;
    return m == flush_method::direct_dsync ? O_RDWR | O_CREAT | O_DSYNC | O_DIRECT : O_RDWR | O_CREAT;
}

void percentiles(benchmark::State& state, std::vector<double>& us) {
    std::sort(us.begin(), us.end());
    auto const at = [&](double q) {
        return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))];
    };
    state.counters["p50_us"] = at(0.5);
    state.counters["p99_us"] = at(0.99);
}

template <class Work>
void timed(benchmark::State& state, Work work) {
    std::vector<double> us;
    for (auto _ : state) {
        auto const begin = std::chrono::steady_clock::now();
        work();
        us.push_back(
            std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    percentiles(state, us);
}

// The floor: the same 4 KiB into a file of written zeros.
void naked(benchmark::State& state) {
    auto const method = static_cast<flush_method>(state.range(0));
    folder f;
    auto const path = f.path / "naked";
    constexpr std::size_t block = 4096, blocks = 4096;
    auto* memory = static_cast<char*>(std::aligned_alloc(block, block));
    std::fill_n(memory, block, '\0');
    int const zero = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
    for (std::size_t i = 0; i < blocks; ++i)
        benchmark::DoNotOptimize(::pwrite(zero, memory, block, static_cast<off_t>(i * block)));
    ::fsync(zero), ::close(zero);
    int const fd = ::open(path.c_str(), naked_flags(method), 0600);
    std::size_t at = 0;
    timed(state, [&] {
        benchmark::DoNotOptimize(::pwrite(fd, memory, block, static_cast<off_t>(at++ % blocks * block)));
        if (method == flush_method::fdatasync) ::fdatasync(fd);
    });
    ::close(fd), std::free(memory);
    state.SetLabel(std::string(name_of(method)));
}
BENCHMARK(naked)->DenseRange(0, 2)->UseRealTime();

// `range(1)` appends of a promise-like 256-byte record are outstanding at a time; a step is one persisted
// batch.
void append(benchmark::State& state) {
    file_journal_options options;
    options.method = static_cast<flush_method>(state.range(0));
    auto const together = static_cast<std::uint64_t>(state.range(1));
    folder f;
    directory_owner const owner{server_id{1}, colony_id{1, 1}};
    auto const path = f.path / "data";
    if (!data_directory::format(path, {.owner = owner})) return state.SkipWithError("format");
    auto directory = std::move(data_directory::open(path, owner).value());
    boost::asio::io_context io(1);
    auto const busy = boost::asio::make_work_guard(io);
    boost::asio::thread_pool pool(1);
    auto journal = std::move(
        directory->open_journal(0, life_id{1}, options, pool.get_executor(), io.get_executor()).value());
    counter done;
    journal->start(done);
    shared_bytes const payload(bytes(256, 'x'));
    std::uint64_t n = 0;
    std::vector<record> one(1);
    auto const submit = [&] {
        one[0] = {cell_id{1, n % 64 + 1}, replica_id{n % 64 + 1}, record_kind::acceptance, slot{n / 64},
                  payload};
        if (n % 640 == 0) one[0].kind = record_kind::checkpoint;
        journal->append({}, ++n, one);
    };
    timed(state, [&] {
        auto const before = done.last;
        while (n - done.last < together)
            submit();
        while (done.last == before)
            io.run_one();
    });
    auto const stats = journal->statistics();
    state.counters["appends/s"] =
        benchmark::Counter(static_cast<double>(done.last), benchmark::Counter::kIsRate);
    state.counters["per_batch"] = static_cast<double>(done.last) / static_cast<double>(stats.batches);
    state.SetLabel(std::string(name_of(options.method)));
    pool.join();
    journal.reset();
}
BENCHMARK(append)->ArgsProduct({{0, 1, 2}, {1, 32, 512}})->UseRealTime();

} // namespace

BENCHMARK_MAIN();
