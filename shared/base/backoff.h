#pragma once

#include <cstdint>

#include "shared/base/timestamp.h"

namespace syncline {

/// How long to wait before the next try: exponential growth with full jitter, so that many who
/// lost the same server do not come back in step.
/// Randomness is the caller's, which makes every wait a function of its input.
/// Threading: not synchronised.
class Backoff {
public:
    struct Limits {
        Duration first = std::chrono::milliseconds{100};  ///< Most that the first wait can be.
        Duration most = std::chrono::seconds{10};         ///< Most that any wait can be.
    };

    explicit Backoff(Limits limits) : limits_(limits) {}

    /// The wait after one more failure: spread evenly from a tenth of the bound to the bound,
    /// which doubles with every failure. `random` is 64 evenly distributed bits.
    [[nodiscard]] Duration next(std::uint64_t random);

    /// After a success: the next wait is short again.
    void reset() { failures_ = 0; }

    [[nodiscard]] unsigned failures() const { return failures_; }

private:
    Limits limits_;
    unsigned failures_ = 0;
};

}  // namespace syncline
