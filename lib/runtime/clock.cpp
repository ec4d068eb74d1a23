#include <zooid/runtime/clock.hpp>

#include <ctime>

namespace zooid {

time_point boot_time_now() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now); // cannot fail with a clock that the kernel has
    return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

} // namespace zooid
