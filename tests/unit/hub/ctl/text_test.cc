#include "hub/ctl/text.h"

#include <gtest/gtest.h>

namespace syncline::ctl {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::hours;

constexpr Timestamp kMonday{1'767'607'872'000'000'000};  // 2026-01-05T10:11:12Z.

struct TextCase {
    std::string text;
    std::string shown;
    std::size_t width;
};
class Printable : public testing::TestWithParam<TextCase> {};

TEST_P(Printable, IsHarmlessAndMeasured) {
    const std::string shown = printable(GetParam().text);
    EXPECT_EQ(shown, GetParam().shown);
    EXPECT_EQ(display_width(shown), GetParam().width);
}

INSTANTIATE_TEST_SUITE_P(Rows, Printable,
                         testing::Values(TextCase{"plain", "plain", 5}, TextCase{"", "", 0},
                                         TextCase{"a\nb\tc", "a\\nb\\tc", 7},
                                         TextCase{"\x1b[31mred", "\\x1b[31mred", 11},
                                         TextCase{"\x7f", "\\x7f", 4},
                                         TextCase{"\xC2\x9B", "\\xc2\\x9b", 8},
                                         TextCase{"\xE2\x80\xAE"
                                                  "evil",
                                                  "\\xe2\\x80\\xaeevil", 16},
                                         TextCase{"\xFF\xC3", "\\xff\\xc3", 8},
                                         TextCase{"Grüße", "Grüße", 5}, TextCase{"日本", "日本", 4},
                                         TextCase{"e\xCC\x81", "e\xCC\x81", 1},
                                         TextCase{"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80", 2}));

TEST(Clipped, CutsBeforeACharacterAndSaysSo) {
    EXPECT_EQ(clipped("short", 5), "short");
    EXPECT_EQ(clipped("too long", 6), "too...");
    EXPECT_EQ(clipped("日本語日本語", 8), "日本...");
    EXPECT_EQ(clipped("abcdef", 2), "..");
}

struct DurationCase {
    std::string text;
    std::int64_t seconds;  ///< -1: refused.
};
class ParseDuration : public testing::TestWithParam<DurationCase> {};

TEST_P(ParseDuration, TakesWholeNumbersWithUnits) {
    const auto parsed = parse_duration(GetParam().text);
    ASSERT_EQ(parsed.has_value(), GetParam().seconds >= 0) << GetParam().text;
    if (parsed) {
        EXPECT_EQ(*parsed, std::chrono::seconds{GetParam().seconds});
    } else {
        EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ParseDuration,
    testing::Values(DurationCase{"90s", 90}, DurationCase{"15m", 900}, DurationCase{"2h", 7200},
                    DurationCase{"7d", 604'800}, DurationCase{"1w", 604'800},
                    DurationCase{"1d12h", 129'600}, DurationCase{"0s", 0}, DurationCase{"", -1},
                    DurationCase{"5", -1}, DurationCase{"-5s", -1}, DurationCase{"5x", -1},
                    DurationCase{"s", -1}, DurationCase{"1.5h", -1}, DurationCase{"200000w", -1},
                    DurationCase{"99999999999999999999s", -1}));

TEST(ParseMoment, TakesTimesDaysAndAges) {
    EXPECT_EQ(parse_moment("now", kMonday), kMonday);
    EXPECT_EQ(parse_moment("2h", kMonday), kMonday - hours{2});
    EXPECT_EQ(to_string(*parse_moment("2026-01-05", kMonday)), "2026-01-05T00:00:00Z");
    EXPECT_EQ(parse_moment("2026-01-05T11:11:12+01:00", kMonday), kMonday);
    const auto bad = parse_moment("yesterday", kMonday);
    ASSERT_FALSE(bad);
    EXPECT_NE(bad.error().what.find("2026-01-05T10:00:00Z"), std::string::npos);
}

TEST(ParsePoint, DigitsAreASequence) {
    const auto sequence = parse_point("4711", kMonday);
    ASSERT_TRUE(sequence);
    EXPECT_EQ(sequence->sequence, 4711U);
    const auto moment = parse_point("1h", kMonday);
    ASSERT_TRUE(moment);
    EXPECT_FALSE(moment->sequence);
    EXPECT_EQ(moment->time, kMonday - hours{1});
    EXPECT_FALSE(parse_point("4711x", kMonday));
    EXPECT_FALSE(parse_point("99999999999999999999", kMonday));
}

TEST(Texts, AreReadByPeople) {
    EXPECT_EQ(duration_text(250ms), "250 ms");
    EXPECT_EQ(duration_text(17s), "17 s");
    EXPECT_EQ(duration_text(3min), "3 min");
    EXPECT_EQ(duration_text(5h + 12min), "5 h 12 min");
    EXPECT_EQ(duration_text(days{4}), "4 d");
    EXPECT_EQ(duration_text(-3s), "-3 s");
    EXPECT_EQ(time_text(kMonday), "2026-01-05 10:11:12Z");
    EXPECT_EQ(time_text({}), "-");
    EXPECT_EQ(age_text(kMonday - 17s, kMonday), "17 s ago");
    EXPECT_EQ(age_text(kMonday + 5s, kMonday), "in 5 s");
    EXPECT_EQ(age_text({}, kMonday), "never");
    EXPECT_EQ(bytes_text(512), "512 B");
    EXPECT_EQ(bytes_text(3'500), "3.4 KiB");
    EXPECT_EQ(bytes_text(1'288'490'188), "1.1 GiB");
    EXPECT_EQ(bytes_text(UINT64_MAX), "1638.3 PiB");
    EXPECT_EQ(count_text(1, "entity", "entities"), "1 entity");
    EXPECT_EQ(count_text(0, "entity", "entities"), "0 entities");
}

TEST(HexDump, ShowsBytesAndTextAndWhatIsMissing) {
    const std::string bytes = std::string{"hello\0world\x1b", 12} + std::string(20, 'x');
    const auto lines = hex_dump(bytes, 18);
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0],
              "00000000  68 65 6c 6c 6f 00 77 6f  72 6c 64 1b 78 78 78 78  |hello.world.xxxx|");
    EXPECT_EQ(lines[1].substr(0, 16), "00000010  78 78 ");
    EXPECT_EQ(lines[2], "(14 bytes more)");
    EXPECT_TRUE(hex_dump("", 10).empty());
    EXPECT_EQ(hex("O*\0"), "4f2a");
}

TEST(Subjects, GetWildcards) {
    EXPECT_EQ(with_wildcards("a.b.c.d", {1, 3}), "a.*.c.*");
    EXPECT_EQ(tokens_of("a.b").size(), 2U);
}

struct VersionCase {
    const char* version;
    bool enough;
};
class VersionAtLeast : public testing::TestWithParam<VersionCase> {};

TEST_P(VersionAtLeast, ComparesByNumber) {
    EXPECT_EQ(version_at_least(GetParam().version, "2.12.7"), GetParam().enough)
        << GetParam().version;
}

INSTANTIATE_TEST_SUITE_P(Rows, VersionAtLeast,
                         testing::Values(VersionCase{"2.12.7", true}, VersionCase{"2.12.10", true},
                                         VersionCase{"2.15.0-beta.2", true},
                                         VersionCase{"2.9.99", false}, VersionCase{"2.12.6", false},
                                         VersionCase{"", false}, VersionCase{"2.12", false},
                                         VersionCase{"new", false}));

}  // namespace
}  // namespace syncline::ctl
