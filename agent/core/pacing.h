#pragma once

#include <cstdint>

#include "shared/base/timestamp.h"

/// How fast, how often, and when not at all. Values in, values out: time is Clock::steady() of the
/// caller, random numbers are the caller's.
namespace syncline::agent {

struct Rate {
    std::uint32_t per_second = 0;  ///< 0: no limit.
    std::uint32_t burst = 1;       ///< How many may be made up for after a pause; at least 1.
};

/// A token bucket. Starts full.
class TokenBucket {
public:
    explicit TokenBucket(Rate rate) : rate_(rate) {}

    /// How long until the next token; zero if there is one.
    [[nodiscard]] Duration wait(Duration now) const;
    /// Takes a token; if there is none, the one that comes next.
    void take(Duration now);

private:
    [[nodiscard]] Duration interval() const;

    Rate rate_;
    Duration empty_until_{0};  ///< When the bucket would hold its first token.
    bool started_ = false;
};

/// How many calls may be under way at once: at first as many as is set; half as many after the
/// platform said that it was too much, and one more for each so many that went well.
class Concurrency {
public:
    /// Calls that go well, for each that may be under way, before there may be one more.
    static constexpr std::uint32_t kCalm = 8;

    explicit Concurrency(std::uint32_t most) : most_(most), allowed_(most) {}

    [[nodiscard]] std::uint32_t allowed() const { return allowed_; }
    void throttled();
    void succeeded();

private:
    std::uint32_t most_;
    std::uint32_t allowed_;
    std::uint32_t calm_ = 0;
};

/// How many calls may wait for a thread beside those that are under way, so that no thread is idle
/// while what was answered is stored: as many as are answered meanwhile. None where calls take much
/// longer than storing: what waits would only be sent later than it could, and after the platform
/// has asked for a pause.
class Lookahead {
public:
    /// `took`: without waiting for a thread; 0 if that says nothing.
    void answered(Duration took) {
        if (took > Duration{0}) call_ = mean(call_, took);
    }
    /// `took`: since the first of it waited for that.
    void stored(Duration took) { storing_ = mean(storing_, took); }
    /// Calls that may be under way or wait. `at_once`: those under way.
    [[nodiscard]] std::size_t in_flight_max(std::size_t at_once) const;

private:
    /// Of the last few.
    static Duration mean(Duration before, Duration took) {
        return before == Duration{0} ? took : (7 * before + took) / 8;
    }

    Duration call_{0};
    Duration storing_{0};
};

/// Exponential back-off with full jitter.
struct RetrySchedule {
    Duration first{std::chrono::seconds{1}};  ///< Longest pause after the first failure.
    Duration most{std::chrono::minutes{5}};   ///< Longest pause at all.
};

/// The longest pause after failure number `failure`, counted from 1: doubles up to `most`.
[[nodiscard]] Duration backoff_limit(const RetrySchedule& schedule, std::uint32_t failure);
/// Between zero and backoff_limit(), evenly by `random`: many agents do not return at once.
[[nodiscard]] Duration full_jitter(const RetrySchedule& schedule, std::uint32_t failure,
                                   std::uint64_t random);
/// Between half of backoff_limit() and all of it: for pauses that must not be none.
[[nodiscard]] Duration half_jitter(const RetrySchedule& schedule, std::uint32_t failure,
                                   std::uint64_t random);

/// Keeps work away from a platform that is down. Closed: all may pass. Open: nothing may. Half
/// open, when its pause is over: one may pass, and what becomes of it decides.
class Breaker {
public:
    enum class State : std::uint8_t { kClosed, kOpen, kHalfOpen };
    struct Settings {
        std::uint32_t failures_max = 5;  ///< In a row, until it opens.
        RetrySchedule pause{std::chrono::seconds{10}, std::chrono::minutes{5}};
    };

    explicit Breaker(Settings settings) : settings_(settings) {}

    [[nodiscard]] State state(Duration now) const;
    /// When kOpen ends.
    [[nodiscard]] Duration open_until() const { return open_until_; }

    void succeeded();
    void failed(Duration now, std::uint64_t random);
    /// Opens at once, for `pause`, whatever the count: the platform refuses our credentials.
    void trip(Duration now, Duration pause);

private:
    Settings settings_;
    bool open_ = false;
    std::uint32_t failures_ = 0;  ///< In a row while closed.
    std::uint32_t openings_ = 0;  ///< In a row without a success.
    Duration open_until_{0};
};

[[nodiscard]] const char* name_of(Breaker::State state);

/// What one command may cost.
struct Budget {
    std::uint32_t attempts_max = 8;
    Duration time{std::chrono::hours{1}};
};
[[nodiscard]] bool is_spent(const Budget& budget, std::uint32_t attempts, Duration age);

/// A pseudo-random sequence from a seed (SplitMix64): enough for jitter, and repeatable.
class Jitter {
public:
    explicit Jitter(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();

private:
    std::uint64_t state_;
};

}  // namespace syncline::agent
