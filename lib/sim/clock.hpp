// A machine's clock: monotonic, of an arbitrary origin, and faster or slower than the world's.
#pragma once

#include <zooid/base/time.hpp>

#include <cstdint>

namespace zooid::sim {

/// The world's own time, in nanoseconds since its birth. Nobody inside the world can read it.
using world_time = std::int64_t;

/// A rate of 1,024 is that of the world.
inline constexpr std::int64_t rate_one = 1024;

class machine_clock {
  public:
    machine_clock(world_time origin, std::int64_t rate) : local_(origin), rate_(rate) {}

    time_point read(world_time now) const { return time_point(duration(local(now))); }

    /// The first moment of the world at which `read` is at or past `local`.
    world_time when(time_point wanted) const {
        std::int64_t const ahead = wanted.time_since_epoch().count() - local_;
        if (ahead <= 0) return since_;
        return since_ + (ahead / rate_ + 1) * rate_one;
    }

    void set_rate(world_time now, std::int64_t rate) {
        local_ = local(now);
        since_ = now;
        rate_ = rate;
    }
    std::int64_t rate() const { return rate_; }

  private:
    std::int64_t local(world_time now) const { return local_ + (now - since_) * rate_ / rate_one; }

    std::int64_t local_;
    std::int64_t rate_;
    world_time since_ = 0;
};

} // namespace zooid::sim
