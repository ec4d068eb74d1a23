// zooid-failover: the main job. Nine real servers with real journals, volumes on seven of them each, clients
// that fail volumes over, and a hand that kills servers meanwhile, or an operator who moves volumes. It
// prints what clients saw, and whether the whole history is linearizable.
//
// Exit codes: 0 all well; 1 not linearizable, undecided, a volume was not available at the end, a server did
// not stop cleanly, or a move did not end though no server was killed; 2 the run could not be set up, or
// could not go on; 64 wrong usage, or a file that can't be written; 74 all well, but a file or standard
// output could not be written to its end.
#include "mover.hpp"
#include "picture.hpp"
#include "report.hpp"

#include "support/numbers.hpp"
#include "support/output.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

namespace {

using namespace failover;
namespace asio = boost::asio;

constexpr int exit_usage = 64;
constexpr char const* program = "zooid-failover";
using support::output_file;

struct arguments {
    std::string programs;
    std::string directory = "failover-run";
    std::string history;
    std::string picture;
    std::size_t servers = 9;
    std::vector<unsigned> shards{1};
    std::size_t cells = 100;
    std::size_t clients = 8;
    std::size_t seconds = 60;
    std::uint64_t seed = 1;
    bool kills = true;
    bool moves = false;
};

int give_up(zooid::error const& e) {
    fmt::print(stderr, "{}: {}\n", program, e.message());
    return 2;
}

// Seven servers of nine for each volume, another seven for the next one.
std::vector<std::size_t> members_of(zooid::prng& random, std::size_t servers) {
    std::vector<std::size_t> all;
    for (std::size_t n = 1; n <= servers; ++n)
        all.push_back(n);
    for (std::size_t i = 0; i < all.size(); ++i)
        std::swap(all[i], all[i + random.below(all.size() - i)]);
    all.resize(std::min<std::size_t>(7, servers % 2 ? servers : servers - 1));
    return all;
}

std::string list(std::vector<std::size_t> const& servers) {
    return fmt::format("{}", fmt::join(servers, ","));
}

zooid::result<std::vector<volume>> create_cells(fleet const& servers, arguments const& how) {
    zooid::prng random(how.seed);
    ZOOID_TRY(auto founded,
              servers.control({"colony", "init", "--on", list(members_of(random, servers.size()))}));
    (void)founded;
    std::vector<volume> volumes;
    for (std::size_t i = 1; i <= how.cells; ++i) {
        volumes.push_back({fmt::format("volume-{}", i), members_of(random, servers.size())});
        ZOOID_TRY(auto made, servers.control({"cell", "create", volumes.back().name, "--on",
                                              list(volumes.back().servers)}));
        (void)made;
        fmt::print("\rcreating volumes: {} of {}", i, how.cells);
        std::fflush(stdout);
    }
    fmt::print("\n");
    return volumes;
}

std::vector<std::string> names_of(std::vector<volume> const& volumes) {
    std::vector<std::string> names;
    for (volume const& v : volumes)
        names.push_back(v.name);
    return names;
}

void print_progress(std::size_t second, fleet const& servers, tally const& t, std::string const& done) {
    fmt::print("{:>4} s  [{}]  {:>7} committed {:>6} rejected {:>4} unknown {:>7} reads  {}\n", second,
               servers.drawing(), t.committed, t.rejected, t.unknown, t.reads, done);
    std::fflush(stdout);
}

// Runs the io_context until `until`, or until the load is idle.
void run(asio::io_context& io, std::chrono::steady_clock::time_point until, workload const* idle) {
    while (std::chrono::steady_clock::now() < until && !(idle && idle->idle())) {
        io.run_for(std::chrono::milliseconds(20));
        io.restart();
    }
}

zooid::result<bool> play(arguments const& how, output_file& history, output_file& drawing) {
    ZOOID_TRY(auto servers, fleet::prepare({how.programs, how.directory, how.servers, how.shards}));
    for (std::size_t n = 1; n <= how.servers; ++n) {
        auto const started = servers.start(n, true);
        if (!started) return started.error();
    }
    ZOOID_TRY(auto cells, create_cells(servers, how));

    asio::io_context io(1);
    auto const work = asio::make_work_guard(io);
    ZOOID_TRY(auto load,
              workload::open({how.clients, names_of(cells), how.seed, std::chrono::seconds(4)}, servers, io));
    chaos what(servers, how.seconds, how.seed);
    mover moves(servers, cells, how.seed);
    load->start();
    if (how.moves) moves.start();
    auto const begin = std::chrono::steady_clock::now();
    for (std::size_t second = 1; second <= how.seconds; ++second) {
        run(io, begin + std::chrono::seconds(second), nullptr);
        std::string done;
        if (how.kills) {
            ZOOID_TRY(done, what.step(second));
        }
        if (how.moves) done = fmt::format("{} moves  {}", moves.ended(), done);
        print_progress(second, servers, load->counts(), done);
    }
    moves.finish();
    auto const healed = what.heal();
    if (!healed) return healed.error();
    load->finish();
    run(io, std::chrono::steady_clock::now() + std::chrono::seconds(30), load.get());
    load->read_all();
    run(io, std::chrono::steady_clock::now() + std::chrono::seconds(60), load.get());
    bool const all_answered = load->read_all_answered() == cells.size();
    if (history.is_wanted()) history.stream() << zooid::sim::to_json_lines(load->calls());
    fmt::print("checking {} calls for linearizability ...\n", load->calls().size());
    std::fflush(stdout);
    if (drawing.is_wanted()) {
        auto const title = fmt::format("{} volumes on {} servers, {} clients, {} s {} kills", how.cells,
                                       how.servers, how.clients, how.seconds, how.kills ? "with" : "without");
        drawing.stream() << picture(load->write_latency(), load->read_latency(), title);
    }
    auto const verdict = zooid::sim::check_linearizability(load->calls());
    bool const good = report(*load, what, verdict);
    // A server that is killed may hold a move up beyond the operator's patience.
    bool const moved = !how.moves || report(moves.moves()) || how.kills;
    fmt::print("after healing, {} of {} volumes answered a strict read\n", load->read_all_answered(),
               cells.size());
    std::size_t const failed_stops = servers.stop_all();
    if (failed_stops) fmt::print("{} servers did not stop cleanly\n", failed_stops);
    return good && moved && all_answered && failed_stops == 0;
}

int run_program(int argc, char** argv) {
    CLI::App app("Fails volumes over on real servers that are being killed, and checks what clients saw.");
    arguments how;
    how.programs = std::filesystem::canonical("/proc/self/exe").parent_path().string();
    app.add_option("--programs", how.programs,
                   "the folder of zooidd and zooidctl; default: beside this program");
    app.add_option("--directory", how.directory,
                   "for data, logs and configurations; must not exist or be empty");
    app.add_option("--history", how.history, "write the history here, as JSON lines; not into --directory");
    app.add_option("--picture", how.picture, "draw the latencies into this SVG file; not into --directory");
    app.add_option("--servers", how.servers, "server processes")->check(support::whole_number(3, 64));
    app.add_option("--shards", how.shards, "of server 1, 2, ..., as 1,2,3; begun again when it ends")
        ->delimiter(',')
        ->check(support::whole_number(1, 256));
    app.add_option("--cells", how.cells, "volumes")->check(support::whole_number(1, 100'000));
    app.add_option("--clients", how.clients, "concurrent clients")->check(support::whole_number(1, 1000));
    app.add_option("--seconds", how.seconds, "how long clients run")
        ->check(support::whole_number(10, 86'400));
    app.add_option("--seed", how.seed, "of placement, choices and kills")
        ->check(support::whole_number(0, support::whole_max));
    app.add_flag("--kills,!--no-kills", how.kills, "SIGKILL to servers meanwhile; on unless switched off");
    app.add_flag("--moves", how.moves,
                 "move one volume after the other, by single replacements, to servers that do not hold it");
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? 0 : exit_usage;
    }
    try {
        // Opened before the run, so that nobody waits for one whose account has no place.
        output_file history(program, how.history), drawing(program, how.picture);
        if (!history.is_good() || !drawing.is_good()) return exit_usage;
        auto const good = play(how, history, drawing);
        bool const is_written = history.is_good() && drawing.is_good();
        if (!good) return give_up(good.error());
        if (!good.value()) return 1;
        return is_written ? 0 : support::exit_output;
    } catch (std::exception const& e) {
        fmt::print(stderr, "{}: {}\n", program, e.what());
        return 2;
    }
}

} // namespace

int main(int argc, char** argv) {
    return support::finish_output(program, [&] { return run_program(argc, argv); });
}
