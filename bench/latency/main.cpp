// bench_latency: what a transaction costs on real server processes, beside what the machine itself needs.
// bench/README.md has the command for each figure.
#include "modes.hpp"
#include "report.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace json = boost::json;
using namespace latency;

namespace {

struct arguments {
    options how;
    std::string directory = ".";
    std::string json;
    std::string journal = "file";
    std::string flush = "fdatasync";
    std::string flush_thread = "adaptive";
};

std::string program_beside(char const* name) {
    auto const self = std::filesystem::read_symlink("/proc/self/exe");
    return (self.parent_path().parent_path() / "bin" / name).string();
}

void add_options(CLI::App& app, arguments& a) {
    options& o = a.how;
    app.add_option("--replicas", o.replicas, "of a cell: odd, 1 to 9")->capture_default_str();
    app.add_option("--servers", o.servers, "0: as many as replicas")->capture_default_str();
    app.add_option("--shards", o.shards, "of each server; throughput: one measurement for each number")
        ->delimiter(',')
        ->check(CLI::Range(1, 256));
    app.add_option("--value-bytes", o.value_bytes, "of each transaction")->check(CLI::Range(1, 65536));
    app.add_option("--outstanding", o.outstanding, "for each cell, closed loop")->delimiter(',');
    app.add_option("--cells", o.cells, "one measurement for each number")->delimiter(',');
    app.add_option("--rate", o.rates, "intended per second, open loop")->delimiter(',');
    app.add_option("--pairs", o.pairs, "naked and zooid in turn")->check(CLI::Range(1, 1000));
    app.add_option("--seconds-per-leg", o.seconds_per_leg)->check(CLI::Range(0.05, 3600.0));
    app.add_option("--warm-up-seconds", o.warm_up_seconds, "of each leg, not counted");
    app.add_option("--journal", a.journal)->check(CLI::IsMember({"file", "memory"}));
    app.add_option("--flush", a.flush, "of zooidd's journal")
        ->check(CLI::IsMember({"fdatasync", "dsync", "direct_dsync"}));
    app.add_option("--flush-thread", a.flush_thread)->check(CLI::IsMember({"own", "shared", "adaptive"}));
    app.add_option("--directory", a.directory,
                   "where data may be written; a folder in it is made and removed")
        ->check(CLI::ExistingDirectory);
    app.add_option("--zooidd", o.zooidd, "the server program");
    app.add_option("--json", a.json, "write the results here");
}

using mode = json::object (*)(options const&);

void measure(arguments& a, std::string const& name, mode run) {
    scratch_folder const scratch(std::filesystem::absolute(a.directory).string());
    a.how.folder = scratch.path();
    a.how.durable = a.journal == "file";
    a.how.how = flushing_of(a.flush);
    a.how.flush_thread = a.flush_thread;
    double const load_before = load_average();
    print_line(fmt::format("{}: {} CPUs, load average {:.2f}, {}", name, cpu_count(), load_before,
                           file_system_of(scratch.path())));
    json::object results = run(a.how);
    json::object const whole{{"mode", name},
                             {"replicas", a.how.replicas},
                             {"value_bytes", a.how.value_bytes},
                             {"journal", a.journal},
                             {"flush", a.flush},
                             {"flush_thread", a.flush_thread},
                             {"cpus", cpu_count()},
                             {"file_system", file_system_of(scratch.path())},
                             {"load_average_before", load_before},
                             {"load_average_after", load_average()},
                             {"results", std::move(results)}};
    print_line(fmt::format("\nload average {:.2f} at the end", load_average()));
    if (!a.json.empty()) std::ofstream(a.json) << json::serialize(whole) << "\n";
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Measures zooid on real processes, and the floors of this machine in the same run.");
    arguments a;
    a.how.zooidd = program_beside("zooidd");
    app.require_subcommand(1);
    app.fallthrough();
    add_options(app, a);
    std::map<CLI::App*, mode> const modes{
        {app.add_subcommand("floors", "round trips, flushes, naked quorums; no zooid"), measure_floors},
        {app.add_subcommand("pairs", "closed loop against the naked quorum, in alternation"), measure_pairs},
        {app.add_subcommand("throughput", "closed loop on many cells"), measure_throughput},
        {app.add_subcommand("open", "open loop at given rates"), measure_open},
        {app.add_subcommand("idle", "packets and memory of a colony that does nothing"), measure_idle}};
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? 0 : 64; // wrong usage
    }
    catch_signals();
    try {
        for (auto const& [sub, run] : modes) {
            if (sub->parsed()) measure(a, sub->get_name(), run);
        }
    } catch (interrupted const&) {
        fmt::print(stderr, "bench_latency: interrupted\n");
        return 130;
    } catch (std::exception const& e) {
        fmt::print(stderr, "bench_latency: {}\n", e.what());
        return 1;
    }
}
