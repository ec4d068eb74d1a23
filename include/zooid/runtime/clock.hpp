// Where the edges read the time that pure rooms are given.
#pragma once

#include <zooid/base/time.hpp>

namespace zooid {

/// The monotonic clock of this machine; it goes on while the machine is suspended (CLOCK_BOOTTIME), so that a
/// timeout or lease that ran out in a suspended host is seen to have run out. Thread safe, no system call.
time_point boot_time_now();

} // namespace zooid
