#pragma once

#include <algorithm>
#include <cstdint>

#include "agent/core/pacing.h"
#include "agent/core/quota.h"
#include "agent/environment.h"
#include "agent/settings.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"

namespace syncline::agent {

/// What was sent before a process died, or without an answer, may be so long on its way to the
/// platform.
inline constexpr Duration kOnItsWay{std::chrono::seconds{5}};

/// What all calls of one platform have in common: its rate, its quota, the pauses it asks for, and
/// whether it takes our credentials. The breaker is about writes and what clears them up; reads
/// have a back-off of their own, so that a write that always fails does not stop reading.
class PlatformGate {
public:
    PlatformGate(const AgentSettings& settings, const Clock& clock)
        : bucket_(settings.rate),
          breaker_(settings.writing.breaker),
          quota_(settings.quota),
          concurrency_(settings.writing.concurrency),
          clock_(clock) {}

    /// When the lane may make its next call; `now` if at once.
    [[nodiscard]] Duration next_call(QuotaLane lane, Duration now) {
        const Duration wait = quota_.wait(lane, clock_.now());
        if (wait == Duration::max()) return kNever;
        return std::max({pause_until_, now + bucket_.wait(now), now + wait});
    }
    /// How long the quota alone makes the lane wait.
    [[nodiscard]] Duration next_quota(QuotaLane lane) { return quota_.wait(lane, clock_.now()); }
    /// A call is made, and answered() will say what it took.
    void take(QuotaLane lane, Duration now) {
        bucket_.take(now);
        quota_.take(lane, clock_.now());
    }
    void answered(QuotaLane lane, const CallCost& cost) { quota_.settle(lane, cost, clock_.now()); }
    /// No call was made after all.
    void not_made(QuotaLane lane) { answered(lane, {.calls = 0, .told = {}}); }

    void succeeded() {
        ++successes_;
        denied_ = false;
        concurrency_.succeeded();
    }
    void pause(Duration now, Duration length) {
        pause_until_ = std::max(pause_until_, now + length);
    }
    /// The platform says that it is too much. What was under way by then will hear the same, which
    /// says nothing new.
    void throttled(Duration now, Duration length) {
        if (now >= pause_until_) concurrency_.throttled();
        pause(now, length);
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
            throttled(now, std::clamp(asked, backoff, settings.throttle_max));
        }
    }

    [[nodiscard]] Breaker& breaker() { return breaker_; }
    [[nodiscard]] const Breaker& breaker() const { return breaker_; }
    /// Calls of one kind that may be under way at once.
    [[nodiscard]] std::uint32_t concurrency() const { return concurrency_.allowed(); }
    [[nodiscard]] Quota& quota() { return quota_; }
    [[nodiscard]] const Quota& quota() const { return quota_; }
    [[nodiscard]] bool denied() const { return denied_; }
    [[nodiscard]] Duration pause_until() const { return pause_until_; }
    /// Calls answered so far. A failure is only held against a command if there was one since its
    /// last: else it is the platform that is down.
    [[nodiscard]] std::uint64_t successes() const { return successes_; }

private:
    TokenBucket bucket_;
    Breaker breaker_;
    Quota quota_;
    Concurrency concurrency_;
    const Clock& clock_;
    Duration pause_until_{0};
    bool denied_ = false;
    std::uint64_t successes_ = 0;
};

}  // namespace syncline::agent
