#include "shared/base/timestamp.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace syncline {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct TimeCase {
    const char* name;
    const char* text;
    std::int64_t ns;
    const char* again;  ///< As to_string() writes it.
};
class TimestampText : public testing::TestWithParam<TimeCase> {};

TEST_P(TimestampText, IsReadAndWrittenInUtc) {
    const TimeCase& row = GetParam();
    const auto time = parse_timestamp(row.text);
    ASSERT_TRUE(time) << time.error().what;
    EXPECT_EQ(time->ns, row.ns);
    EXPECT_EQ(to_string(*time), row.again);
}
INSTANTIATE_TEST_SUITE_P(
    Forms, TimestampText,
    testing::Values(
        TimeCase{"epoch", "1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
        TimeCase{"fraction", "1970-01-01T00:00:01.5Z", kSecond * 3 / 2, "1970-01-01T00:00:01.5Z"},
        TimeCase{"nanosecond", "1970-01-01T00:00:00.000000001Z", 1,
                 "1970-01-01T00:00:00.000000001Z"},
        TimeCase{"digits_past_the_ninth_dropped", "1970-01-01T00:00:00.1234567899Z", 123456789,
                 "1970-01-01T00:00:00.123456789Z"},
        TimeCase{"before_the_epoch", "1969-12-31T23:59:59.5Z", -kSecond / 2,
                 "1969-12-31T23:59:59.5Z"},
        TimeCase{"offset_east", "2026-01-05T11:11:12+01:00", 1767607872 * kSecond,
                 "2026-01-05T10:11:12Z"},
        TimeCase{"offset_west_across_midnight", "2026-01-04T23:30:00-01:00", 1767573000 * kSecond,
                 "2026-01-05T00:30:00Z"},
        TimeCase{"offset_without_colon", "2026-01-05T10:11:12+0000", 1767607872 * kSecond,
                 "2026-01-05T10:11:12Z"},
        TimeCase{"blank_for_t", "2026-01-05 10:11:12Z", 1767607872 * kSecond,
                 "2026-01-05T10:11:12Z"},
        TimeCase{"lower_case", "2026-01-05t10:11:12z", 1767607872 * kSecond,
                 "2026-01-05T10:11:12Z"},
        TimeCase{"leap_second", "2016-12-31T23:59:60Z", 1483228800 * kSecond,
                 "2017-01-01T00:00:00Z"},
        TimeCase{"far_past", "1680-01-01T00:00:00Z", -9151488000 * kSecond, "1680-01-01T00:00:00Z"},
        TimeCase{"far_future", "2260-01-01T00:00:00Z", 9151488000 * kSecond,
                 "2260-01-01T00:00:00Z"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(Timestamp, RefusesWhatIsNoTime) {
    for (const char* text :
         {"", "2026-01-05", "2026-01-05T10:11:12", "2026-01-05T24:00:00Z", "2026-01-05T10:60:00Z",
          "2026-01-05T10:11:61Z", "2026-02-30T00:00:00Z", "2026-01-05T10:11:12+1:00",
          "2026-01-05T10:11:12+24:00", "2026-01-05T10:11:12Zx", "26-01-05T10:11:12Z",
          "2026-01-05T10:11:12 Z", "1500-01-01T00:00:00Z", "2300-01-01T00:00:00Z"}) {
        const auto time = parse_timestamp(text);
        ASSERT_FALSE(time) << text;
        EXPECT_EQ(time.error().kind, ErrorKind::kInvalid) << text;
    }
}

TEST(Timestamp, AddsAndSubtractsDurations) {
    const Timestamp time{5 * kSecond};
    EXPECT_EQ(time + std::chrono::seconds{2}, Timestamp{7 * kSecond});
    EXPECT_EQ(time - std::chrono::seconds{6}, Timestamp{-kSecond});
    EXPECT_EQ(time - Timestamp{kSecond}, std::chrono::seconds{4});
}

TEST(Date, IsReadAndWritten) {
    for (const auto& [text, days] :
         {std::pair{"1970-01-01", 0}, std::pair{"1969-12-31", -1}, std::pair{"2000-02-29", 11016},
          std::pair{"9999-12-31", 2932896}, std::pair{"0001-01-01", -719162}}) {
        const auto date = parse_date(text);
        ASSERT_TRUE(date) << text;
        EXPECT_EQ(date->days, days) << text;
        EXPECT_EQ(to_string(*date), text);
    }
}

TEST(Date, RefusesWhatIsNoDay) {
    for (const char* text : {"", "2026-1-5", "2026-13-01", "2026-00-01", "2025-02-29",
                             "2026-01-05T00:00:00Z", "20260105", "2026-01-05 "}) {
        EXPECT_FALSE(parse_date(text)) << text;
    }
}

}  // namespace
}  // namespace syncline
