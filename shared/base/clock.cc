#include "shared/base/clock.h"

#include <ctime>

#include "shared/base/boot_time.h"

namespace syncline {

Timestamp SystemClock::now() const {
    return {
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
            .count()};
}

Duration SystemClock::steady() const {
    return std::chrono::duration_cast<Duration>(
        std::chrono::steady_clock::now().time_since_epoch());
}

Duration boot_time() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace syncline
