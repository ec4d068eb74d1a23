#include "mover.hpp"

#include "workload.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace failover {

mover::mover(fleet const& servers, std::vector<volume> volumes, std::uint64_t seed)
    : servers_(servers), volumes_(std::move(volumes)), random_(seed) {}

mover::~mover() {
    finish();
}

void mover::start() {
    thread_ = std::thread([this] { run(); });
}

void mover::finish() {
    finishing_ = true;
    if (thread_.joinable()) thread_.join();
}

void mover::run() {
    while (!finishing_) {
        std::size_t const cell = random_.below(volumes_.size());
        moves_.push_back(move(cell));
        ++ended_;
    }
}

// To the servers that do not hold it, as far as there are enough of them.
move_mark mover::move(std::size_t cell) {
    volume& v = volumes_[cell];
    std::vector<std::size_t> wanted;
    for (std::size_t n = 1; n <= servers_.size(); ++n) {
        bool const held = std::find(v.servers.begin(), v.servers.end(), n) != v.servers.end();
        if (!held && wanted.size() < v.servers.size()) wanted.push_back(n);
    }
    move_mark mark{cell, now_ns(), 0, wanted.size(), {}, {}};
    for (std::size_t n : v.servers) {
        if (wanted.size() < v.servers.size()) wanted.push_back(n);
    }
    auto const said = servers_.control(
        {"--deadline", "30", "cell", "move", v.name, "--on", fmt::format("{}", fmt::join(wanted, ","))});
    mark.ended_ns = now_ns();
    if (said) {
        mark.steps = said.value();
    } else {
        mark.failed = said.error().message();
    }
    v.servers = wanted;
    return mark;
}

} // namespace failover
