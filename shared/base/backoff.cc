#include "shared/base/backoff.h"

#include <algorithm>
#include <cmath>

namespace syncline {

Duration Backoff::next(std::uint64_t random) {
    const double most = static_cast<double>(limits_.most.count());
    const double grown =
        std::ldexp(static_cast<double>(limits_.first.count()), static_cast<int>(failures_));
    const double bound = std::min(most, grown);
    failures_ = std::min(failures_ + 1, 62U);
    const double share = std::ldexp(static_cast<double>(random), -64);
    // Never nothing at all: a refusal that comes at once would make a busy loop.
    return Duration{static_cast<Duration::rep>(bound * (0.1 + 0.9 * share))};
}

}  // namespace syncline
