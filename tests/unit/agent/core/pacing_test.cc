#include "agent/core/pacing.h"

#include <gtest/gtest.h>

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;

TEST(TokenBucket, WithoutARateNeverWaits) {
    TokenBucket bucket{{.per_second = 0}};
    for (int i = 0; i < 1000; ++i) bucket.take(0s);
    EXPECT_EQ(bucket.wait(0s), 0s);
}

TEST(TokenBucket, GivesTheBurstAtOnceAndThenOneByOne) {
    TokenBucket bucket{{.per_second = 10, .burst = 3}};
    const Duration start = 100s;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(bucket.wait(start), 0s) << i;
        bucket.take(start);
    }
    EXPECT_EQ(bucket.wait(start), 100ms);
    EXPECT_EQ(bucket.wait(start + 100ms), 0s);
}

TEST(TokenBucket, MakesUpForAPauseByTheBurstOnly) {
    TokenBucket bucket{{.per_second = 10, .burst = 3}};
    bucket.take(0s);
    int taken = 0;
    while (bucket.wait(1h) == 0s && taken < 10) {
        bucket.take(1h);
        ++taken;
    }
    EXPECT_EQ(taken, 3);
}

TEST(Concurrency, HalvesAtOnceAndComesBackOneByOne) {
    Concurrency calls{8};
    calls.succeeded();
    EXPECT_EQ(calls.allowed(), 8U);
    calls.throttled();
    calls.throttled();
    EXPECT_EQ(calls.allowed(), 2U);
    for (std::uint32_t i = 1; i < 2 * Concurrency::kCalm; ++i) calls.succeeded();
    EXPECT_EQ(calls.allowed(), 2U);
    calls.succeeded();
    EXPECT_EQ(calls.allowed(), 3U);
    for (int i = 0; i < 10'000; ++i) calls.succeeded();
    EXPECT_EQ(calls.allowed(), 8U);
    for (int i = 0; i < 10; ++i) calls.throttled();
    EXPECT_EQ(calls.allowed(), 1U);
}

struct BackoffCase {
    std::uint32_t failure;
    Duration limit;
};
class BackoffLimit : public testing::TestWithParam<BackoffCase> {};
TEST_P(BackoffLimit, DoublesUpToTheMost) {
    const RetrySchedule schedule{1s, 10s};
    EXPECT_EQ(backoff_limit(schedule, GetParam().failure), GetParam().limit);
    for (const std::uint64_t random : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{12345}}) {
        EXPECT_LE(full_jitter(schedule, GetParam().failure, random), GetParam().limit);
        EXPECT_GE(full_jitter(schedule, GetParam().failure, random), 0s);
        EXPECT_LE(half_jitter(schedule, GetParam().failure, random), GetParam().limit);
        EXPECT_GE(half_jitter(schedule, GetParam().failure, random), GetParam().limit / 2);
    }
}
INSTANTIATE_TEST_SUITE_P(Pacing, BackoffLimit,
                         testing::Values(BackoffCase{0, 1s}, BackoffCase{1, 1s}, BackoffCase{2, 2s},
                                         BackoffCase{4, 8s}, BackoffCase{5, 10s},
                                         BackoffCase{4'000'000'000u, 10s}));

using State = Breaker::State;

TEST(Breaker, OpensAfterSoManyFailuresInARow) {
    Breaker breaker{{.failures_max = 3, .pause = {10s, 80s}}};
    breaker.failed(0s, 0);
    breaker.failed(0s, 0);
    breaker.succeeded();
    breaker.failed(0s, 0);
    breaker.failed(0s, 0);
    EXPECT_EQ(breaker.state(0s), State::kClosed);
    breaker.failed(0s, 0);
    EXPECT_EQ(breaker.state(0s), State::kOpen);
    EXPECT_EQ(breaker.state(5s), State::kHalfOpen) << "half of ten seconds, with random 0";
}

TEST(Breaker, StaysOpenLongerAfterEachProbeThatFails) {
    Breaker breaker{{.failures_max = 1, .pause = {10s, 80s}}};
    breaker.failed(0s, 0);
    EXPECT_EQ(breaker.open_until(), 5s);
    breaker.failed(5s, 0);
    EXPECT_EQ(breaker.open_until(), 15s);
    breaker.failed(15s, 0);
    EXPECT_EQ(breaker.open_until(), 35s);
}

TEST(Breaker, IgnoresFailuresOfWhatWasUnderWayWhenItOpened) {
    Breaker breaker{{.failures_max = 1, .pause = {10s, 80s}}};
    breaker.failed(0s, 0);
    breaker.failed(1s, 0);
    EXPECT_EQ(breaker.open_until(), 5s);
}

TEST(Breaker, ClosesWithTheFirstSuccess) {
    Breaker breaker{{.failures_max = 1, .pause = {10s, 80s}}};
    breaker.failed(0s, 0);
    breaker.succeeded();
    EXPECT_EQ(breaker.state(1s), State::kClosed);
}

TEST(Breaker, CanBeTrippedAtOnce) {
    Breaker breaker{{}};
    breaker.trip(0s, 60s);
    EXPECT_EQ(breaker.state(59s), State::kOpen);
    EXPECT_EQ(breaker.state(60s), State::kHalfOpen);
}

TEST(BudgetOfAttempts, IsSpentByCountOrByTime) {
    const Budget budget{.attempts_max = 3, .time = 60s};
    EXPECT_FALSE(is_spent(budget, 2, 59s));
    EXPECT_TRUE(is_spent(budget, 3, 0s));
    EXPECT_TRUE(is_spent(budget, 1, 60s));
}

TEST(Jitter, IsTheSameForTheSameSeed) {
    Jitter a{1};
    Jitter b{1};
    Jitter c{2};
    EXPECT_EQ(a.next(), b.next());
    EXPECT_NE(a.next(), c.next());
}

TEST(Lookahead, IsWhatIsAnsweredWhileOneStores) {
    const auto calls = [](Duration call, Duration storing, std::size_t at_once) {
        Lookahead ahead;
        ahead.answered(call);
        ahead.stored(storing);
        return ahead.in_flight_max(at_once);
    };
    EXPECT_EQ(Lookahead{}.in_flight_max(8), 8u) << "nothing is known";
    EXPECT_EQ(calls(2ms, 1ms, 8), 12u);
    EXPECT_EQ(calls(2ms, 2ms, 8), 16u);
    EXPECT_EQ(calls(1ms, 1s, 8), 32u) << "no more than that";
    EXPECT_EQ(calls(1s, 2ms, 8), 8u) << "what waits would be sent later than it could";
    EXPECT_EQ(calls(0ms, 2ms, 8), 8u) << "of no length: simulated";
    EXPECT_EQ(calls(1ms, 1ms, 1), 1u) << "one at a time is one at a time";
}

TEST(Lookahead, GoesByTheLastFew) {
    Lookahead ahead;
    ahead.stored(1ms);
    for (int i = 0; i < 40; ++i) ahead.answered(1s);
    EXPECT_EQ(ahead.in_flight_max(8), 8u);
    for (int i = 0; i < 100; ++i) ahead.answered(1ms);
    EXPECT_EQ(ahead.in_flight_max(8), 16u);
}

}  // namespace
}  // namespace syncline::agent
