#include "hub/api/limits.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace syncline::hub::api {
namespace {

using namespace std::chrono_literals;
using Standing = Repeats::Standing;

TEST(Limits, AreOfEachClientAndFillAgain) {
    test::ManualClock clock;
    Limits limits{clock, {.per_second = 2, .burst = 4}};
    for (unsigned left = 3;; --left) {
        const auto verdict = limits.take("anna");
        EXPECT_TRUE(verdict.may);
        EXPECT_EQ(verdict.left, left);
        if (left == 0) break;
    }
    EXPECT_FALSE(limits.take("anna").may);
    EXPECT_TRUE(limits.take("bob").may);
    clock.advance(500ms);
    EXPECT_TRUE(limits.take("anna").may);
    EXPECT_FALSE(limits.take("anna").may);
}

TEST(Limits, OfManyStrangersAreBounded) {
    test::ManualClock clock;
    Limits limits{clock, {.per_second = 1, .burst = 1}};
    for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(limits.take(std::to_string(i)).may);
    EXPECT_TRUE(limits.take("one more").may);
    EXPECT_FALSE(limits.take("and one more").may) << "they share what is left";
    clock.advance(2s);
    EXPECT_TRUE(limits.take("later").may);
}

TEST(Repeats, GiveTheFirstAnswerAgain) {
    test::ManualClock clock;
    Repeats repeats{clock};
    EXPECT_EQ(repeats.find("k", "one").standing, Standing::kFirst);
    EXPECT_EQ(repeats.find("k", "one").standing, Standing::kRuns);
    repeats.tell("k", {.status = 200, .text = "done"});
    const auto again = repeats.find("k", "one");
    EXPECT_EQ(again.standing, Standing::kAgain);
    EXPECT_EQ(again.answer->text, "done");
    EXPECT_EQ(repeats.find("k", "another").standing, Standing::kAnother);
    clock.advance(25h);
    EXPECT_EQ(repeats.find("k", "one").standing, Standing::kFirst);
}

TEST(Repeats, ForgetWhatFailedForNow) {
    test::ManualClock clock;
    Repeats repeats{clock};
    EXPECT_EQ(repeats.find("k", "one").standing, Standing::kFirst);
    repeats.tell("k", {.status = 503});
    EXPECT_EQ(repeats.find("k", "one").standing, Standing::kFirst);
}

TEST(Repeats, AreBounded) {
    test::ManualClock clock;
    Repeats repeats{clock};
    for (int i = 0; i <= 1'000; ++i) {
        clock.advance(Duration{1});
        EXPECT_EQ(repeats.find(std::to_string(i), "x").standing, Standing::kFirst);
    }
    EXPECT_EQ(repeats.find("1000", "x").standing, Standing::kRuns);
    EXPECT_EQ(repeats.find("0", "x").standing, Standing::kFirst) << "the oldest is gone";
}

}  // namespace
}  // namespace syncline::hub::api
