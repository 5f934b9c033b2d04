#include "agent/core/pacing.h"

#include <algorithm>
#include <utility>

namespace syncline::agent {

Duration TokenBucket::interval() const {
    return Duration{std::chrono::seconds{1}} / rate_.per_second;
}

Duration TokenBucket::wait(Duration now) const {
    if (rate_.per_second == 0 || !started_) return Duration{0};
    return std::max(Duration{0}, empty_until_ - now);
}

void TokenBucket::take(Duration now) {
    if (rate_.per_second == 0) return;
    // The bucket is a moment: the later it lies in the past, the more tokens there are, up to the
    // burst. One addition a token, and no remainders to carry.
    const Duration full = now - interval() * (std::max(rate_.burst, 1u) - 1);
    empty_until_ = (started_ ? std::max(empty_until_, full) : full) + interval();
    started_ = true;
}

void Concurrency::throttled() {
    allowed_ = std::max(allowed_ / 2, 1u);
    calm_ = 0;
}

void Concurrency::succeeded() {
    if (allowed_ >= most_ || ++calm_ < kCalm * allowed_) return;
    ++allowed_;
    calm_ = 0;
}

std::size_t Lookahead::in_flight_max(std::size_t at_once) const {
    constexpr std::size_t kTimesMost = 4;
    if (at_once <= 1 || call_ <= Duration{0}) return at_once;
    const auto calls = static_cast<std::int64_t>(at_once);
    const auto meanwhile = static_cast<std::size_t>((calls * storing_ + call_ / 2) / call_);
    return at_once + std::min(meanwhile, (kTimesMost - 1) * at_once);
}

Duration backoff_limit(const RetrySchedule& schedule, std::uint32_t failure) {
    Duration pause = std::min(schedule.first, schedule.most);
    for (std::uint32_t i = 1; i < failure && pause < schedule.most; ++i) {
        pause = std::min(pause * 2, schedule.most);
    }
    return pause;
}

Duration full_jitter(const RetrySchedule& schedule, std::uint32_t failure, std::uint64_t random) {
    const auto limit = static_cast<std::uint64_t>(backoff_limit(schedule, failure).count());
    return Duration{static_cast<std::int64_t>(random % (limit + 1))};
}

Duration half_jitter(const RetrySchedule& schedule, std::uint32_t failure, std::uint64_t random) {
    const Duration half = backoff_limit(schedule, failure) / 2;
    return half + Duration{static_cast<std::int64_t>(
                      random % (static_cast<std::uint64_t>(half.count()) + 1))};
}

Breaker::State Breaker::state(Duration now) const {
    if (!open_) return State::kClosed;
    return now < open_until_ ? State::kOpen : State::kHalfOpen;
}

void Breaker::succeeded() {
    open_ = false;
    failures_ = 0;
    openings_ = 0;
}

void Breaker::failed(Duration now, std::uint64_t random) {
    // What was under way when it opened fails as well; that says nothing new.
    if (state(now) == State::kOpen) return;
    if (!open_ && ++failures_ < settings_.failures_max) return;
    ++openings_;
    trip(now, half_jitter(settings_.pause, openings_, random));
}

void Breaker::trip(Duration now, Duration pause) {
    open_ = true;
    failures_ = 0;
    open_until_ = now + pause;
}

const char* name_of(Breaker::State state) {
    switch (state) {
        case Breaker::State::kClosed: return "closed";
        case Breaker::State::kOpen: return "open";
        case Breaker::State::kHalfOpen: return "half_open";
    }
    return "unknown";
}

bool is_spent(const Budget& budget, std::uint32_t attempts, Duration age) {
    return attempts >= budget.attempts_max || age >= budget.time;
}

std::uint64_t Jitter::next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

}  // namespace syncline::agent
