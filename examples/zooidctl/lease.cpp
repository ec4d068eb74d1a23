#include "lease.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/kv/lease.hpp>
#include <zooid/tcp/hmac.hpp>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace zooidctl {

namespace json = boost::json;
using namespace zooid;

namespace {

constexpr duration look_interval = std::chrono::milliseconds(20);

// Names this run and nobody else: two holders of one name would be taken for one.
result<bytes> draw_holder() {
    ZOOID_TRY(nonce const drawn, random_bytes());
    reader in(bytes_view(drawn.data(), drawn.size()));
    return fmt::format("zooidctl-{}-{}", ::getpid(), to_hex(in.get<std::uint64_t>()));
}

// Attempts until the lease is held, or the command's time is over.
result<void> acquire(colony& on, std::string const& key, kv::lease_agent& agent) {
    while (!on.is_over()) {
        time_point const now = boot_time_now();
        if (agent.attempt_at() > now) {
            on.pause(std::min<duration>(agent.attempt_at() - now, std::chrono::milliseconds(200)));
            ZOOID_TRY(auto const seen, on.read(key, agent.observe(boot_time_now())));
            ZOOID_TRY(agent.observed(seen.outcome, boot_time_now()));
            continue;
        }
        ZOOID_TRY(auto const ended, on.commit(key, agent.attempt(now)));
        ZOOID_TRY(agent.ended(ended.outcome, boot_time_now()));
        if (agent.holds(boot_time_now())) return outcome::success();
    }
    return error(errc::timed_out, agent.other() ? "held by " + agent.other()->terms.holder : std::string());
}

// Whatever asks zooidctl alone to end is passed on: the command ends first, and then the lease is given back. What
// the terminal says goes to both anyway; what is ignored here, as under nohup, stays ignored.
std::atomic<int> asked_to_end{0};

void pass_on_signals() {
    for (int const number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        if (::sigaction(number, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
        struct sigaction passed_on {};
        passed_on.sa_flags = SA_SIGINFO | SA_RESTART;
        passed_on.sa_sigaction = [](int which, siginfo_t* why, void*) {
            if (why->si_code <= 0) asked_to_end = which; // a process sent it, and not the kernel
        };
        ::sigaction(number, &passed_on, nullptr);
    }
}

// The command is killed if zooidctl is; what the command started, only by zooidctl itself (`end_all`).
pid_t start(std::vector<std::string> const& command, kv::lease_agent const& agent) {
    std::vector<char*> words;
    for (std::string const& word : command)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    std::string const number = std::to_string(agent.number().value);
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1); // what outlives its parent becomes our child
    pid_t const parent = ::getpid();
    pid_t const child = ::fork();
    if (child != 0) return child;
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::setenv("ZOOID_LEASE_NUMBER", number.c_str(), 1);
    ::execvp(words[0], words.data());
    fmt::print(stderr, "zooidctl: {}: {}\n", words[0], std::strerror(errno));
    ::_exit(127); // as a shell
}

void kill_below(pid_t parent) {
    auto const name = std::to_string(parent);
    std::ifstream children("/proc/" + name + "/task/" + name + "/children");
    for (pid_t child = 0; children >> child;) {
        kill_below(child);
        ::kill(child, SIGKILL);
    }
}

// Everything that the command started, in whatever group or session it is now: nothing of it may go on without
// the lease. What is forked meanwhile loses its parent, becomes our child, and is found in the next round.
void end_all(colony& on) {
    for (;;) {
        pid_t const ended = ::waitpid(-1, nullptr, WNOHANG);
        if (ended < 0) return;
        if (ended > 0) continue;
        kill_below(::getpid());
        on.pause(std::chrono::milliseconds(1));
    }
}

int code_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// A renewal that fails changes nothing: there is time for another one before the lease is over.
void renew(colony& on, std::string const& key, kv::lease_agent& agent) {
    auto const ended = on.commit(key, agent.attempt(boot_time_now()));
    if (ended) (void)agent.ended(ended.value().outcome, boot_time_now());
}

} // namespace

int lease_show(colony& on, output const& out, std::string const& key, std::string const& name) {
    auto const reply = on.read(key, kv::transaction().read(name));
    if (!reply) return out.fail(reply.error());
    auto const* found = reply.value().committed()->find(name);
    auto const lease = kv::lease_of(*found);
    if (!lease) return out.fail(lease.error());
    if (!lease.value()) {
        out.as_json ? fmt::print("{{\"held\":false}}\n") : fmt::print("{}: free\n", name);
        return exit_rejected;
    }
    kv::observed_lease const& held = *lease.value();
    auto const ms = held.terms.lasts / std::chrono::milliseconds(1);
    if (out.as_json) {
        json::object const line{{"held", true},
                                {"holder", held.terms.holder},
                                {"duration_ms", ms},
                                {"number", held.number.value}};
        fmt::print("{}\n", json::serialize(line));
    } else {
        fmt::print("{}: held by {}, {} ms at a time, number {}\n", name, held.terms.holder, ms,
                   held.number.value);
    }
    return exit_done;
}

int lease_hold(colony& on, output const& out, std::string const& key, lease_wish const& wish) {
    auto const lasts = std::chrono::duration_cast<duration>(std::chrono::duration<double>(wish.seconds));
    auto holder = draw_holder();
    if (!holder) return out.fail(holder.error());
    auto made = kv::lease_agent::make(wish.name, {std::move(holder).value(), lasts});
    if (!made) return out.fail(made.error());
    kv::lease_agent& agent = made.value();
    if (auto const held = acquire(on, key, agent); !held) return out.fail(held.error());
    pass_on_signals();
    pid_t const child = start(wish.command, agent);
    if (child < 0) return out.fail(error(errc::io_failed, "fork"));
    int status = 0;
    bool killed = false;
    while (::waitpid(child, &status, WNOHANG) == 0) {
        if (!agent.holds(boot_time_now()) && !std::exchange(killed, true)) kill_below(::getpid());
        if (int const number = asked_to_end.exchange(0)) ::kill(child, number);
        duration const left = agent.until() - boot_time_now();
        if (!killed && left < lasts * 2 / 3) {
            on.set_deadline(std::min(lasts / 3, left)); // the command must not outlive the lease meanwhile
            renew(on, key, agent);
        }
        on.pause(look_interval);
    }
    end_all(on);
    if (killed) return out.fail(error(errc::timed_out, "the lease ran out, and the command was killed"));
    on.set_deadline(lasts / 3);
    (void)on.commit(key, agent.release()); // else others wait until it has run out
    return code_of(status);
}

} // namespace zooidctl
