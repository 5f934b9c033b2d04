#include "shared/policy/coverage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

// ---- What proofs say is true of entities that they did not try. ----

constexpr const char* kObject = R"([policy]
name = "test"
[platforms.crm]
[objects.o.on.crm]
fields = ["*"]
founds = true
[objects.o.fields]
whole = "integer"
exact = "decimal"
text = "string"
short = { type = "string", length_max = 2 }
stage = { type = "enum", values = ["new", "old", "gone"], required = true }
flag = "bool"
day = "date"
at = "timestamp"
tags = "list"
)";

/// Random rules for one object, and random entities that its rules may tell apart.
class Generator {
public:
    explicit Generator(unsigned seed) : random_(seed) {}

    std::string rules() {
        std::string text;
        for (std::size_t i = 1 + below(5); i > 0; --i) text += rule(condition(2));
        return below(3) == 0 ? text + rule("") : text;
    }

    Fields entity() {
        Fields entity;
        entity.set(FieldName{"stage"}, any(std::array{"new", "old", "gone"}));
        maybe(entity, "whole", static_cast<std::int64_t>(below(9)) - 3);
        maybe(entity, "exact", Decimal::parse(std::to_string(below(60)) + "e-1").value());
        maybe(entity, "text", letters(3));
        maybe(entity, "short", letters(2));
        maybe(entity, "flag", below(2) == 0);
        maybe(entity, "day", Date{static_cast<std::int32_t>(20'460 + below(6))});
        maybe(entity, "at", Timestamp{1'767'744'000'000'000'000 + hours(below(72))});
        maybe(entity, "tags", Value::List(below(2), "x"));
        return entity;
    }

private:
    std::size_t below(std::size_t limit) { return random_() % limit; }
    template <std::size_t N>
    const char* any(const std::array<const char*, N>& of) {
        return of[below(N)];
    }
    static std::int64_t hours(std::size_t count) {
        return static_cast<std::int64_t>(count) * 3'600'000'000'000;
    }
    std::string letters(std::size_t most) {
        std::string text;
        for (std::size_t i = below(most + 1); i > 0; --i) text += any(std::array{"A", "U", "b"});
        return text;
    }
    void maybe(Fields& entity, const char* field, Value value) {
        if (below(4) != 0) entity.set(FieldName{field}, std::move(value));
    }

    static std::string rule(const std::string& when) {
        const std::string line = when.empty() ? "" : "when = '" + when + "'\n";
        return "[[objects.o.own]]\nfields = ['*']\nowner = 'crm'\n" + line;
    }
    std::string condition(int depth) {
        if (depth == 0 || below(3) == 0) return atom();
        switch (below(4)) {
            case 0: return "not (" + condition(depth - 1) + ")";
            case 1: return "(" + condition(depth - 1) + " and " + condition(depth - 1) + ")";
            default: return condition(depth - 1) + " or " + condition(depth - 1);
        }
    }
    std::string compares() { return any(std::array{" < ", " <= ", " > ", " >= ", " == ", " ~= "}); }
    std::string atom() {
        switch (below(12)) {
            case 0: return "whole" + compares() + any(std::array{"0", "1", "3", "1.5"});
            case 1: return "exact" + compares() + any(std::array{"0", "1", "2.5"});
            case 2: return "text" + compares() + any(std::array{"\"A\"", "\"U\"", "\"UA\""});
            case 3: return "short" + compares() + any(std::array{"\"AU\"", "\"UA\""});
            case 4: return "day" + compares() + "\"2026-01-08\"";
            case 5:
                return "at" + compares() +
                       any(std::array{"\"2026-01-08T00:00:00Z\"", "\"2026-01-08T12:00:00Z\""});
            case 6: return "one_of(stage, \"new\", \"old\")";
            case 7: return "empty(" + std::string{any(std::array{"text", "tags", "exact"})} + ")";
            case 8: return any(std::array{"flag", "flag == nil", "whole", "text ~= nil"});
            case 9: return "upper(stage) == \"NEW\"";
            case 10: return any(std::array{"whole + 1 > 2", "lower(text) == \"u\""});
            default: return "stage" + compares() + any(std::array{"\"new\"", "\"gone\""});
        }
    }

    std::mt19937 random_;
};

bool holds(const OwnershipRule& rule, const Fields& entity) {
    return !rule.when || rule.when->holds(entity).value_or(false);
}

class CoverageProof : public testing::TestWithParam<unsigned> {};
TEST_P(CoverageProof, IsTrueOfAnyEntity) {
    Generator generator{GetParam()};
    int proven = 0;
    int unruled = 0;
    int unreached = 0;
    for (int round = 0; round < 100; ++round) {
        const std::string text = generator.rules();
        const auto policy = parse_policy({{"x.toml", kObject + text}});
        ASSERT_TRUE(policy) << policy.error().what;
        const ObjectSpec& object = policy->objects.front();
        const FieldName field{"whole"};
        const Coverage coverage = coverage_of(object, rules_of(object, field));
        if (coverage.unruled) {
            ++unruled;
            EXPECT_EQ(object.rule(field, *coverage.unruled), nullptr) << text;
            for (const auto& [name, value] : *coverage.unruled) {
                EXPECT_TRUE(conforms(*object.field(name), value)) << display(value);
            }
        }
        for (const auto& [rule, covered_by, example] : coverage.unreached) {
            ++unreached;
            if (covered_by == nullptr) continue;
            EXPECT_TRUE(holds(*rule, example)) << text;
            EXPECT_EQ(object.rule(field, example), covered_by) << text;
        }
        if (!coverage.complete) continue;
        ++proven;
        for (int i = 0; i < 200; ++i) {
            const Fields entity = generator.entity();
            const OwnershipRule* rule = object.rule(field, entity);
            ASSERT_TRUE(rule != nullptr || coverage.unruled) << text;
            for (const auto& never : coverage.unreached) {
                ASSERT_NE(rule, never.rule) << text;
            }
        }
    }
    // All kinds of answers were looked at.
    EXPECT_GT(proven, 10);
    EXPECT_GT(unruled, 10);
    EXPECT_GT(unreached, 3);
}
INSTANTIATE_TEST_SUITE_P(Seeds, CoverageProof, testing::Range(1U, 6U));

// ---- What can be proven. ----

struct ProofCase {
    const char* name;
    std::string fields;
    std::vector<std::string> whens;
    bool complete;
    std::string unruled;  ///< Empty: no case is left.
};
void PrintTo(const ProofCase& row, std::ostream* out) { *out << row.name; }

class Proof : public testing::TestWithParam<ProofCase> {};
TEST_P(Proof, CoversOrShowsACase) {
    std::string text = R"([policy]
name = "test"
[platforms.crm]
[objects.o.on.crm]
fields = ["*"]
founds = true
[objects.o.fields]
)" + GetParam().fields;
    for (const std::string& when : GetParam().whens) {
        text += "[[objects.o.own]]\nfields = ['*']\nowner = 'crm'\nwhen = '" + when + "'\n";
    }
    const auto policy = parse_policy({{"x.toml", text}});
    ASSERT_TRUE(policy) << policy.error().what;
    const ObjectSpec& object = policy->objects.front();
    const Coverage coverage = coverage_of(object, rules_of(object, object.fields.front().name));
    std::string unruled;
    for (const auto& [name, value] : coverage.unruled.value_or(Fields{})) {
        unruled += name.text + "=" + display(value) + " ";
    }
    EXPECT_EQ(coverage.complete, GetParam().complete);
    EXPECT_EQ(unruled, GetParam().unruled);
}

std::string required(const std::string& name, const std::string& type) {
    return name + " = { type = '" + type + "', required = true }\n";
}
INSTANTIATE_TEST_SUITE_P(
    Domains, Proof,
    testing::Values(
        ProofCase{"a_split_of_numbers", required("n", "decimal"), {"n <= 5", "n > 5"}, true, ""},
        ProofCase{
            "a_gap_at_the_border", required("n", "decimal"), {"n < 5", "n > 5"}, true, "n=5 "},
        ProofCase{"a_gap_between_two_borders",
                  required("n", "decimal"),
                  {"n <= 5", "n >= 5.5"},
                  true,
                  "n=5.25 "},
        ProofCase{
            "no_whole_number_is_between", required("n", "integer"), {"n <= 5", "n >= 6"}, true, ""},
        ProofCase{"a_number_that_may_be_missing",
                  "n = 'integer'\n",
                  {"n <= 5", "n > 5"},
                  true,
                  "n=null "},
        ProofCase{"a_number_that_may_be_missing_and_is_asked_for",
                  "n = 'integer'\n",
                  {"n == nil", "n <= 5", "n > 5"},
                  true,
                  ""},
        ProofCase{"any_other_text", required("s", "string"), {"s == \"EU\""}, true, "s=\"\" "},
        ProofCase{"a_text_between",
                  required("s", "string"),
                  {"s <= \"EU\"", "s > \"US\""},
                  true,
                  "s=\"EUa\" "},
        ProofCase{"a_split_of_days",
                  required("d", "date"),
                  {"d < \"2026-01-05\"", "d > \"2026-01-05\""},
                  true,
                  "d=2026-01-05 "},
        ProofCase{"moments",
                  required("t", "timestamp"),
                  {"t <= \"2026-01-05T10:00:00Z\"", "t >= \"2026-01-05T10:00:02Z\""},
                  true,
                  "t=2026-01-05T10:00:01Z "},
        ProofCase{"two_fields_together",
                  required("b", "bool") + required("n", "integer"),
                  {"b", "n > 0", "n < 0"},
                  true,
                  "b=false n=0 "},
        ProofCase{"a_calculation_shows_a_case_at_most",
                  required("n", "integer"),
                  {"n + 1 > 5"},
                  false,
                  "n=0 "},
        ProofCase{"a_calculation_that_covers_is_not_proven",
                  required("n", "integer"),
                  {"n + 1 > 0", "n + 1 <= 0"},
                  false,
                  ""},
        ProofCase{"a_calculation_with_few_values_is_tried",
                  "e = { type = 'enum', values = ['a', 'b'], required = true }\n",
                  {"upper(e) == \"A\"", "lower(e) == \"b\""},
                  true,
                  ""}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace syncline
