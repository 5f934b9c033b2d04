#include "shared/policy/violation.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

struct ViolationCase {
    const char* name;
    FieldSpec field;
    Value value;
    const char* text;
};
void PrintTo(const ViolationCase& row, std::ostream* out) { *out << row.name; }
class Violations : public testing::TestWithParam<ViolationCase> {};
TEST_P(Violations, SayWhereWhatAndInsteadOfWhat) {
    const auto& [name, field, value, text] = GetParam();
    ASSERT_FALSE(conform(field, value));
    EXPECT_EQ(to_string(violation_of(field, value)), text);
}

FieldSpec a(FieldType type, Classification classification = Classification::kPublic) {
    FieldSpec field;
    field.name = FieldName{"a"};
    field.type = type;
    field.classification = classification;
    field.enum_values = {"x", "y"};
    field.length_max = type == FieldType::kString ? 3 : 0;
    return field;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Violations,
    testing::Values(
        ViolationCase{"type", a(FieldType::kDecimal), "much",
                      "/fields/a: expected a number, found \"much\""},
        ViolationCase{"whole", a(FieldType::kInteger), *Decimal::parse("1.5"),
                      "/fields/a: expected a whole number of 64 bits, found 1.5"},
        ViolationCase{"value", a(FieldType::kEnum), "z",
                      "/fields/a: expected one of x, y, found \"z\""},
        ViolationCase{"length", a(FieldType::kString), "abcd",
                      "/fields/a: expected at most 3 characters, found \"abcd\""},
        ViolationCase{"no_text", a(FieldType::kString), 7, "/fields/a: expected text, found 7"},
        ViolationCase{"long_value", a(FieldType::kDate), std::string(100, 'x'),
                      "/fields/a: expected a date (YYYY-MM-DD), found a longer value"},
        ViolationCase{"personal", a(FieldType::kDecimal, Classification::kPii), "much",
                      "/fields/a: expected a number, found text (pii)"},
        ViolationCase{"secret", a(FieldType::kBool, Classification::kSecret), Value::List{},
                      "/fields/a: expected true or false, found a list (secret)"}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace syncline
