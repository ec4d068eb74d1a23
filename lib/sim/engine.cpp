// What happens next. One event at a time; several that reach one server at one moment share a turn.
#include "sim/engine.hpp"

#include <zooid/base/check.hpp>

#include <utility>

namespace zooid::sim {

world::engine::engine(world_options options) : options_(std::move(options)), random_(options_.seed) {
    std::size_t const n = options_.servers;
    options_.server.report_durable = true;
    machines_.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
        world_time const origin = static_cast<world_time>(random_.below(1'000'000'000'000));
        std::uint64_t const rate = random_.between(options_.clock_rate_min, options_.clock_rate_max);
        std::uint64_t const disk_seed = random_.next();
        machines_.emplace_back(server_id{i + 1}, static_cast<std::uint16_t>(i),
                               machine_clock(origin + 1, static_cast<std::int64_t>(rate)),
                               disk(options_.disk, disk_seed));
    }
    ends_.resize(n * n);
    links_.resize(n * n);
    cuts_.resize(n * n);
    last_arrival_[0].resize(n * n);
    last_arrival_[1].resize(n * n);
    for (machine& m : machines_) {
        format(m);
        start(m);
    }
}

void world::engine::fail(std::string what) {
    note("FAILURE: " + what);
    if (failures_.size() < 20) failures_.push_back(std::move(what));
}

void world::engine::note(std::string const& line) {
    if (!traces()) return;
    std::string stamp = std::to_string(now_ / 1000);
    options_.trace(std::string(stamp.size() < 10 ? 10 - stamp.size() : 0, ' ') + stamp + " us  " + line);
}

void world::engine::run_for(duration span) {
    (void)run_until([] { return false; }, span);
}

bool world::engine::run_until(std::function<bool()> const& done, duration limit) {
    world_time const end = now_ + limit.count();
    while (!done()) {
        if (queue_.empty() || queue_.next().at > end || !failures_.empty()) {
            now_ = end;
            return false;
        }
        step();
    }
    return true;
}

namespace {

bool is_for_server(occurrence what) {
    return what == occurrence::frame || what == occurrence::wake || what == occurrence::disk ||
           what == occurrence::request;
}

} // namespace

void world::engine::step() {
    scheduled const e = queue_.pop();
    now_ = e.at;
    ++statistics_.events;
    if (!deferred(e)) dispatch(e);
    if (!open_) return;
    bool const goes_on = !queue_.empty() && queue_.next().at == now_ && is_for_server(queue_.next().what) &&
                         queue_.next().target == open_->index;
    if (!goes_on) end_turn(*std::exchange(open_, nullptr));
}

// A paused process sees nothing until it goes on; then all of it, in order.
bool world::engine::deferred(scheduled const& e) {
    bool const local = is_for_server(e.what) || e.what == occurrence::link_up ||
                       e.what == occurrence::link_down || e.what == occurrence::link_try;
    if (!local || machines_[e.target].paused_until <= now_) return false;
    scheduled later = e;
    later.at = machines_[e.target].paused_until;
    queue_.push_again(later);
    return true;
}

void world::engine::dispatch(scheduled const& e) {
    switch (e.what) {
    case occurrence::frame: return on_frame(e);
    case occurrence::link_try: return on_link_try(e);
    case occurrence::link_up: return on_link_up(e);
    case occurrence::link_down: return on_link_down(e);
    case occurrence::request: return on_request(e);
    case occurrence::reply: return on_reply(e);
    case occurrence::client: return callers_[e.target]->on_timer(e.epoch);
    case occurrence::start:
        if (e.epoch == machines_[e.target].epoch) start(machines_[e.target]);
        return;
    case occurrence::disk:
        if (e.epoch == machines_[e.target].epoch) on_disk(machines_[e.target], e.item, e.flavour == 1);
        return;
    case occurrence::wake: {
        machine& m = machines_[e.target];
        if (e.epoch != m.epoch || !m.running || e.at < m.wake_at) return;
        m.wake_at = no_time;
        m.running->host.wake(m.clock.read(now_));
        open_ = &m;
    }
    }
}

} // namespace zooid::sim
