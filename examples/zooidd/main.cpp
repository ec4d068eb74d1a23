// zooidd: a ready server. It prints one JSON line on standard output when it listens, logs JSON lines on
// standard error, and stops gracefully on SIGTERM or SIGINT; a second signal ends it at once.
//
// Exit codes: 0 stopped on request, also when the deadline cut the stop short; 64 wrong usage; 69 the address
// can't be listened on; 74 the data directory (of another server or colony, in use, newer, damaged manifest,
// unreadable, on a full disk), the events file, or standard output that could not be written; 78 the
// configuration or key file; 1 anything else.
#include "config.hpp"
#include "event_file.hpp"
#include "log.hpp"

#include "support/address.hpp"
#include "support/numbers.hpp"
#include "support/output.hpp"

#include <zooid/tcp/acceptor.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <mutex>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

namespace asio = boost::asio;
namespace json = boost::json;
using namespace zooid;
using namespace zooidd;

namespace {

constexpr int exit_failed = 1, exit_usage = 64, exit_unavailable = 69, exit_data = 74, exit_config = 78;

struct arguments {
    std::string config;
    std::string events;
    bool format = false;
    double stop_seconds = 10;
    unsigned report_seconds = 0;
};

class observer final : public server_observer {
  public:
    observer(event_log const& to, std::unique_ptr<event_file> events)
        : log_(to), refusals_(to), events_(std::move(events)) {}
    ~observer() override { refusals_.flush(); }

    void on_shard_event(std::uint16_t shard, server_event const& e) override { log_.write(shard, e); }
    void on_shard_event(std::uint16_t shard, runtime_event const& e) override {
        auto const* refused = std::get_if<refused_connection>(&e);
        refused ? refusals_.write(shard, *refused) : log_.write(shard, e);
    }
    void on_durable(std::vector<durable_fact> const& facts) override {
        if (!events_) return;
        std::lock_guard const lock(guard_); // shards have threads of their own
        if (events_->failed()) return;
        events_->write(facts);
        if (events_->failed()) log_.write("events_file_failed");
    }
    void set_life(life_id life) {
        if (events_) events_->set_life(life);
    }

  private:
    event_log const& log_;
    refusal_log refusals_;
    std::mutex guard_;
    std::unique_ptr<event_file> events_;
};

/// A thread for each shard but the first, whose work the main thread does.
class shard_threads {
  public:
    explicit shard_threads(std::uint32_t shards) {
        for (std::uint32_t i = 0; i < shards; ++i)
            contexts_.push_back(std::make_unique<asio::io_context>(1));
    }
    ~shard_threads() { join(); }

    std::vector<asio::any_io_executor> owners() {
        std::vector<asio::any_io_executor> all;
        for (auto const& c : contexts_)
            all.push_back(c->get_executor());
        return all;
    }
    asio::io_context& first() { return *contexts_.front(); }
    /// Returns after `stop`.
    void run() {
        for (std::size_t i = 1; i < contexts_.size(); ++i) {
            threads_.emplace_back([&io = *contexts_[i]] {
                auto const more_comes = asio::make_work_guard(io);
                io.run();
            });
        }
        first().run();
        join();
    }
    void stop() {
        for (auto const& c : contexts_)
            c->stop();
    }

  private:
    void join() {
        stop();
        for (std::thread& t : threads_)
            t.join();
        threads_.clear();
    }

    std::vector<std::unique_ptr<asio::io_context>> contexts_;
    std::vector<std::thread> threads_;
};

int exit_code_of(error const& e) {
    switch (e.code()) {
    case errc::wrong_owner:
    case errc::unsupported_version:
    case errc::malformed:
    case errc::damaged:
    case errc::already_exists:
    case errc::not_found:
    case errc::no_space: return exit_data;
    case errc::invalid_argument: return exit_config;
    default: return exit_failed;
    }
}

// Both a directory and an address may be in use, forbidden or failing: the message tells which it was.
int open_exit_code(error const& e) {
    bool const listening = e.detail().starts_with("cannot listen");
    if (listening) return exit_unavailable;
    bool const either = e == errc::in_use || e == errc::permission_denied || e == errc::io_failed;
    return either ? exit_data : exit_code_of(e);
}

void announce(running_server const& server, running_server_options const& options) {
    bool const in_memory = options.storage == journal_storage::volatile_memory;
    json::object line{{"event", "listening"},
                      {"server", options.server.value},
                      {"address", support::to_string({options.listen.host, server.port()})},
                      {"port", server.port()},
                      {"pid", ::getpid()},
                      {"life", to_string(server.life())},
                      {"journal", in_memory ? "memory" : "file"},
                      {"journal_id", to_string(server.journal())}};
    if (server.shards() > 1) {
        json::array journals;
        for (std::uint16_t shard = 0; shard < server.shards(); ++shard)
            journals.emplace_back(to_string(server.journal(shard)));
        line["shards"] = server.shards();
        line["journal_ids"] = std::move(journals);
    }
    if (in_memory) line["warning"] = "MEMORY JOURNAL: NOTHING IS DURABLE, ALL IS LOST WHEN THIS PROCESS ENDS";
    fmt::print("{}\n", json::serialize(line));
    std::fflush(stdout);
}

// What keeps a server company in this process: signals, and a report now and then.
class daemon {
  public:
    daemon(shard_threads& threads, running_server& server, event_log const& to, arguments const& how)
        : threads_(threads), server_(server), log_(to), how_(how), signals_(threads.first(), SIGTERM, SIGINT),
          report_at_(threads.first()) {
        await_signal();
        await_report();
    }

  private:
    void await_signal() {
        signals_.async_wait([this](boost::system::error_code const& cancelled, int number) {
            if (cancelled) return;
            log_.write("stopping", {{"signal", number}});
            signals_.clear(); // the second one ends it
            auto const time =
                std::chrono::duration_cast<duration>(std::chrono::duration<double>(how_.stop_seconds));
            server_.async_stop(time, [this](result<void> outcome) {
                log_.write("stopped", {{"outcome", outcome ? "complete" : name_of(outcome.error().code())}});
                report_at_.cancel();
                threads_.stop();
            });
        });
    }
    void await_report() {
        if (how_.report_seconds == 0) return;
        report_at_.expires_after(std::chrono::seconds(how_.report_seconds));
        report_at_.async_wait([this](boost::system::error_code const& cancelled) {
            if (cancelled) return;
            server_.async_snapshot([this](running_server_snapshot const& all) {
                log_.write("counters", json_of(all));
                await_report();
            });
        });
    }

    shard_threads& threads_;
    running_server& server_;
    event_log const& log_;
    arguments const& how_;
    asio::signal_set signals_;
    asio::steady_timer report_at_;
};

// When no thread serves any more.
running_server_snapshot all_counters(running_server const& server) {
    running_server_snapshot all = server.snapshot(0);
    for (std::uint16_t shard = 1; shard < server.shards(); ++shard)
        all.merge(server.snapshot(shard));
    return all;
}

// The soft limit is kept low for programs that select(); this is none. Connections leave a part of it alone.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit); // what it was will have to do
}

int complain(error const& e, int code) {
    fmt::print(stderr, "zooidd: {}\n", e.message());
    return code;
}

// A first start, or a disk that was not mounted: which of them it is only the operator can know.
error with_advice(error const& e, running_server_options const& options) {
    std::error_code ignored;
    bool const unformatted = e == errc::not_found && options.policy == directory_policy::must_exist &&
                             !std::filesystem::exists(options.directory + "/manifest", ignored);
    if (!unformatted) return e;
    return error(e.code(), fmt::format("{}; a first start formats an absent or empty directory with --format",
                                       e.detail()));
}

// A directory is formatted where the server can listen, else the next start would be no first one.
result<void> check_listening(running_server_options const& o) {
    std::error_code ignored;
    bool const may_format = o.storage == journal_storage::file &&
                            o.policy == directory_policy::format_if_empty &&
                            !std::filesystem::exists(o.directory + "/manifest", ignored);
    if (!may_format) return outcome::success();
    asio::io_context io(1);
    tcp_acceptor_options listening;
    listening.listen = o.listen;
    auto const opened = tcp_acceptor::open(io.get_executor(), listening, [](std::uint16_t, tcp_socket) {});
    return opened ? result<void>(outcome::success()) : opened.error();
}

int run(arguments const& how) {
    auto loaded = load_config(how.config);
    if (!loaded) return complain(loaded.error(), exit_config);
    config& c = loaded.value();
    if (how.format) c.server.policy = directory_policy::format_if_empty;
    c.server.tuning.report_durable = !how.events.empty();

    if (auto const able = check_listening(c.server); !able)
        return complain(able.error(), open_exit_code(able.error()));
    raise_descriptor_limit();
    event_log const to(c.server.server, c.server.shards);
    std::unique_ptr<event_file> events;
    if (!how.events.empty()) {
        auto opened = event_file::open(how.events, c.server.server);
        if (!opened) return complain(opened.error(), exit_data);
        events = std::move(opened).value();
    }
    observer seen(to, std::move(events));
    asio::thread_pool disk(c.server.shards);
    shard_threads threads(c.server.shards);
    auto opened = open_server(c.server, threads.owners(), disk.get_executor(), seen);
    if (!opened) return complain(with_advice(opened.error(), c.server), open_exit_code(opened.error()));
    running_server& server = *opened.value();
    seen.set_life(server.life());
    announce(server, c.server);
    {
        daemon const company(threads, server, to, how);
        threads.run();
        to.write("counters", json_of(all_counters(server)));
    }
    opened.value().reset();
    disk.join();
    return 0;
}

int run_program(int argc, char** argv) {
    CLI::App app("A zooid server.");
    arguments how;
    app.add_option("--config", how.config, "the configuration file, JSON")->required();
    app.add_option("--events", how.events,
                   "append a JSON line for each durable promise, acceptance and choice");
    app.add_flag("--format", how.format, "format the data directory if it is absent or empty: a first start");
    app.add_option("--stop-seconds", how.stop_seconds, "a graceful stop takes at most this long")
        ->check(support::real_number(0, 3600));
    app.add_option("--report-seconds", how.report_seconds, "log counters this often; 0: at the end only")
        ->check(support::whole_number(0, 86400));
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? 0 : exit_usage;
    }
    try {
        return run(how);
    } catch (std::exception const& e) {
        fmt::print(stderr, "zooidd: {}\n", e.what());
        return exit_failed;
    }
}

} // namespace

int main(int argc, char** argv) {
    return support::finish_output("zooidd", [&] { return run_program(argc, argv); });
}
