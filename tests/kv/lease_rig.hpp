// Several users of one lease in a small world: a real store, clocks of their own that run at rates within the
// bound and change them, calls that take long, get lost on either way or take effect late, users that are
// paused. Only this rig knows the true time.
#pragma once

#include <zooid/kv/lease.hpp>

#include <cstdint>
#include <string>

namespace zooid::kv {

struct lease_world {
    std::string overlap;     ///< who held at once with whom, and when; empty: nobody did
    std::uint64_t taken = 0; ///< from another user
    std::uint64_t renewals = 0;
    std::uint64_t unknown = 0; ///< calls whose end nobody heard
    std::uint64_t pauses = 0;
};

/// Lives through some hundred durations. The same seed gives the same world.
lease_world contend(std::uint64_t seed);

} // namespace zooid::kv
