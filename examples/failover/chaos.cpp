#include "chaos.hpp"

#include "workload.hpp"

#include <fmt/format.h>

namespace failover {

using zooid::result;

chaos::chaos(fleet& servers, std::size_t seconds, std::uint64_t seed)
    : servers_(servers), seconds_(seconds), random_(seed) {}

std::vector<std::size_t> chaos::up() const {
    std::vector<std::size_t> all;
    for (std::size_t n = 1; n <= servers_.size(); ++n) {
        if (servers_.is_up(n) && n != wiped_) all.push_back(n);
    }
    return all;
}

std::string chaos::kill(std::size_t count) {
    kill_mark mark{now_ns(), {}};
    std::vector<std::size_t> candidates = up();
    for (std::size_t i = 0; i < count && !candidates.empty(); ++i) {
        std::size_t const drawn = random_.below(candidates.size());
        mark.servers.push_back(candidates[drawn]);
        servers_.kill(candidates[drawn]);
        candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(drawn));
    }
    kills_.push_back(mark);
    return fmt::format("SIGKILL to {}", fmt::join(mark.servers, ", "));
}

result<std::string> chaos::bring_back() {
    std::vector<std::size_t> back;
    for (std::size_t n = 1; n <= servers_.size(); ++n) {
        if (servers_.is_up(n) || n == absent_) continue;
        auto const started = servers_.start(n, false);
        if (!started) return started.error();
        back.push_back(n);
    }
    return back.empty() ? std::string() : fmt::format("started {} again", fmt::join(back, ", "));
}

// In every ten seconds: a kill at 3, back at 5, another at 7, back at 9. One server stays away from a fifth
// to three fifths of the run; a disk is wiped at seven tenths.
result<std::string> chaos::step(std::size_t second) {
    std::size_t const leave = seconds_ / 5;
    std::size_t const return_at = seconds_ * 3 / 5;
    std::size_t const wipe_at = seconds_ * 7 / 10;
    if (second == leave) {
        std::string done = kill(1);
        absent_ = kills_.back().servers.front();
        return done + ", for long";
    }
    if (second == return_at) {
        absent_ = 0;
        return bring_back();
    }
    if (second == wipe_at) {
        ZOOID_TRY(auto back, bring_back());
        (void)back;
        std::string const done = kill(1);
        wiped_ = kills_.back().servers.front();
        servers_.wipe(wiped_);
        auto const started = servers_.start(wiped_, true);
        if (!started) return started.error();
        return done + ", wiped its disk, started it empty";
    }
    bool const last_stretch = second + 3 >= seconds_;
    if (last_stretch || second < 3)
        return second + 3 == seconds_ ? bring_back() : result<std::string>(std::string());
    switch (second % 10) {
    case 3: return kill(1);
    case 7: return kill(absent_ || wiped_ ? 2 : 3);
    case 5:
    case 9: return bring_back();
    default: return std::string();
    }
}

result<void> chaos::heal() {
    absent_ = 0;
    auto const back = bring_back();
    if (!back) return back.error();
    return zooid::outcome::success();
}

} // namespace failover
