#pragma once

#include <algorithm>
#include <cstdint>

#include "agent/core/pacing.h"
#include "agent/environment.h"
#include "agent/settings.h"
#include "shared/base/result.h"

namespace syncline::agent {

/// What was sent before a process died, or without an answer, may be so long on its way to the
/// platform.
inline constexpr Duration kOnItsWay{std::chrono::seconds{5}};

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

    /// A read failed: rests as long as the platform asked for, but no less than `backoff`, or as
    /// it takes until credentials that it refuses may be others.
    void read_failed(const Error& error, Duration now, Duration backoff, Duration asked,
                     const AgentSettings::Writing& settings) {
        if (error.kind == ErrorKind::kDenied) {
            deny(now, settings.denied_pause);
        } else if (error.kind == ErrorKind::kThrottled) {
            pause(now, std::clamp(asked, backoff, settings.throttle_max));
        }
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
