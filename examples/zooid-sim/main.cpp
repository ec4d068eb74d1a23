// zooid-sim: replays one simulated life, or runs a campaign of them.
//
//   zooid-sim --seed 42 --profile everything --trace life.txt     the last line is the hash of all effects
//   zooid-sim --seeds 1..1000                                     progress, then the totals: lives, simulated
//                                                                 time, faults by kind, rare points, CPU time
//
// Exit codes: 0 all is well, 1 a life failed, 64 wrong usage or a file that cannot be written, 74 a file that
// could not be written to its end.
#include "support/numbers.hpp"
#include "support/output.hpp"

#include <zooid/base/mutant.hpp>
#include <zooid/sim/life.hpp>
#include <zooid/sim/step_trace.hpp>

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <string_view>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

using namespace zooid;

constexpr int exit_usage = 64;
constexpr char const* program = "zooid-sim";
using support::exit_output, support::output_file;

struct arguments {
    std::uint64_t seed = 1;
    std::string seeds;
    std::string profile = "everything";
    std::string trace;
    std::string history;
    std::string steps;
    std::string mutant;
    std::uint64_t calls_per_second = sim::life_options{}.calls_per_second;
    bool hashes = false;
};

struct totals {
    std::uint64_t lives = 0;
    std::uint64_t failed = 0;
    double cell_seconds = 0;
    std::uint64_t committed = 0, reads = 0, unknown = 0, replaced = 0, slots = 0;
    std::array<std::uint64_t, sim::fault_count> faults{};
    sim::disk_mishaps disks;
    sometimes_set marks;
};

double cpu_seconds() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void print_faults(std::array<std::uint64_t, sim::fault_count> const& faults) {
    std::cout << "faults:";
    for (std::size_t f = 0; f < sim::fault_count; ++f) {
        if (faults[f]) std::cout << ' ' << sim::name_of(static_cast<sim::fault>(f)) << '=' << faults[f];
    }
    std::cout << '\n';
}

void print_mishaps(sim::disk_mishaps const& d) {
    std::cout << "disks: sectors lost " << d.sectors_lost << ", landed unflushed " << d.sectors_landed
              << "; writes misdirected " << d.writes_misdirected << "; flushes failed " << d.flushes_failed
              << "; creations refused " << d.creations_refused << "; bits flipped " << d.bits_flipped << '\n';
}

void print_marks(sometimes_set const& marks, bool reached) {
    std::cout << (reached ? "reached:" : "not reached:");
    for (std::size_t m = 0; m < sometimes_count; ++m) {
        if (marks.test(m) == reached) std::cout << ' ' << name_of(static_cast<sometimes>(m));
    }
    std::cout << '\n';
}

void print_failure(arguments const& a, std::uint64_t seed, sim::life_report const& report) {
    std::cout << "FAILED seed " << seed << ": " << report.failures.front() << '\n';
    std::cout << "replay: zooid-sim --seed " << seed << " --profile " << a.profile;
    if (a.calls_per_second != arguments{}.calls_per_second)
        std::cout << " --calls-per-second " << a.calls_per_second;
    if (!a.mutant.empty()) std::cout << " --mutant " << a.mutant;
    std::cout << '\n' << std::flush;
}

std::string hex(std::uint64_t value) {
    return to_hex(value);
}

sim::life_options options_of(arguments const& a, std::uint64_t seed) {
    sim::life_options options;
    options.seed = seed;
    options.profile = a.profile;
    options.calls_per_second = a.calls_per_second;
    return options;
}

void print_report(arguments const& a, sim::life_report const& report, double spent) {
    std::cout << "seed " << a.seed << ", profile " << a.profile << '\n';
    for (auto const& line : report.drawn)
        std::cout << line << '\n';
    print_faults(report.faults);
    print_mishaps(report.statistics.disks);
    print_marks(report.marks, true);
    auto const& s = report.statistics;
    std::cout << "calls: " << s.committed << " committed, " << s.rejected << " rejected, " << s.reads
              << " reads, " << s.unknown << " unknown, " << s.failed << " failed\n"
              << "frames: " << s.frames << ", lost " << s.frames_lost << ", duplicated "
              << s.frames_duplicated << ", late " << s.frames_reordered << ", changed " << s.frames_changed
              << "; links broken: " << s.links_broken << "; slots chosen: " << s.slots_chosen << '\n';
    std::printf("%.1f cell-seconds in %.2f s of CPU: %.0f cell-hours per CPU-hour\n", report.cell_seconds,
                spent, report.cell_seconds / spent);
    std::fflush(stdout);
    if (!report.failures.empty()) print_failure(a, a.seed, report);
    std::cout << hex(report.hash) << '\n';
}

// The files are opened before the life, so that nobody waits for a life whose account has no place.
int run_one(arguments const& a) {
    output_file trace(program, a.trace), history(program, a.history), steps(program, a.steps);
    bool const can_begin = trace.is_good() && history.is_good() && steps.is_good();
    if (!can_begin) return exit_usage;
    sim::life_options options = options_of(a, a.seed);
    sim::step_trace each_step([&](std::string const& line) { steps.stream() << line << '\n'; });
    if (steps.is_wanted()) options.steps = &each_step;
    if (trace.is_wanted()) options.trace = [&](std::string const& line) { trace.stream() << line << '\n'; };
    if (history.is_wanted())
        options.calls = [&](sim::history const& calls) { history.stream() << sim::to_json_lines(calls); };
    double const began = cpu_seconds();
    auto const report = sim::live(options);
    print_report(a, report, cpu_seconds() - began);
    bool const is_written = trace.is_good() && history.is_good() && steps.is_good();
    if (!report.failures.empty()) return 1;
    return is_written ? 0 : exit_output;
}

void add(totals& t, sim::life_report const& r) {
    ++t.lives;
    t.failed += r.failures.empty() ? 0 : 1;
    t.cell_seconds += r.cell_seconds;
    t.committed += r.statistics.committed;
    t.reads += r.statistics.reads;
    t.unknown += r.statistics.unknown;
    t.replaced += r.statistics.members_replaced;
    t.slots += r.statistics.slots_chosen;
    t.disks += r.statistics.disks;
    t.marks |= r.marks;
    for (std::size_t f = 0; f < sim::fault_count; ++f)
        t.faults[f] += r.faults[f];
}

void print_totals(arguments const& a, totals const& t) {
    double const spent = cpu_seconds();
    std::cout << t.lives << " lives, " << t.failed << " failed; profile " << a.profile << ", "
              << a.calls_per_second << " calls a second and cell; " << t.committed << " committed, "
              << t.reads << " reads, " << t.unknown << " unknown, " << t.slots << " slots, " << t.replaced
              << " members replaced; ";
    std::printf("%.2f cell-hours in %.2f s of CPU: %.0f cell-hours per CPU-hour\n", t.cell_seconds / 3600,
                spent, t.cell_seconds / spent);
    std::fflush(stdout);
}

// "FROM..TO", two decimal numbers.
bool parse_range(std::string_view text, std::uint64_t& from, std::uint64_t& to) {
    auto const dots = text.find("..");
    if (dots == std::string_view::npos) return false;
    auto const parse = [](std::string_view part, std::uint64_t& out) {
        auto const [end, wrong] = std::from_chars(part.data(), part.data() + part.size(), out);
        return wrong == std::errc() && end == part.data() + part.size();
    };
    return parse(text.substr(0, dots), from) && parse(text.substr(dots + 2), to);
}

int run_many(arguments const& a) {
    std::uint64_t from = 0, to = 0;
    if (!parse_range(a.seeds, from, to))
        return std::cerr << "zooid-sim: --seeds takes FROM..TO, not " << a.seeds << '\n', exit_usage;
    if (from > to || to == support::whole_max)
        return std::cerr << "zooid-sim: --seeds " << a.seeds << " names no life, or no last one\n",
               exit_usage;
    totals t;
    for (std::uint64_t seed = from; seed <= to; ++seed) {
        auto const report = sim::live(options_of(a, seed));
        add(t, report);
        if (a.hashes) std::cout << seed << ' ' << hex(report.hash) << '\n' << std::flush;
        if (!report.failures.empty()) print_failure(a, seed, report);
        if (!a.hashes && (seed - from + 1) % 50 == 0)
            std::cout << "seed " << seed << ": ", print_totals(a, t);
    }
    if (a.hashes) return t.failed == 0 ? 0 : 1;
    print_faults(t.faults);
    print_mishaps(t.disks);
    print_marks(t.marks, true);
    print_marks(t.marks, false);
    print_totals(a, t);
    return t.failed == 0 ? 0 : 1;
}

bool choose_mutant(std::string const& name) {
    if (name.empty()) return true;
#ifdef ZOOID_MUTANTS
    for (std::size_t m = 1; m < static_cast<std::size_t>(mutant::count_); ++m) {
        if (name_of(static_cast<mutant>(m)) != name) continue;
        active_mutant = static_cast<mutant>(m);
        return true;
    }
    std::cerr << "zooid-sim: no mutant is called " << name << '\n';
#else
    std::cerr << "zooid-sim: this build has no mutants; configure with -DZOOID_MUTANTS=ON\n";
#endif
    return false;
}

// What one life frees the next one allocates: giving it back to the system in between costs page faults.
void keep_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 512 * 1024 * 1024);
    mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
#endif
}

int run_program(int argc, char** argv) {
    arguments a;
    CLI::App app{"Runs simulated lives of a colony"};
    auto* const seeds = app.add_option("--seeds", a.seeds, "FROM..TO: a campaign");
    app.add_option("--seed", a.seed, "the life to run")
        ->check(support::whole_number(0, support::whole_max))
        ->excludes(seeds);
    app.add_option(
        "--profile", a.profile,
        "calm, lossy, partitions, crashes, disks, moves, replacements, leases, versions or everything");
    app.add_option("--trace", a.trace, "write a readable account to this file")->excludes(seeds);
    app.add_option("--history", a.history, "write the calls of all clients to this file, as JSON lines")
        ->excludes(seeds);
    app.add_option("--steps", a.steps,
                   "write each replica's steps to this file, for tests/spec/check_trace.py")
        ->excludes(seeds);
    app.add_option("--mutant", a.mutant, "switch a deliberate bug on");
    app.add_option("--calls-per-second", a.calls_per_second,
                   "of the clients of each cell together; fewer make a life cheaper, with as many faults")
        ->check(support::whole_number(1, 1000));
    app.add_flag("--hashes", a.hashes, "with --seeds: print each seed's hash and nothing else")->needs(seeds);
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? 0 : exit_usage;
    }
    if (!zooid::sim::is_profile(a.profile))
        return std::cerr << "zooid-sim: no profile " << a.profile << '\n', exit_usage;
    if (!choose_mutant(a.mutant)) return exit_usage;
    keep_freed_memory();
    return a.seeds.empty() ? run_one(a) : run_many(a);
}

} // namespace

int main(int argc, char** argv) {
    return support::finish_output("zooid-sim", [&] { return run_program(argc, argv); });
}
