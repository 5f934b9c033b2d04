#include "shared/base/backoff.h"

#include <limits>

#include <gtest/gtest.h>

namespace syncline {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(Backoff, DoublesUpToTheMost) {
    Backoff backoff{{.first = 100ms, .most = 1s}};
    for (const Duration expected : {Duration{100ms}, Duration{200ms}, Duration{400ms},
                                    Duration{800ms}, Duration{1s}, Duration{1s}}) {
        EXPECT_NEAR(static_cast<double>(backoff.next(kMost).count()),
                    static_cast<double>(expected.count()), 1.0);
    }
    EXPECT_EQ(backoff.failures(), 6U);
    backoff.reset();
    EXPECT_LE(backoff.next(kMost), 100ms);
}

TEST(Backoff, SpreadsOverTheWholeRangeButIsNeverNothing) {
    EXPECT_EQ((Backoff{{.first = 100ms, .most = 1s}}.next(0)), 10ms);
    EXPECT_EQ((Backoff{{.first = 100ms, .most = 1s}}.next(kMost / 2 + 1)), 55ms);
}

TEST(Backoff, StaysBoundedForEver) {
    Backoff backoff{{.first = 100ms, .most = 1s}};
    for (int i = 0; i < 10'000; ++i) {
        const Duration wait = backoff.next(kMost);
        ASSERT_GT(wait, Duration::zero());
        ASSERT_LE(wait, 1s);
    }
}

}  // namespace
}  // namespace syncline
