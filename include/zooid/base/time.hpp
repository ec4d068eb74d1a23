// Time as an input. There is no now() here: whoever drives a pure room injects the time.
#pragma once

#include <chrono>

namespace zooid {

using duration = std::chrono::nanoseconds;

/// A clock without a now(): monotonic, counts while the machine is suspended, its origin is arbitrary and
/// differs between servers. Points of two servers are never compared.
struct monotonic {
    using rep = zooid::duration::rep;
    using period = zooid::duration::period;
    using duration = zooid::duration;
    using time_point = std::chrono::time_point<monotonic, zooid::duration>;
    static constexpr bool is_steady = true;
};
using time_point = monotonic::time_point;

inline constexpr time_point never = time_point::max();

} // namespace zooid
