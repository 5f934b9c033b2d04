#include "shared/base/clock.h"

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

}  // namespace syncline
