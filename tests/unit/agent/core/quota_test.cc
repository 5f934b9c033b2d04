#include "agent/core/quota.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>

#include "shared/base/timestamp.h"

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;
using Flow = Quota::Flow;
using enum QuotaLane;

constexpr std::array kLanes{kAsk, kCommand, kChange, kReconcile, kBackfill};

std::size_t number_of(QuotaLane lane) { return static_cast<std::size_t>(lane); }

Timestamp midnight() { return *parse_timestamp("2026-03-02T00:00:00Z"); }

QuotaSettings daily(std::uint64_t limit) {
    return {.limit = limit, .window = {.length = 24h, .resets_at = 0s}};
}

/// A quota whose store takes everything at once.
class Kept {
public:
    explicit Kept(const QuotaSettings& settings) : quota(settings) {}
    Duration wait(QuotaLane lane, Timestamp now) {
        if (quota.wants_keeping()) quota.covered(quota.keep().covers);
        return quota.wait(lane, now);
    }
    bool spend(QuotaLane lane, Timestamp now, const CallCost& cost = {}) {
        if (wait(lane, now) > 0s) return false;
        quota.take(lane, now);
        quota.settle(lane, cost, now);
        return true;
    }
    /// As many as it gets at once, `most` at most.
    int spend_all(QuotaLane lane, Timestamp now, int most = 1'000'000) {
        int spent = 0;
        while (spent < most && spend(lane, now)) ++spent;
        return spent;
    }
    /// It counted for a whole window already.
    void know() { spend(kAsk, midnight() - 25h); }
    void tell(const QuotaTold& told, Timestamp now) { quota.settle(kFree, {0, told}, now); }
    [[nodiscard]] std::uint64_t used(Timestamp now) const { return quota.status(now).used; }

    Quota quota;
};

TEST(Quota, WithoutALimitNobodyWaits) {
    Kept kept{{}};
    EXPECT_FALSE(kept.quota.limited());
    for (const QuotaLane lane : kLanes) EXPECT_EQ(kept.spend_all(lane, midnight(), 5'000), 5'000);
    EXPECT_EQ(kept.quota.status(midnight()).limit, 0u);
}

TEST(Quota, AsksTakeAllButTheReserve) {
    Kept kept{daily(1'000)};
    // A call may take three, so the last two are not begun.
    EXPECT_EQ(kept.spend_all(kAsk, midnight()), 898);
    EXPECT_EQ(kept.used(midnight()), 898u);
    EXPECT_EQ(kept.quota.status(midnight()).reserve, 100u);
    EXPECT_GT(kept.wait(kAsk, midnight()), 0s);
}

struct ReserveCase {
    std::uint64_t limit, percent, calls, reserve;
};
class Reserve : public testing::TestWithParam<ReserveCase> {};
TEST_P(Reserve, IsTheGreaterOfBothAndNoMoreThanAll) {
    QuotaSettings settings = daily(GetParam().limit);
    settings.reserve_percent = GetParam().percent;
    settings.reserve_calls = GetParam().calls;
    EXPECT_EQ(Quota{settings}.status(midnight()).reserve, GetParam().reserve);
}
INSTANTIATE_TEST_SUITE_P(Quota, Reserve,
                         testing::Values(ReserveCase{1'000, 10, 0, 100},
                                         ReserveCase{1'000, 10, 300, 300},
                                         ReserveCase{1'000, 50, 300, 500},
                                         ReserveCase{15, 10, 0, 2}, ReserveCase{5, 0, 0, 0},
                                         ReserveCase{5, 0, 100, 5},
                                         ReserveCase{1ULL << 60, 100, 0, 1ULL << 60}));

TEST(Quota, AFixedWindowBeginsAnewAtItsTimeOfDay) {
    QuotaSettings settings = daily(100);
    settings.window.resets_at = 6h;
    Kept kept{settings};
    const Timestamp at = midnight() + 5h;
    kept.spend_all(kAsk, at);
    EXPECT_EQ(*kept.quota.status(at).resets_at, midnight() + 6h);
    EXPECT_FALSE(kept.spend(kAsk, midnight() + 6h - 1s));
    EXPECT_TRUE(kept.spend(kAsk, midnight() + 6h));
    EXPECT_EQ(kept.used(midnight() + 6h), 1u);
}

TEST(Quota, ARollingWindowGivesBackWhatIsALengthAgo) {
    QuotaSettings settings{.limit = 100};
    Kept kept{settings};
    EXPECT_EQ(kept.spend_all(kAsk, midnight()), 88);
    EXPECT_FALSE(kept.quota.status(midnight()).resets_at);
    EXPECT_FALSE(kept.spend(kAsk, midnight() + 24h));  // The slot counts to its end.
    EXPECT_TRUE(kept.spend(kAsk, midnight() + 24h + 31min));
}

TEST(Quota, ReadingSpreadsWhatIsLeft) {
    Kept kept{daily(10'000)};
    kept.know();
    // A sixteenth at once, of which change leaves a quarter to those below.
    EXPECT_NEAR(kept.spend_all(kBackfill, midnight()), 9'000 / 16, 40);
    Kept second{daily(10'000)};
    second.know();
    EXPECT_NEAR(second.spend_all(kChange, midnight()), 9'000 / 16 * 0.75, 30);
    EXPECT_GT(second.wait(kChange, midnight()), 1s);
    EXPECT_LT(second.wait(kChange, midnight()), 1min);
    // Half is kept for what is not known yet.
    Kept first{daily(10'000)};
    EXPECT_NEAR(first.spend_all(kBackfill, midnight()), 4'500 / 16, 20);
}

TEST(Quota, AReadingThatWantsAllOfTheDayGetsNearlyAllEvenly) {
    Kept kept{daily(10'000)};
    kept.know();
    std::array<int, 24> hours{};
    for (Timestamp now = midnight(); now < midnight() + 24h; now = now + 1s) {
        if (kept.spend(kBackfill, now)) ++hours[static_cast<std::size_t>((now - midnight()) / 1h)];
    }
    for (std::size_t hour = 1; hour < 23; ++hour) EXPECT_NEAR(hours[hour], 355, 60) << hour;
    EXPECT_GT(kept.used(midnight() + 24h - 1s), 8'900u);
    EXPECT_LE(kept.used(midnight() + 24h - 1s), 9'000u);
}

TEST(Quota, CommandsLeaveWhatAsksWillNeed) {
    Kept kept{daily(10'000)};
    // A hundred an hour for ten hours; fourteen hours are to come.
    Timestamp now = midnight();
    for (int i = 0; i < 1'000; ++i, now = now + 36s) ASSERT_TRUE(kept.spend(kAsk, now)) << i;
    const int spent = kept.spend_all(kCommand, now);
    EXPECT_NEAR(spent, 9'000 - 1'000 - 1'400, 150);
    EXPECT_EQ(kept.quota.status(now).flows[number_of(kCommand)], Flow::kSlowed);
    EXPECT_EQ(kept.spend_all(kAsk, now, 1'300), 1'300);
}

TEST(Quota, WhatAsksNeededYesterdayIsLeftForThemToday) {
    Kept kept{daily(10'000)};
    // Only in the afternoon.
    for (Timestamp now = midnight() + 14h; now < midnight() + 17h; now = now + 3s) {
        ASSERT_TRUE(kept.spend(kAsk, now));
    }
    const Timestamp next = midnight() + 24h + 6h;
    EXPECT_NEAR(kept.spend_all(kCommand, next), 9'000 - 3'600 - 120, 50);
}

TEST(Quota, ASlowedLaneTricklesAndOneWithoutRoomRests) {
    Kept kept{daily(1'000)};
    kept.tell({.used = 400}, midnight());
    kept.tell({.used = 700}, midnight() + 10min);  // Others take 300 in ten minutes.
    const Timestamp now = midnight() + 11min;
    EXPECT_TRUE(kept.spend(kChange, now));
    EXPECT_EQ(kept.quota.status(now).flows[number_of(kChange)], Flow::kSlowed);
    EXPECT_TRUE(kept.spend(kAsk, now));
    EXPECT_TRUE(kept.quota.status(now).used_up_at);
    kept.tell({.used = 880}, now);
    EXPECT_FALSE(kept.spend(kChange, now + 1h));
    EXPECT_EQ(kept.quota.status(now + 1h).flows[number_of(kChange)], Flow::kRests);
    EXPECT_LE(kept.wait(kChange, now + 1h), 30min);
}

TEST(Quota, LearnsWhatIsUsedByAll) {
    Kept kept{daily(0)};
    kept.spend_all(kCommand, midnight(), 10);
    kept.tell({.limit = 5'000, .used = 4'400}, midnight() + 1s);
    const auto status = kept.quota.status(midnight() + 1s);
    EXPECT_TRUE(status.learned);
    EXPECT_EQ(status.limit, 5'000u);
    EXPECT_EQ(status.used, 4'400u);
    EXPECT_EQ(kept.spend_all(kAsk, midnight() + 1s), 98);
    // By what remains; and a smaller figure than ours is believed, too.
    kept.tell({.limit = 5'000, .remaining = 4'000}, midnight() + 2s);
    EXPECT_EQ(kept.used(midnight() + 2s), 1'000u);
    EXPECT_TRUE(kept.spend(kAsk, midnight() + 2s));
    EXPECT_EQ(kept.used(midnight() + 2s), 1'001u);
}

TEST(Quota, NumbersThatCannotBeAreNone) {
    Kept kept{daily(1'000)};
    kept.tell({.limit = ~0ULL, .used = ~0ULL}, midnight());
    kept.tell({.used = 1ULL << 63}, midnight());
    EXPECT_EQ(kept.quota.status(midnight()).limit, 1'000u);
    EXPECT_EQ(kept.used(midnight()), 0u);
}

TEST(Quota, ATornOrderOfAnswersIsNoCorrection) {
    Kept kept{daily(10'000)};
    kept.tell({.used = 500}, midnight());
    kept.tell({.used = 497}, midnight());
    EXPECT_EQ(kept.used(midnight()), 500u);
}

TEST(Quota, TheSmallerOfTheDeclaredAndTheLearnedLimitHolds) {
    Kept kept{daily(1'000)};
    kept.tell({.limit = 5'000}, midnight());
    EXPECT_EQ(kept.quota.status(midnight()).limit, 1'000u);
    kept.tell({.limit = 300}, midnight());
    EXPECT_EQ(kept.quota.status(midnight()).limit, 300u);
}

TEST(Quota, LearnsWhenTheWindowEnds) {
    Kept kept{{.limit = 100, .window = {.length = 1h}}};
    kept.tell({.used = 90, .resets_in = 10min}, midnight());
    EXPECT_EQ(*kept.quota.status(midnight()).resets_at, midnight() + 10min);
    EXPECT_FALSE(kept.spend(kAsk, midnight() + 9min));
    EXPECT_TRUE(kept.spend(kAsk, midnight() + 10min));
    // A second more or less is no other end.
    kept.tell({.used = 1, .resets_in = 59min + 1s}, midnight() + 11min);
    EXPECT_EQ(*kept.quota.status(midnight() + 11min).resets_at, midnight() + 70min);
}

TEST(Quota, AnswersThatAreStillToComeHoldTheirPrice) {
    Kept kept{daily(1'000)};
    kept.tell({.used = 890}, midnight());
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(kept.wait(kAsk, midnight()), 0s) << i;
        kept.quota.take(kAsk, midnight());
    }
    EXPECT_GT(kept.wait(kAsk, midnight()), 0s);  // Nine of ten are held.
    Kept dear{daily(1'000)};
    dear.spend(kAsk, midnight(), {.calls = 7});
    dear.tell({.used = 894}, midnight());
    EXPECT_GT(dear.wait(kAsk, midnight()), 0s);
}

TEST(Quota, ARestartForgetsNothingAndACrashCountsTooMuch) {
    std::mt19937_64 random{4};
    for (int life = 0; life < 200; ++life) {
        QuotaSettings settings = daily(1'000 + random() % 20'000);
        if (random() % 2 == 0) settings.window.resets_at.reset();
        Quota quota{settings};
        std::string stored;
        std::uint64_t spent = 0;
        Timestamp now = midnight() + std::chrono::seconds{random() % 3'600};
        const std::uint64_t ends = random() % 3'000;
        for (std::uint64_t i = 0; i < ends; ++i, now = now + 7s) {
            const auto kept = quota.keep();
            if (quota.wants_keeping()) {
                stored = kept.text;
                quota.covered(kept.covers);
            }
            if (quota.wait(kCommand, now) > 0s) continue;
            quota.take(kCommand, now);
            const auto calls = static_cast<std::uint32_t>(1 + random() % 3);
            spent += calls;  // What is under way when it ends was sent as well.
            if (i + 1 < ends) quota.settle(kCommand, {calls, {}}, now);
        }
        if (stored.empty()) continue;
        Quota next{settings};
        ASSERT_TRUE(next.restore(stored, now));
        const std::uint64_t counted = next.status(now).used;
        ASSERT_GE(counted, spent) << life;
        ASSERT_LE(counted, spent + settings.limit / 128 + 30) << life;
    }
}

TEST(Quota, KeepsWhatWasLearned) {
    Kept kept{{.limit = 0, .window = {.length = 1h}}};
    kept.tell({.limit = 5'000, .used = 4'000, .resets_in = 10min}, midnight());
    Quota next{{.limit = 0, .window = {.length = 1h}}};
    ASSERT_TRUE(next.restore(kept.quota.keep().text, midnight() + 1min));
    const auto status = next.status(midnight() + 1min);
    EXPECT_EQ(status.limit, 5'000u);
    EXPECT_NEAR(static_cast<double>(status.used), 4'000, 40);
    EXPECT_GE(status.used, 4'000u);
    EXPECT_EQ(*status.resets_at, midnight() + 10min);
}

TEST(Quota, RefusesWhatItDidNotKeep) {
    for (const char* text :
         {"", "1", "2 0 0 0 0 0 -1 -1\n", "1 0 0 0 0 0 -1\n", "1 0 0 0 0 0 -1 -1\n5 x\n",
          "1 0 0 0 0 0 -1 -1\n5 1 2 3\n", "1 0 0 0 0 0 -1 99999999999999999999\n",
          "1 -5 0 0 0 0 -1 -1\n", "1 0 0 0 0 0 -1 -1\n5 1 2 3 4 5 -6\n",
          "1 0 0 0 -9223372036854775808 0 -1 -1\n"}) {
        Quota quota{daily(100)};
        const auto done = quota.restore(text, midnight());
        ASSERT_FALSE(done) << text;
        EXPECT_EQ(done.error().kind, ErrorKind::kCorrupt);
        EXPECT_EQ(quota.status(midnight()).used, 0u);
    }
}

TEST(Quota, AClockThatGoesBackCountsNothingTwiceAndForgetsNothing) {
    Kept kept{daily(1'000)};
    kept.spend_all(kAsk, midnight() + 3h, 100);
    kept.spend_all(kAsk, midnight() + 1h, 100);
    EXPECT_EQ(kept.used(midnight() + 1h), 200u);
    EXPECT_EQ(kept.used(midnight() + 4h), 200u);
}

// The vendor's day ends at an hour that nobody declared, and only its replies show it.
TEST(Quota, AVendorsDayThatEndsElsewhereIsNotSpentInAHurry) {
    Kept kept{{.limit = 10'000}};
    kept.know();
    std::uint64_t used = 0;
    for (Timestamp now = midnight(); now < midnight() + 72h; now = now + 5s) {
        const Duration of_day = (now - midnight() + 18h) % Duration{24h};  // It ends at six.
        if (of_day == 0s) used = 0;
        if (kept.wait(kBackfill, now) == 0s) {
            kept.quota.take(kBackfill, now);
            kept.quota.settle(kBackfill, {1, {.limit = 10'000, .used = ++used}}, now);
        }
        ASSERT_LE(used, 9'000u);
        if (now < midnight() + 30h || of_day != 12h) continue;
        EXPECT_GT(used, 500u);  // More where `resets_at` is declared.
        EXPECT_LT(used, 7'000u);
    }
}

// ---- Random days ----------------------------------------------------------------------------

/// Lanes that want calls at random times, another application, and a vendor who counts.
struct Day {
    QuotaSettings settings;
    std::array<double, kQuotaLanes> wants{};  ///< Calls a second.
    double others = 0;
    bool tells = false;
    std::uint32_t dearest = 3;
};

struct Came {
    std::uint64_t most_used = 0;  ///< Of any window, by all.
    std::uint64_t ours = 0;
    std::uint64_t touched = 0;  ///< Calls of ours that left less than the reserve.
    std::array<std::uint64_t, kQuotaLanes> got{};
    std::array<Duration, kQuotaLanes> longest{};  ///< Without a call while one was wanted.
};

Came live(const Day& day, int days, std::mt19937_64& random) {
    Kept kept{day.settings};
    Came came;
    std::array<double, kQuotaLanes> waiting{};
    std::array<Timestamp, kQuotaLanes> since{};
    since.fill(midnight());
    std::deque<std::pair<Timestamp, std::uint64_t>> vendor;  // As it counts, in its window.
    std::uint64_t used = 0;
    const QuotaWindow& window = day.settings.window;
    const auto usable = day.settings.limit - kept.quota.status(midnight()).reserve;
    const auto begins = [&](Timestamp now) {
        if (!window.resets_at) return now - window.length;
        return now - (Duration{now.ns} - *window.resets_at) % window.length;
    };
    std::uniform_real_distribution<double> chance{0, 1};
    const Duration step = std::max<Duration>(window.length / 5'000, 1ms);
    const double seconds = std::chrono::duration<double>(step).count();
    for (Timestamp now = midnight(); now < midnight() + window.length * days; now = now + step) {
        for (; !vendor.empty() && vendor.front().first < begins(now); vendor.pop_front()) {
            used -= vendor.front().second;
        }
        const auto count = [&](std::uint64_t calls) {
            vendor.emplace_back(now, calls);
            used += calls;
            came.most_used = std::max(came.most_used, used);
        };
        if (chance(random) < day.others * seconds) count(1);
        for (const QuotaLane lane : kLanes) {
            const std::size_t i = number_of(lane);
            waiting[i] += chance(random) < day.wants[i] * seconds ? 1 : 0;
            if (waiting[i] < 1) since[i] = now;
            while (waiting[i] >= 1 && kept.wait(lane, now) == 0s) {
                kept.quota.take(lane, now);
                const auto calls = static_cast<std::uint32_t>(1 + random() % day.dearest);
                count(calls);
                CallCost cost{.calls = calls};
                if (day.tells) cost.told = {.limit = day.settings.limit, .used = used};
                kept.quota.settle(lane, cost, now);
                came.ours += calls;
                came.got[i] += calls;
                if (used > usable) ++came.touched;
                waiting[i] -= 1;
                since[i] = now;
            }
            came.longest[i] = std::max(came.longest[i], now - since[i]);
        }
    }
    return came;
}

Day random_day(std::mt19937_64& random) {
    std::uniform_real_distribution<double> chance{0, 1};
    Day day;
    day.settings.limit = static_cast<std::uint64_t>(std::pow(10, 2 + 3 * chance(random)));
    day.settings.reserve_percent = random() % 40;
    constexpr std::array<int, 7> kParts{1, 2, 3, 24, 96, 288, 1'440};  // Of a day.
    day.settings.window.length = Duration{24h} / kParts.at(random() % kParts.size());
    if (random() % 2 == 0) {
        day.settings.window.resets_at = std::chrono::minutes{random() % 1'440};
    }
    const double even = static_cast<double>(day.settings.limit) /
                        std::chrono::duration<double>(day.settings.window.length).count();
    for (double& wants : day.wants) {
        wants = random() % 4 == 0 ? 0 : even * std::pow(chance(random), 3) * 3;
    }
    return day;
}

TEST(QuotaDays, NeverSpendTheReserve) {
    std::mt19937_64 random{1};
    for (int i = 0; i < 40; ++i) {
        const Day day = random_day(random);
        const Came came = live(day, 3, random);
        ASSERT_EQ(came.touched, 0u)
            << "day " << i << ", limit " << day.settings.limit << ", used " << came.most_used;
    }
}

TEST(QuotaDays, NeverSpendTheReserveBesideAnotherApplicationThatThePlatformTellsOf) {
    std::mt19937_64 random{2};
    std::uniform_real_distribution<double> chance{0, 1};
    std::uint64_t ours = 0;
    std::uint64_t touched = 0;
    for (int i = 0; i < 40; ++i) {
        Day day = random_day(random);
        day.tells = true;
        day.others = chance(random) * static_cast<double>(day.settings.limit) /
                     std::chrono::duration<double>(day.settings.window.length).count();
        const Came came = live(day, 2, random);
        ours += came.ours;
        touched += came.touched;
    }
    // What others do between two answers is not known. Nothing else is left to chance.
    EXPECT_LE(touched, ours / 1'000) << ours;
}

// All of them want more than there is; asks and commands need a part of it.
TEST(QuotaDays, StarveNobodyWhileThereIsRoom) {
    std::mt19937_64 random{3};
    for (const bool rolling : {false, true}) {
        Day day{.settings = daily(20'000), .wants = {0.02, 0.04, 1, 1, 1}};
        if (rolling) day.settings.window.resets_at.reset();
        const Came came = live(day, 3, random);
        EXPECT_EQ(came.touched, 0u);
        EXPECT_LT(came.longest[number_of(kAsk)], 1min) << rolling;
        EXPECT_LT(came.longest[number_of(kCommand)], 1min) << rolling;
        for (const QuotaLane lane : {kChange, kReconcile, kBackfill}) {
            EXPECT_LT(came.longest[number_of(lane)], 1h) << name_of(lane) << rolling;
        }
        EXPECT_GT(came.ours, 3 * 16'500u) << rolling;  // And nothing is left over.
        EXPECT_GT(came.got[number_of(kChange)], came.got[number_of(kReconcile)]);
    }
}

}  // namespace
}  // namespace syncline::agent
