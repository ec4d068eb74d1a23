// Child processes, their output, and a colony of real zooidd processes on loopback.
#pragma once

#include "support/catch.hpp"
#include "support/scratch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace programs {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

using test_support::scratch;

inline std::string read_all(fs::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_all(fs::path const& path, std::string const& text) {
    std::ofstream(path, std::ios::binary) << text;
}

/// A child; its output goes to files. Killed when it is destroyed before it has ended.
class process {
  public:
    process(std::vector<std::string> const& arguments, fs::path out, fs::path err)
        : out_(std::move(out)), err_(std::move(err)) {
        write_all(out_, "");
        write_all(err_, "");
        std::vector<char*> raw;
        for (auto const& a : arguments)
            raw.push_back(const_cast<char*>(a.c_str()));
        raw.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ != 0) return;
        redirect(out_, STDOUT_FILENO);
        redirect(err_, STDERR_FILENO);
        ::execv(raw[0], raw.data());
        ::_exit(127);
    }
    ~process() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        (void)::waitpid(pid_, nullptr, 0);
    }
    process(process const&) = delete;

    pid_t id() const { return pid_; }
    void signal(int number) const { ::kill(pid_, number); }
    /// The exit code, or minus the signal. A child that doesn't end in time fails the test.
    int wait(std::chrono::seconds limit = 60s) {
        auto const give_up = steady::now() + limit;
        for (;;) {
            int status = 0;
            if (::waitpid(pid_, &status, WNOHANG) == pid_) {
                pid_ = -1;
                return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
            }
            if (steady::now() > give_up) throw std::runtime_error("a process does not end: " + err());
            pause();
        }
    }
    bool running() {
        int status = 0;
        return pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == 0;
    }
    std::string out() const { return read_all(out_); }
    std::string err() const { return read_all(err_); }

    /// Between two looks at a condition that has a limit of its own.
    static void pause() { std::this_thread::sleep_for(2ms); }

  private:
    static void redirect(fs::path const& path, int to) {
        int const fd = ::open(path.c_str(), O_WRONLY | O_APPEND);
        ::dup2(fd, to);
        ::close(fd);
    }

    fs::path out_, err_;
    pid_t pid_ = -1;
};

inline void wait_until(std::function<bool()> const& claim, std::string const& what) {
    auto const give_up = steady::now() + 60s;
    while (!claim()) {
        if (steady::now() > give_up) throw std::runtime_error("never: " + what);
        process::pause();
    }
}

struct ended {
    int code = 0;
    std::string out, err;
};

inline bool says(ended const& program, std::string const& text) {
    return (program.out + program.err).find(text) != std::string::npos;
}

/// A transaction.
inline std::string const count_up = R"({"then":[{"add":"n","value":1}]})";

/// Runs a program to its end.
inline ended run(std::vector<std::string> const& arguments) {
    scratch folder;
    process p(arguments, folder.path / "out", folder.path / "err");
    int const code = p.wait();
    return {code, p.out(), p.err()};
}

inline ended zooidctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ZOOIDCTL_PATH);
    return run(arguments);
}

/// A run of the main job whose volumes fail over, or move, linearizably.
inline ended fail_over(std::vector<std::string> arguments) {
    scratch folder;
    arguments.insert(arguments.begin(), ZOOID_FAILOVER_PATH);
    arguments.insert(arguments.end(), {"--seed", "7", "--directory", (folder.path / "run").string()});
    ended done = run(arguments);
    INFO(done.out << done.err);
    CHECK(done.code == 0);
    CHECK(done.out.find(": linearizable") != std::string::npos);
    return done;
}

/// Real servers, started in order: each is told the ports of those before it, which accept it when it comes.
class colony {
  public:
    explicit colony(std::size_t servers, bool events = false, std::vector<unsigned> shards = {})
        : events_(events), shards_(std::move(shards)), children_(servers), ports_(servers) {
        shards_.resize(servers, 1);
        auto const made = zooidctl({"keygen", keys().string()});
        if (made.code != 0) throw std::runtime_error(made.err);
        for (std::size_t i = 0; i < servers; ++i)
            start(i);
        write_operator_config();
    }

    fs::path keys() const { return folder.path / "colony.keys"; }
    fs::path data(std::size_t i) const { return folder.path / ("data-" + std::to_string(i + 1)); }
    fs::path events(std::size_t i) const { return folder.path / ("events-" + std::to_string(i + 1)); }
    fs::path config(std::size_t i) const { return folder.path / (std::to_string(i + 1) + ".json"); }

    /// As it is started the next time: on the port that it had.
    void write_config(std::size_t i) const {
        json::array peers;
        for (std::size_t p = 0; p < ports_.size(); ++p) {
            if (p == i || ports_[p] == 0) continue;
            peers.push_back(
                json::object{{"id", p + 1}, {"address", "127.0.0.1:" + std::to_string(ports_[p])}});
        }
        json::object c{{"id", i + 1},
                       {"listen", "127.0.0.1:" + std::to_string(ports_[i])},
                       {"peers", peers},
                       {"data", data(i).string()},
                       {"keys", keys().string()},
                       {"segment_bytes", 1 << 20}};
        if (shards_[i] > 1) c["shards"] = shards_[i];
        write_all(config(i), json::serialize(c));
    }
    void start(std::size_t i) {
        write_config(i);
        std::vector<std::string> arguments{ZOOIDD_PATH, "--config", config(i).string()};
        if (!fs::exists(data(i))) arguments.push_back("--format");
        if (events_) arguments.insert(arguments.end(), {"--events", events(i).string()});
        auto const name = folder.path / ("server-" + std::to_string(i + 1));
        children_[i] = std::make_unique<process>(arguments, name.string() + ".out", name.string() + ".err");
        wait_until(
            [&] {
                if (!children_[i]->running()) throw std::runtime_error("zooidd: " + children_[i]->err());
                return children_[i]->out().find('\n') != std::string::npos;
            },
            "a server listens");
        json::value const line = json::parse(children_[i]->out());
        ports_[i] = line.at("port").to_number<std::uint16_t>();
    }
    void kill(std::size_t i) {
        children_[i]->signal(SIGKILL);
        (void)children_[i]->wait();
    }
    process& at(std::size_t i) { return *children_[i]; }

    /// zooidctl against this colony, with --json.
    ended ctl(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(),
                         {"--json", "--deadline", "30", "--config", (folder.path / "ctl.json").string()});
        return zooidctl(arguments);
    }
    /// The same for people, as text.
    ended tell(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(),
                         {"--deadline", "30", "--config", (folder.path / "ctl.json").string()});
        return zooidctl(arguments);
    }
    json::value ask(std::vector<std::string> const& arguments) const {
        auto const done = ctl(arguments);
        INFO(done.out << done.err);
        REQUIRE(done.code == 0);
        return json::parse(done.out);
    }

    scratch folder;

  private:
    void write_operator_config() const {
        json::array servers;
        for (std::size_t i = 0; i < ports_.size(); ++i)
            servers.push_back(
                json::object{{"id", i + 1}, {"address", "127.0.0.1:" + std::to_string(ports_[i])}});
        write_all(folder.path / "ctl.json",
                  json::serialize(json::object{{"servers", servers}, {"keys", keys().string()}}));
    }

    bool events_;
    std::vector<unsigned> shards_; ///< of each server
    std::vector<std::unique_ptr<process>> children_;
    std::vector<std::uint16_t> ports_;
};

} // namespace programs
