#pragma once

#include <algorithm>
#include <cstdint>

#include "agent/core/pacing.h"
#include "agent/environment.h"

namespace syncline::agent {

/// What all calls of one platform have in common: its rate, the pauses it asks for, and whether
/// it takes our credentials. The breaker is about writes and what clears them up; reads have a
/// back-off of their own, so that a write that always fails does not stop reading.
class PlatformGate {
public:
    PlatformGate(Rate rate, Breaker::Settings breaker) : bucket_(rate), breaker_(breaker) {}

    /// When the next call may be made; `now` if at once.
    [[nodiscard]] Duration next_call(Duration now) const {
        return std::max(pause_until_, now + bucket_.wait(now));
    }
    void take(Duration now) { bucket_.take(now); }

    void succeeded() {
        ++successes_;
        denied_ = false;
    }
    void pause(Duration now, Duration length) {
        pause_until_ = std::max(pause_until_, now + length);
    }
    /// The platform refuses our credentials: everything rests, then one call tries again.
    void deny(Duration now, Duration length) {
        denied_ = true;
        pause(now, length);
        breaker_.trip(now, length);
    }

    [[nodiscard]] Breaker& breaker() { return breaker_; }
    [[nodiscard]] const Breaker& breaker() const { return breaker_; }
    [[nodiscard]] bool denied() const { return denied_; }
    [[nodiscard]] Duration pause_until() const { return pause_until_; }
    /// Calls answered so far. A failure is only held against a command if there was one since its
    /// last: else it is the platform that is down.
    [[nodiscard]] std::uint64_t successes() const { return successes_; }

private:
    TokenBucket bucket_;
    Breaker breaker_;
    Duration pause_until_{0};
    bool denied_ = false;
    std::uint64_t successes_ = 0;
};

}  // namespace syncline::agent
