#include "agent/core/mass_change.h"

#include <gtest/gtest.h>

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow{1'700'000'000'000'000'000};

MassCounts counts_of(std::uint64_t deletes, std::uint64_t blanks, std::uint64_t overwrites) {
    return {deletes, blanks, overwrites};
}

TEST(MassWindow, CountsEachKindUntilItFallsOut) {
    MassWindow window;
    window.add(MassKind::kDelete, kNow, 10min);
    window.add(MassKind::kDelete, kNow + 5min, 10min);
    window.add(MassKind::kBlank, kNow + 5min, 10min);
    EXPECT_EQ(window.counts(kNow + 5min, 10min), counts_of(2, 1, 0));
    EXPECT_EQ(window.counts(kNow + 12min, 10min), counts_of(1, 1, 0));
    EXPECT_EQ(window.counts(kNow + 16min, 10min), counts_of(0, 0, 0));
}

TEST(MassWindow, IsTheSameAfterTheStoreHasIt) {
    MassWindow window;
    for (int i = 0; i < 5; ++i) window.add(MassKind::kOverwrite, kNow + i * 1min, 10min);
    EXPECT_EQ(MassWindow::parse(window.text()), window);
    EXPECT_EQ(MassWindow::parse(""), MassWindow{});
    EXPECT_EQ(MassWindow::parse("12 of something"), MassWindow{});
}

TEST(MassWindow, GoesOnWithAClockThatWasSetBack) {
    MassWindow window;
    window.add(MassKind::kDelete, kNow, 10min);
    window.add(MassKind::kDelete, kNow - 3min, 10min);
    EXPECT_EQ(window.counts(kNow - 3min, 10min), counts_of(2, 0, 0));
    window.add(MassKind::kDelete, kNow - 24h, 10min);
    EXPECT_EQ(window.counts(kNow - 24h, 10min), counts_of(1, 0, 0)) << "what is long ahead is old";
}

struct LimitCase {
    const char* name;
    std::uint64_t count;
    std::uint64_t records;
    MassLimit limit;
    std::string passes;  ///< Empty: it does not.
};
class MassLimits : public testing::TestWithParam<LimitCase> {};

TEST_P(MassLimits, ArePassedByMoreThanTheyAllow) {
    const LimitCase& row = GetParam();
    const LaneLimits limits{row.limit, {}, {}};
    const auto excess =
        excess_of(counts_of(row.count, 0, 0), limits, 50, [&] { return row.records; });
    EXPECT_EQ(excess ? excess->limit : "", row.passes);
}
INSTANTIATE_TEST_SUITE_P(
    All, MassLimits,
    testing::Values(
        LimitCase{"Off", 5'000, 5'000, {false, 1, 1}, ""},
        LimitCase{"AtTheCount", 100, 100'000, {true, 100, 10}, ""},
        LimitCase{"OverTheCount", 101, 100'000, {true, 100, 10}, "100"},
        LimitCase{"AtThePercentage", 60, 600, {true, 1'000, 10}, ""},
        LimitCase{"OverThePercentage", 61, 600, {true, 1'000, 10}, "10 % of 600 records"},
        LimitCase{"TooFewForAPercentage", 49, 49, {true, 1'000, 10}, ""},
        LimitCase{"EnoughForAPercentage", 50, 50, {true, 1'000, 10}, "10 % of 50 records"},
        LimitCase{"NobodyKnowsOfHowMany", 900, 0, {true, 1'000, 10}, ""},
        LimitCase{"WithoutPercentage", 900, 900, {true, 1'000, 100}, ""}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(MassSettings, OfAnObjectStandInForThoseOfAll) {
    MassSettings settings;
    settings.objects[ObjectName{"order"}][1][0].count = 7;
    EXPECT_EQ(settings.of({ObjectName{"order"}, Direction::kOut})[0].count, 7u);
    EXPECT_EQ(settings.of({ObjectName{"customer"}, Direction::kOut})[0].count, 1'000u);
}

TEST(Blank, IsWhatSaysNothing) {
    EXPECT_TRUE(is_blank({}));
    EXPECT_TRUE(is_blank(""));
    EXPECT_TRUE(is_blank(Value::List{}));
    EXPECT_TRUE(is_blank(Value::Map{}));
    EXPECT_FALSE(is_blank(0));
    EXPECT_FALSE(is_blank(false));
    EXPECT_FALSE(is_blank(" "));
}

TEST(FilledFields, RemembersEachField) {
    FilledFields filled;
    filled.set(3, true);
    filled.set(200, true);
    filled.set(201, false);
    EXPECT_TRUE(filled.has(3));
    EXPECT_TRUE(filled.has(200));
    EXPECT_FALSE(filled.has(4));
    EXPECT_FALSE(filled.has(2'000));
    filled.set(3, false);
    EXPECT_FALSE(filled.has(3));
    EXPECT_TRUE(FilledFields{filled.bytes()}.has(200));
}

}  // namespace
}  // namespace syncline::agent
