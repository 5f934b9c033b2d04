#include "hub/ctl/loads.h"

#include <gtest/gtest.h>

namespace syncline::ctl {
namespace {

Load of(std::uint64_t read, std::optional<std::uint64_t> total, std::uint64_t per_second = 100) {
    return {.platform = "crm",
            .what = "first load",
            .read = read,
            .total = total,
            .per_second = per_second};
}

TEST(Loads, ShowHowFarTheyAre) {
    EXPECT_EQ(progress_bar(of(0, 200)), "[--------------------]   0 %");
    EXPECT_EQ(progress_bar(of(100, 200)), "[##########----------]  50 %");
    EXPECT_EQ(progress_bar(of(200, 200)), "[###################-]  99 %") << "it has not ended";
    EXPECT_EQ(progress_bar(of(900, 200)), "[###################-]  99 %") << "more came since";
    EXPECT_EQ(progress_bar(of(5, std::nullopt)), "");
    EXPECT_EQ(progress_bar(of(5, 0)), "");
    EXPECT_EQ(line_of(of(1'234'567, 2'000'000)),
              "crm  first load  [############--------]  61 %  1,234,567 of 2,000,000 records  "
              "100/s  2 h 7 min left");
    EXPECT_EQ(line_of(of(12, std::nullopt)), "crm  first load  12 records  100/s");
}

TEST(Loads, TellNoTimeThatNobodyKnows) {
    EXPECT_EQ(remaining_text(of(10, std::nullopt)), "-");
    EXPECT_EQ(remaining_text(of(10, 100, 0)), "-");
    EXPECT_EQ(remaining_text(of(100, 100)), "-");
    EXPECT_EQ(remaining_text(of(0, 1'000)), "11 s");
    Load waits = of(1, 100);
    waits.waits = true;
    EXPECT_TRUE(line_of(waits).ends_with("  waits"));
}

Presence saying(Value::Map said) {
    Presence presence{.id = "crm"};
    presence.said = Announced{std::move(said)};
    return presence;
}

TEST(Loads, AreThoseThatAnAgentHasUnderWay) {
    EXPECT_TRUE(loads_of(saying({})).empty());
    const Value::Map first{{"what", "backfill"}, {"records", 5}, {"total", 10}, {"per_second", 2}};
    auto loads = loads_of(saying({{"load", first}}));
    ASSERT_EQ(loads.size(), 1U);
    EXPECT_EQ(loads[0].what, "first load");
    EXPECT_EQ(loads[0].read, 5U);
    EXPECT_EQ(loads[0].total, 10U);
    loads = loads_of(saying({{"load", Value::Map{{"what", "reconcile"}, {"records", 5}}}}));
    ASSERT_EQ(loads.size(), 1U);
    EXPECT_EQ(loads[0].what, "full read");
    EXPECT_FALSE(loads[0].total);
    for (const auto& [phase, waits] : {std::pair{"reading", false}, {"waiting", true}}) {
        loads = loads_of(
            saying({{"backfill", Value::Map{{"request", "17 dry-run"}, {"phase", phase}}}}));
        ASSERT_EQ(loads.size(), 1U);
        EXPECT_EQ(loads[0].what, "dry run");
        EXPECT_EQ(loads[0].waits, waits);
    }
    const Value::Map done{{"request", "17 tell"}, {"phase", "done"}};
    EXPECT_TRUE(loads_of(saying({{"backfill", done}})).empty());
}

TEST(Loads, NumbersAreGrouped) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'000), "1,000");
    EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

}  // namespace
}  // namespace syncline::ctl
