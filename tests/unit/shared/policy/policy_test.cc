#include "shared/policy/policy.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

FieldSpec field(FieldType type) {
    FieldSpec spec;
    spec.name = FieldName{"f"};
    spec.type = type;
    if (type == FieldType::kEnum) spec.enum_values = {"low", "high"};
    return spec;
}

Decimal number(std::string_view text) { return Decimal::parse(text).value(); }

struct ConformCase {
    const char* name;
    FieldType type;
    Value in;
    std::optional<Value> out;
};
class Conform : public testing::TestWithParam<ConformCase> {};
TEST_P(Conform, TakesTheTypeOrRefuses) {
    const auto value = conform(field(GetParam().type), GetParam().in);
    if (!GetParam().out) {
        ASSERT_FALSE(value) << display(*value);
        EXPECT_EQ(value.error().kind, ErrorKind::kInvalid);
        return;
    }
    ASSERT_TRUE(value) << value.error().what;
    EXPECT_EQ(*value, *GetParam().out);
}
using enum FieldType;
INSTANTIATE_TEST_SUITE_P(
    Types, Conform,
    testing::Values(ConformCase{"null_is_of_every_type", kInteger, Value{}, Value{}},
                    ConformCase{"string", kString, "x", Value{"x"}},
                    ConformCase{"no_string_of_number", kString, 5, std::nullopt},
                    ConformCase{"integer", kInteger, 5, Value{5}},
                    ConformCase{"integer_of_whole_decimal", kInteger, number("5.0"), Value{5}},
                    ConformCase{"no_integer_of_fraction", kInteger, number("5.5"), std::nullopt},
                    ConformCase{"no_integer_of_text", kInteger, "5", std::nullopt},
                    ConformCase{"no_integer_beyond_64_bits", kInteger, number("1e20"),
                                std::nullopt},
                    ConformCase{"decimal", kDecimal, number("5.5"), Value{number("5.5")}},
                    ConformCase{"decimal_of_integer", kDecimal, 5, Value{Decimal{5}}},
                    ConformCase{"bool", kBool, true, Value{true}},
                    ConformCase{"no_bool_of_number", kBool, 1, std::nullopt},
                    ConformCase{"date", kDate, Date{1}, Value{Date{1}}},
                    ConformCase{"date_of_text", kDate, "1970-01-02", Value{Date{1}}},
                    ConformCase{"no_date_of_timestamp", kDate, Timestamp{0}, std::nullopt},
                    ConformCase{"timestamp_of_text", kTimestamp, "1970-01-01T01:00:00+01:00",
                                Value{Timestamp{0}}},
                    ConformCase{"no_timestamp_of_date", kTimestamp, "1970-01-01", std::nullopt},
                    ConformCase{"enum", kEnum, "low", Value{"low"}},
                    ConformCase{"no_enum_of_other_text", kEnum, "Low", std::nullopt},
                    ConformCase{"no_enum_of_number", kEnum, 1, std::nullopt},
                    ConformCase{"list", kList, Value::List{1}, Value{Value::List{1}}},
                    ConformCase{"no_list_of_text", kList, "a", std::nullopt},
                    ConformCase{"map", kMap, Value::Map{{"a", 1}}, Value{Value::Map{{"a", 1}}}},
                    ConformCase{"no_map_of_list", kMap, Value::List{}, std::nullopt}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(Conform, CutsNoString) {
    FieldSpec spec = field(kString);
    spec.length_max = 3;
    EXPECT_TRUE(conform(spec, "\xC3\xA4\xC3\xB6\xC3\xBC"));  // Three characters.
    EXPECT_EQ(conform(spec, "abcd").error().what, "`f` must be at most 3 characters, not \"abcd\"");
}

TEST(Conform, SaysWhatIsWrongButNoPersonalData) {
    FieldSpec spec = field(kEnum);
    EXPECT_EQ(conform(spec, "middle").error().what, "`f` must be one of low, high, not \"middle\"");
    EXPECT_EQ(conform(field(kDate), "soon").error().what,
              "`f` must be a date (YYYY-MM-DD), not \"soon\"");
    for (const auto classification : {Classification::kPii, Classification::kSecret}) {
        spec.classification = classification;
        EXPECT_EQ(conform(spec, "middle").error().what, "`f` must be one of low, high");
    }
}

struct MatchCase {
    const char* name;
    Normaliser normaliser;
    Value value;
    std::optional<std::string> key;
};
class MatchText : public testing::TestWithParam<MatchCase> {};
TEST_P(MatchText, IsNormalised) {
    const MatchRule rule{"r", {{FieldName{"f"}, GetParam().normaliser}}, {}};
    EXPECT_EQ(match_text(rule, {{FieldName{"f"}, GetParam().value}}), GetParam().key);
}
using enum Normaliser;
INSTANTIATE_TEST_SUITE_P(Normalisers, MatchText,
                         testing::Values(MatchCase{"exact", kExact, " A b", " A b"},
                                         MatchCase{"exact_number", kExact, 42, "42"},
                                         MatchCase{"exact_decimal", kExact, number("1.50"), "1.5"},
                                         MatchCase{"lower", kLower, "  Ann\t\n LEE ", "ann lee"},
                                         MatchCase{"lower_leaves_other_letters", kLower,
                                                   "\xC3\x84 B", "\xC3\x84 b"},
                                         MatchCase{"lower_of_blanks", kLower, " \t ", std::nullopt},
                                         MatchCase{"digits", kDigits, "+41 (0)79-001", "41079001"},
                                         MatchCase{"digits_of_none", kDigits, "n/a", std::nullopt},
                                         MatchCase{"alnum", kAlnum, "AB-12.c ", "ab12c"},
                                         MatchCase{"empty", kExact, "", std::nullopt},
                                         MatchCase{"null", kExact, Value{}, std::nullopt},
                                         MatchCase{"list", kExact, Value::List{"a"}, std::nullopt}),
                         [](const auto& row) { return std::string{row.param.name}; });

TEST(MatchText, OfSeveralPartsIsUnambiguous) {
    const MatchRule rule{"r", {{FieldName{"a"}}, {FieldName{"b"}}}, {}};
    EXPECT_EQ(match_text(rule, {{FieldName{"a"}, "x1:"}, {FieldName{"b"}, "y"}}), "3:x1:1:y");
    EXPECT_NE(match_text(rule, {{FieldName{"a"}, "x"}, {FieldName{"b"}, "1:y"}}), "3:x1:1:y");
    EXPECT_EQ(match_text(rule, {{FieldName{"a"}, "x"}}), std::nullopt);
    EXPECT_EQ(match_text(MatchRule{}, {}), std::nullopt);
}

class Rules : public testing::Test {
protected:
    static OwnershipRule rule(const char* owner, std::optional<std::string> when) {
        OwnershipRule rule;
        rule.fields = {FieldName{"name"}};
        rule.owner = PlatformId{owner};
        if (when) rule.when = Expression::parse(*when).value();
        return rule;
    }
    std::string owner_of(const Fields& entity) const {
        const OwnershipRule* found = object_.rule(FieldName{"name"}, entity);
        return found == nullptr ? "nobody" : found->owner.text;
    }
    ObjectSpec object_;
};

TEST_F(Rules, AreTriedInOrder) {
    object_.ownership = {rule("crm", "stage == 'prospect'"), rule("erp", std::nullopt),
                         rule("support", std::nullopt)};
    EXPECT_EQ(owner_of({{FieldName{"stage"}, "prospect"}}), "crm");
    EXPECT_EQ(owner_of({{FieldName{"stage"}, "active"}}), "erp");
    EXPECT_EQ(owner_of({}), "erp");
    EXPECT_EQ(object_.rule(FieldName{"other"}, {}), nullptr);
}

TEST_F(Rules, WhoseConditionFailsDoNotHold) {
    object_.ownership = {rule("crm", "amount > 5"), rule("erp", "amount <= 5")};
    EXPECT_EQ(owner_of({{FieldName{"amount"}, 6}}), "crm");
    EXPECT_EQ(owner_of({{FieldName{"amount"}, 5}}), "erp");
    EXPECT_EQ(owner_of({}), "nobody");
}

TEST(Policy, FindsByName) {
    Policy policy;
    policy.objects.resize(2);
    policy.objects[0].name = ObjectName{"a"};
    policy.objects[1].name = ObjectName{"c"};
    policy.objects[1].fields = {field(kString)};
    policy.objects[1].bindings.resize(1);
    policy.objects[1].bindings[0].platform = PlatformId{"crm"};
    EXPECT_EQ(policy.object(ObjectName{"c"}), &policy.objects[1]);
    EXPECT_EQ(policy.object(ObjectName{"b"}), nullptr);
    EXPECT_EQ(policy.object(ObjectName{"d"}), nullptr);
    EXPECT_NE(policy.objects[1].field(FieldName{"f"}), nullptr);
    EXPECT_EQ(policy.objects[1].field(FieldName{"g"}), nullptr);
    EXPECT_NE(policy.objects[1].binding(PlatformId{"crm"}), nullptr);
    EXPECT_EQ(policy.objects[1].binding(PlatformId{"erp"}), nullptr);
}

}  // namespace
}  // namespace syncline
