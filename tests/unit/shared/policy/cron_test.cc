#include "shared/policy/cron.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

struct LatestCase {
    const char* cron;
    const char* at;
    const char* latest;
};
constexpr LatestCase kLatest[] = {
    {"0 3 * * *", "2026-11-28T03:00:00Z", "2026-11-28T03:00:00Z"},
    {"0 3 * * *", "2026-11-28T02:59:59Z", "2026-11-27T03:00:00Z"},
    {"*/15 * * * *", "2026-11-28T10:44:59Z", "2026-11-28T10:30:00Z"},
    {"0,30 8-18/2 * * *", "2026-11-28T09:10:00Z", "2026-11-28T08:30:00Z"},
    {"45 10 * * *", "2026-11-28T10:44:00Z", "2026-11-27T10:45:00Z"},
    {"45 9,10 * * *", "2026-11-28T10:44:00Z", "2026-11-28T09:45:00Z"},
    {"45 0 * * *", "2026-11-28T00:44:00Z", "2026-11-27T00:45:00Z"},
    {"0 0 1 * *", "2026-11-28T10:00:00Z", "2026-11-01T00:00:00Z"},
    {"0 0 * * 1", "2026-11-28T10:00:00Z", "2026-11-23T00:00:00Z"},   // A Saturday.
    {"0 0 * * 7", "2026-11-28T10:00:00Z", "2026-11-22T00:00:00Z"},   // Sunday.
    {"0 0 13 * 5", "2026-11-28T10:00:00Z", "2026-11-27T00:00:00Z"},  // The 13th or a Friday.
    {"0 0 29 2 *", "2026-11-28T10:00:00Z", "2024-02-29T00:00:00Z"},
    {"0 0 29 2 *", "2103-11-28T10:00:00Z", "2096-02-29T00:00:00Z"},  // 2100 is no leap year.
};

TEST(Cron, FindsTheNewestMomentThatHasCome) {
    for (const LatestCase& one : kLatest) {
        const auto cron = Cron::parse(one.cron);
        ASSERT_TRUE(cron) << one.cron << ": " << cron.error().what;
        const auto latest = cron->latest(*parse_timestamp(one.at));
        ASSERT_TRUE(latest) << one.cron;
        EXPECT_EQ(to_string(*latest), one.latest) << one.cron << " at " << one.at;
    }
}

TEST(Cron, RefusesWhatIsNone) {
    for (const char* text :
         {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
          "* * * 13 *", "* * * * 8", "*/0 * * * *", "5/15 * * * *", "5-1 * * * *", "a * * * *",
          "-1 * * * *", "1,, * * * *", "*/ * * * *", "0 0 30 2 *", "0 0 31 4,6 *"}) {
        EXPECT_FALSE(Cron::parse(text)) << text;
    }
    EXPECT_EQ(Cron::parse("0 25 * * *").error().what, "has no hour in \"25\": from 0 to 23");
}

}  // namespace
}  // namespace syncline
