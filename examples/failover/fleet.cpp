#include "fleet.hpp"

#include <zooid/tcp/key_file.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <arpa/inet.h>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace failover {

namespace json = boost::json;
namespace fs = std::filesystem;
using zooid::errc;
using zooid::error;
using zooid::result;

namespace {

// A port that was free a moment ago: every server must know its peers' addresses before any of them runs.
std::vector<std::uint16_t> free_ports(std::size_t count) {
    std::vector<int> sockets;
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < count; ++i) {
        int const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (s < 0 || ::bind(s, reinterpret_cast<sockaddr*>(&address), size) != 0) continue;
        ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size);
        sockets.push_back(s);
        ports.push_back(ntohs(address.sin_port));
    }
    for (int s : sockets)
        ::close(s);
    return ports;
}

struct child {
    pid_t pid = -1;
    int output = -1; ///< its standard output
};

// The child dies with us; its standard error goes to a file.
child spawn(std::vector<std::string> const& arguments, std::string const& log) {
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return {};
    std::vector<char*> raw;
    for (std::string const& argument : arguments)
        raw.push_back(const_cast<char*>(argument.c_str()));
    raw.push_back(nullptr);
    pid_t const parent = ::getpid();
    pid_t const pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        int const errors = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        ::dup2(pipe_ends[1], 1);
        if (errors >= 0) ::dup2(errors, 2);
        ::execv(raw[0], raw.data());
        ::_exit(127);
    }
    ::close(pipe_ends[1]);
    if (pid < 0) ::close(pipe_ends[0]);
    return pid < 0 ? child{} : child{pid, pipe_ends[0]};
}

// Up to the first line, or to the end of the stream if `whole`.
std::string read_output(int descriptor, bool whole, int timeout_ms) {
    std::string text;
    for (;;) {
        pollfd wait{descriptor, POLLIN, 0};
        if (::poll(&wait, 1, timeout_ms) <= 0) return text;
        char buffer[4096];
        ssize_t const got = ::read(descriptor, buffer, sizeof buffer);
        if (got <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
        if (!whole && text.find('\n') != std::string::npos) return text;
    }
}

result<void> write(std::string const& path, std::string const& line) {
    std::ofstream out(path);
    out << line << "\n";
    if (!out) return error(errc::io_failed, "cannot write " + path);
    return zooid::outcome::success();
}

std::string tail_of(std::string const& path) {
    std::ifstream in(path);
    std::string line;
    std::string last;
    while (std::getline(in, line)) {
        if (!line.empty()) last = line;
    }
    return last;
}

} // namespace

result<fleet> fleet::prepare(fleet_options const& options) {
    fleet made(options);
    std::error_code failed;
    fs::create_directories(options.directory, failed);
    if (failed) return error(errc::io_failed, options.directory + ": " + failed.message());
    ZOOID_TRY(auto keys, zooid::make_colony_keys());
    made.keys_ = keys;
    auto const saved = zooid::save_key_file(made.path("colony.key"), keys);
    if (!saved) return saved.error();
    auto const ports = free_ports(options.servers);
    if (ports.size() != options.servers) return error(errc::io_failed, "no free ports on loopback");
    for (std::uint16_t port : ports)
        made.servers_.push_back({port, 0});
    for (std::size_t n = 1; n <= options.servers; ++n) {
        auto const written = made.write_configuration(n);
        if (!written) return written.error();
    }
    auto const written = made.write_control_configuration();
    if (!written) return written.error();
    return made;
}

fleet::~fleet() {
    for (std::size_t n = 1; n <= servers_.size(); ++n)
        kill(n);
}

result<void> fleet::write_configuration(std::size_t number) const {
    json::array peers;
    for (std::size_t n = 1; n <= servers_.size(); ++n) {
        if (n != number)
            peers.push_back(json::object{{"id", n}, {"address", fmt::format("127.0.0.1:{}", port(n))}});
    }
    json::object const all{{"id", number},
                           {"listen", fmt::format("127.0.0.1:{}", port(number))},
                           {"peers", peers},
                           {"data", path(fmt::format("data-{}", number))},
                           {"shards", options_.shards[(number - 1) % options_.shards.size()]},
                           {"keys", path("colony.key")}};
    return write(path(fmt::format("server-{}.json", number)), json::serialize(all));
}

result<void> fleet::write_control_configuration() const {
    json::array servers;
    for (std::size_t n = 1; n <= servers_.size(); ++n) {
        servers.push_back(json::object{{"id", n}, {"address", fmt::format("127.0.0.1:{}", port(n))}});
    }
    json::object const all{{"servers", servers}, {"keys", path("colony.key")}};
    return write(path("control.json"), json::serialize(all));
}

result<void> fleet::start(std::size_t number, bool format) {
    std::string const log = path(fmt::format("server-{}.log", number));
    std::vector<std::string> arguments{options_.programs + "/zooidd", "--config",
                                       path(fmt::format("server-{}.json", number))};
    if (format) arguments.push_back("--format");
    child const started = spawn(arguments, log);
    if (started.pid < 0) return error(errc::io_failed, "cannot start " + arguments[0]);
    std::string const line = read_output(started.output, false, 30'000);
    ::close(started.output);
    servers_[number - 1].pid = started.pid;
    if (line.find("\"listening\"") != std::string::npos) return zooid::outcome::success();
    kill(number);
    return error(errc::unreachable, fmt::format("server {} did not start: {}", number, tail_of(log)));
}

void fleet::kill(std::size_t number) {
    pid_t& pid = servers_[number - 1].pid;
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    pid = 0;
}

void fleet::wipe(std::size_t number) {
    std::error_code ignored;
    fs::remove_all(path(fmt::format("data-{}", number)), ignored);
}

std::size_t fleet::stop_all() {
    for (process const& p : servers_) {
        if (p.pid > 0) ::kill(p.pid, SIGTERM);
    }
    std::size_t failed = 0;
    for (process& p : servers_) {
        if (p.pid <= 0) continue;
        int status = 0;
        ::waitpid(p.pid, &status, 0);
        failed += WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
        p.pid = 0;
    }
    return failed;
}

std::string fleet::drawing() const {
    std::string all;
    for (std::size_t n = 1; n <= size(); ++n) {
        all += (n > 1 ? " " : "") + (is_up(n) ? std::to_string(n) : std::string("."));
    }
    return all;
}

result<std::string> fleet::control(std::vector<std::string> arguments) const {
    std::string const log = path("zooidctl.log");
    std::vector<std::string> all{options_.programs + "/zooidctl", "--config", path("control.json")};
    all.insert(all.end(), arguments.begin(), arguments.end());
    child const started = spawn(all, log);
    if (started.pid < 0) return error(errc::io_failed, "cannot start zooidctl");
    std::string output = read_output(started.output, true, 60'000);
    ::close(started.output);
    int status = 0;
    ::waitpid(started.pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
    return error(errc::io_failed,
                 fmt::format("zooidctl {}: {} {}", fmt::join(arguments, " "), output, tail_of(log)));
}

} // namespace failover
