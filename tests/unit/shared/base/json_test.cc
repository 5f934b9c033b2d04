#include "shared/base/json.h"

#include <string>

#include <gtest/gtest.h>

namespace syncline {
namespace {

struct JsonCase {
    const char* name;
    std::string text;
    std::string shown;  ///< display() of the value.
};
class TakesJson : public testing::TestWithParam<JsonCase> {};

TEST_P(TakesJson, Exactly) {
    const auto value = parse_json(GetParam().text);
    ASSERT_TRUE(value) << value.error().what;
    EXPECT_EQ(display(*value), GetParam().shown);
    const auto again = parse_json(to_json(*value));
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(*again, *value);
}
INSTANTIATE_TEST_SUITE_P(
    Json, TakesJson,
    testing::Values(JsonCase{"null", "null", "null"}, JsonCase{"blanks", " \n true\t", "true"},
                    JsonCase{"int", "-42", "-42"}, JsonCase{"minus_zero", "-0", "0"},
                    JsonCase{"int64_max", "9223372036854775807", "9223372036854775807"},
                    JsonCase{"over_int64", "9223372036854775808", "9223372036854775808"},
                    JsonCase{"over_uint64", "18446744073709551616", "18446744073709551616"},
                    JsonCase{"tenth", "0.1", "0.1"}, JsonCase{"trailing_zeros", "100.00", "100"},
                    JsonCase{"exponent", "1.25e3", "1250"}, JsonCase{"small", "25e-4", "0.0025"},
                    JsonCase{"digits_36", "0.123456789012345678901234567890123456",
                             "0.123456789012345678901234567890123456"},
                    JsonCase{"escapes", R"("a\"\\\n\u00e4\ud83d\ude00")", "\"a\\\"\\\\\\u000aä😀\""},
                    JsonCase{"nul_inside", R"("a\u0000b")", "\"a\\u0000b\""},
                    JsonCase{"nested", R"({"b":[1,{"c":null}],"a":{}})",
                             R"({"a": {}, "b": [1, {"c": null}]})"}),
    [](const auto& row) { return std::string{row.param.name}; });

struct BadJsonCase {
    const char* name;
    std::string text;
    ErrorKind kind;
    const char* part;  ///< Of the error's text.
};
class RefusesJson : public testing::TestWithParam<BadJsonCase> {};

TEST_P(RefusesJson, WithAReason) {
    const auto value = parse_json(GetParam().text, {.bytes_max = 1u << 20, .depth_max = 32});
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().kind, GetParam().kind) << value.error().what;
    EXPECT_NE(value.error().what.find(GetParam().part), std::string::npos) << value.error().what;
}
INSTANTIATE_TEST_SUITE_P(
    Json, RefusesJson,
    testing::Values(
        BadJsonCase{"empty", "", ErrorKind::kInvalid, "byte 0"},
        BadJsonCase{"depth_100000", std::string(100'000, '['), ErrorKind::kTooLarge, "deeper"},
        BadJsonCase{"objects_too_deep",
                    [] {
                        std::string text;
                        for (int i = 0; i < 50'000; ++i) text += R"({"a":)";
                        return text;
                    }(),
                    ErrorKind::kTooLarge, "deeper"},
        BadJsonCase{"too_big", std::string((1u << 20) + 1, ' '), ErrorKind::kTooLarge, "bytes"},
        BadJsonCase{"duplicate_key", R"({"a":1,"b":2,"a":3})", ErrorKind::kInvalid, "'a' comes"},
        BadJsonCase{"duplicate_by_escape", R"({"a":1,"\u0061":2})", ErrorKind::kInvalid, "twice"},
        BadJsonCase{"bad_utf8", "\"\xff\"", ErrorKind::kInvalid, "byte 1"},
        BadJsonCase{"overlong_utf8", "\"\xc0\xaf\"", ErrorKind::kInvalid, "byte"},
        BadJsonCase{"surrogate_utf8", "\"\xed\xa0\x80\"", ErrorKind::kInvalid, "byte"},
        BadJsonCase{"lone_surrogate", R"("\ud800")", ErrorKind::kInvalid, "byte"},
        BadJsonCase{"digits_37", "1.234567890123456789012345678901234567", ErrorKind::kInvalid,
                    "digits"},
        BadJsonCase{"huge_exponent", "1e9999", ErrorKind::kInvalid, "digits"},
        BadJsonCase{"long_number", std::string(100'000, '9'), ErrorKind::kInvalid, "digits"},
        BadJsonCase{"trailing", "{} x", ErrorKind::kInvalid, "byte 3"},
        BadJsonCase{"two_values", "1 2", ErrorKind::kInvalid, "byte"},
        BadJsonCase{"cut", R"({"a":[1,2)", ErrorKind::kInvalid, "byte"},
        BadJsonCase{"html", "<!DOCTYPE html>", ErrorKind::kInvalid, "byte 0"},
        BadJsonCase{"comma", "[1,]", ErrorKind::kInvalid, "byte"},
        BadJsonCase{"comment", "/* */ 1", ErrorKind::kInvalid, "byte 0"},
        BadJsonCase{"leading_zero", "01", ErrorKind::kInvalid, "byte"},
        BadJsonCase{"nan", "NaN", ErrorKind::kInvalid, "byte"},
        BadJsonCase{"raw_control", "\"a\nb\"", ErrorKind::kInvalid, "byte"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(Json, WritesWhatPeopleAndMachinesRead) {
    const Value value{Value::Map{{"amount", *Decimal::parse("12.50")},
                                 {"day", *parse_date("2026-01-05")},
                                 {"at", *parse_timestamp("2026-01-05T10:11:12Z")},
                                 {"text", "a\"b\\c\nd\x01"}}};
    EXPECT_EQ(to_json(value), R"({"amount":12.5,"at":"2026-01-05T10:11:12Z","day":"2026-01-05",)"
                              R"("text":"a\"b\\c\nd\u0001"})");
}

}  // namespace
}  // namespace syncline
