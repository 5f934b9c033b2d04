#include "shared/model/decimal.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace syncline {
namespace {

Decimal number(std::string_view text) { return Decimal::parse(text).value(); }

struct TextCase {
    const char* name;
    std::string text;
    std::string normal;  ///< Empty: refused.
};
class DecimalText : public testing::TestWithParam<TextCase> {};
TEST_P(DecimalText, HasOneNormalForm) {
    const auto value = Decimal::parse(GetParam().text);
    if (GetParam().normal.empty()) {
        ASSERT_FALSE(value) << value->text();
        EXPECT_EQ(value.error().kind, ErrorKind::kInvalid);
        return;
    }
    ASSERT_TRUE(value) << value.error().what;
    EXPECT_EQ(value->text(), GetParam().normal);
    EXPECT_EQ(number(value->text()), *value);
}
const std::string kNines(36, '9');
INSTANTIATE_TEST_SUITE_P(
    Forms, DecimalText,
    testing::Values(
        TextCase{"zero", "0", "0"}, TextCase{"negative_zero", "-0.00", "0"},
        TextCase{"zero_with_exponent", "0e999", "0"}, TextCase{"whole", "12", "12"},
        TextCase{"trailing_zeros", "-12.500", "-12.5"}, TextCase{"plus", "+0.1", "0.1"},
        TextCase{"leading_zeros", "007.5", "7.5"}, TextCase{"no_whole_part", ".5", "0.5"},
        TextCase{"no_fraction", "5.", "5"}, TextCase{"exponent", "1e3", "1000"},
        TextCase{"negative_exponent", "15E-1", "1.5"}, TextCase{"exponent_cancels", "1.5e1", "15"},
        TextCase{"smallest", "1e-36", "0." + std::string(35, '0') + "1"},
        TextCase{"largest", kNines, kNines}, TextCase{"least", "-" + kNines, "-" + kNines},
        TextCase{"largest_power", "1e35", "1" + std::string(35, '0')},
        TextCase{"too_large", "1e36", ""}, TextCase{"too_small", "1e-37", ""},
        TextCase{"too_many_digits", kNines + ".5", ""}, TextCase{"empty", "", ""},
        TextCase{"sign_only", "-", ""}, TextCase{"point_only", ".", ""},
        TextCase{"two_points", "1.2.3", ""}, TextCase{"two_signs", "--1", ""},
        TextCase{"blank", " 1", ""}, TextCase{"comma", "1,5", ""}, TextCase{"hex", "0x10", ""},
        TextCase{"infinity", "inf", ""}, TextCase{"not_a_number", "nan", ""},
        TextCase{"exponent_without_digits", "1e", ""}, TextCase{"huge_exponent", "1e99999", ""},
        TextCase{"long_text", std::string(1'000'000, '9'), ""}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(Decimal, ComparesByValueWhateverTheScale) {
    // Each is less than all that follow.
    const std::string ordered[] = {
        "-" + kNines, "-1e35", "-100", "-99.99", "-1", "-0.1", "-1e-36", "0",   "1e-36", "0.09",
        "0.1",        "0.11",  "1",    "1.5",    "2",  "10",   "99.99",  "100", "1e35",  kNines};
    for (std::size_t i = 0; i < std::size(ordered); ++i) {
        for (std::size_t j = 0; j < std::size(ordered); ++j) {
            EXPECT_EQ(number(ordered[i]) <=> number(ordered[j]), i <=> j)
                << ordered[i] << " and " << ordered[j];
            EXPECT_EQ(number(ordered[i]) == number(ordered[j]), i == j);
        }
    }
}

TEST(Decimal, AgreesWithIntegersOnRandomNumbers) {
    constexpr unsigned kSeed = 20260105;
    std::mt19937_64 random{kSeed};  // NOLINT: the same numbers in every run.
    for (int round = 0; round < 2'000; ++round) {
        const auto a = static_cast<std::int64_t>(random() % 2'000'001) - 1'000'000;
        const auto b = static_cast<std::int64_t>(random() % 2'000'001) - 1'000'000;
        // Hundredths, so that normal forms of different scales meet.
        const Decimal x = Decimal::multiply(Decimal{a}, number("0.01")).value();
        const Decimal y = Decimal::multiply(Decimal{b}, number("0.01")).value();
        ASSERT_EQ(x <=> y, a <=> b) << "seed " << kSeed << ": " << a << ", " << b;
        ASSERT_EQ(x == y, a == b);
        const Decimal hundred{100};
        ASSERT_EQ(Decimal::multiply(Decimal::add(x, y).value(), hundred).value(), Decimal{a + b});
        ASSERT_EQ(Decimal::multiply(Decimal::multiply(x, y).value(), Decimal{10'000}).value(),
                  Decimal{a * b});
    }
}

TEST(Decimal, AddsAndMultipliesExactly) {
    EXPECT_EQ(Decimal::add(number("0.1"), number("0.2")).value(), number("0.3"));
    EXPECT_EQ(Decimal::add(number("1e35"), number("-1e35")).value(), Decimal{});
    EXPECT_EQ(Decimal::multiply(number("1.10"), number("-3")).value().text(), "-3.3");
    EXPECT_EQ(Decimal::multiply(number("1e18"), number("1e17")).value(), number("1e35"));
    EXPECT_EQ(number("-0.5").negated(), number("0.5"));
}

TEST(Decimal, RefusesResultsThatAreNotExact) {
    EXPECT_FALSE(Decimal::add(number(kNines), Decimal{1}));
    EXPECT_FALSE(Decimal::add(number("1e35"), number("0.1")));
    EXPECT_FALSE(Decimal::multiply(number(kNines), Decimal{10}));
    EXPECT_EQ(Decimal::multiply(number("1e-20"), number("1e-20")).error().kind,
              ErrorKind::kInvalid);
}

struct RoundCase {
    const char* text;
    int scale;
    const char* rounded;
};
TEST(Decimal, RoundsHalfToEven) {
    for (const auto& [text, scale, rounded] :
         {RoundCase{"0.5", 0, "0"}, RoundCase{"1.5", 0, "2"}, RoundCase{"2.5", 0, "2"},
          RoundCase{"-0.5", 0, "0"}, RoundCase{"-1.5", 0, "-2"}, RoundCase{"-2.5", 0, "-2"},
          RoundCase{"2.51", 0, "3"}, RoundCase{"2.675", 2, "2.68"}, RoundCase{"2.665", 2, "2.66"},
          RoundCase{"0.995", 2, "1"}, RoundCase{"1.23", 5, "1.23"}, RoundCase{"99.5", 0, "100"},
          RoundCase{"0.049", 1, "0"}, RoundCase{"7", -3, "7"}}) {
        EXPECT_EQ(number(text).rounded(scale).text(), rounded) << text;
    }
}

TEST(Decimal, IsA64BitIntegerOnlyIfItFits) {
    EXPECT_EQ(number("9223372036854775807").to_int64().value(), INT64_MAX);
    EXPECT_EQ(number("-9223372036854775808").to_int64().value(), INT64_MIN);
    EXPECT_EQ(number("5.0").to_int64().value(), 5);
    EXPECT_TRUE(number("5.0").is_whole());
    for (const char* text : {"9223372036854775808", "-9223372036854775809", "0.5"}) {
        EXPECT_EQ(number(text).to_int64().error().kind, ErrorKind::kInvalid) << text;
    }
    EXPECT_EQ(Decimal{INT64_MIN}.text(), "-9223372036854775808");
}

}  // namespace
}  // namespace syncline
