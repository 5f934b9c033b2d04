#include "shared/contracts/compatibility.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "shared/policy/policy_toml.h"

namespace syncline::contracts {
namespace {

/// A policy with one object; `head` are lines of its table, `fields` of its fields' table.
Policy policy_of(const std::string& fields, const std::string& head = "") {
    const auto policy =
        parse_policy({{"x.toml", "[policy]\nname = \"p\"\n[platforms.crm]\n[objects.o]\n" + head +
                                     "\n[objects.o.fields]\n" + fields}});
    EXPECT_TRUE(policy) << policy.error().what;
    return policy.value_or(Policy{});
}

// ---- What breaks what. ----------------------------------------------------------------------

struct RuleCase {
    Difference difference;
    const char*
        broken;  ///< Those of none, backward, forward, full that it breaks, by first letter.
};
class Rules : public testing::TestWithParam<RuleCase> {};
TEST_P(Rules, BreakWhatThePromiseSays) {
    std::string broken;
    for (const Compatibility promised : {Compatibility::kNone, Compatibility::kBackward,
                                         Compatibility::kForward, Compatibility::kFull}) {
        if (breaks(GetParam().difference, promised)) {
            broken += promised == Compatibility::kFull ? "F" : std::string{name_of(promised)[0]};
        }
    }
    EXPECT_EQ(broken, GetParam().broken) << name_of(GetParam().difference);
}
using enum Difference;
// A capital letter is `full`; nothing ever breaks `none`.
const RuleCase kRules[] = {
    {kObjectRemoved, "bF"},         {kFieldAdded, ""},
    {kRequiredFieldAdded, "bF"},    {kFieldRemoved, "bF"},
    {kRequiredFieldRemoved, "bfF"}, {kFieldRenamed, ""},
    {kRequiredFieldRenamed, "fF"},  {kTypeWidened, "fF"},
    {kTypeNarrowed, "bF"},          {kTypeChanged, "bfF"},
    {kEnumValueAdded, "fF"},        {kEnumValueRemoved, "bF"},
    {kLengthRaised, "fF"},          {kLengthLowered, "bF"},
    {kRequiredAdded, "bF"},         {kRequiredDropped, "fF"},
};
INSTANTIATE_TEST_SUITE_P(All, Rules, testing::ValuesIn(kRules), [](const auto& row) {
    return std::string{name_of(row.param.difference)};
});
TEST(ContractRules, AreTestedAll) {
    for (const Difference difference : kDifferences) {
        EXPECT_TRUE(std::ranges::find(kRules, difference, &RuleCase::difference) !=
                    std::end(kRules))
            << name_of(difference);
    }
}

// ---- What a difference is. ------------------------------------------------------------------

struct DifferenceCase {
    const char* name;
    const char* before;
    const char* after;
    std::vector<std::string> found;
};
void PrintTo(const DifferenceCase& row, std::ostream* out) { *out << row.name; }
class Differences : public testing::TestWithParam<DifferenceCase> {};
TEST_P(Differences, AreFound) {
    std::vector<std::string> found;
    for (const ContractChange& change :
         changes_between(policy_of(GetParam().before), policy_of(GetParam().after))) {
        found.push_back(std::string{name_of(change.difference)} + ": " + change.what);
    }
    EXPECT_EQ(found, GetParam().found);
}
INSTANTIATE_TEST_SUITE_P(
    Cases, Differences,
    testing::Values(
        DifferenceCase{"none", "a = 'string'", "a = 'string'", {}},
        DifferenceCase{"classification_is_none",
                       "a = 'string'",
                       "a = { type = 'string', classification = 'pii' }",
                       {}},
        DifferenceCase{
            "added", "a = 'string'", "a = 'string'\nb = 'integer'", {"field_added: `b` is new"}},
        DifferenceCase{"added_and_required",
                       "a = 'string'",
                       "a = 'string'\nb = { type = 'integer', required = true }",
                       {"required_field_added: `b` is new and required"}},
        DifferenceCase{"removed",
                       "a = 'string'\nb = 'string'",
                       "a = 'string'",
                       {"field_removed: `b` is gone"}},
        DifferenceCase{"removed_though_required",
                       "a = 'string'\nb = { type = 'string', required = true }",
                       "a = 'string'",
                       {"required_field_removed: `b` is gone and was required"}},
        DifferenceCase{"renamed",
                       "a = 'string'",
                       "b = { type = 'string', renamed_from = ['a'] }",
                       {"field_renamed: `a` is `b` now"}},
        DifferenceCase{"renamed_though_required",
                       "a = { type = 'string', required = true }",
                       "b = { type = 'string', required = true, renamed_from = ['z', 'a'] }",
                       {"required_field_renamed: `a` is `b` now"}},
        DifferenceCase{
            "renamed_and_widened",
            "a = 'integer'",
            "b = { type = 'decimal', renamed_from = ['a'] }",
            {"field_renamed: `a` is `b` now", "type_widened: `b` was an integer and is a decimal"}},
        DifferenceCase{"two_that_become_one",
                       "a = 'string'\nb = 'string'",
                       "b = { type = 'string', renamed_from = ['a'] }",
                       {"field_removed: `a` is gone"}},
        DifferenceCase{"widened",
                       "a = 'integer'",
                       "a = 'decimal'",
                       {"type_widened: `a` was an integer and is a decimal"}},
        DifferenceCase{"narrowed",
                       "a = 'decimal'",
                       "a = 'integer'",
                       {"type_narrowed: `a` was a decimal and is an integer"}},
        DifferenceCase{"enum_to_text",
                       "a = { type = 'enum', values = ['x', 'y'] }",
                       "a = 'string'",
                       {"type_widened: `a` was an enum and is a string"}},
        DifferenceCase{"enum_to_short_text",
                       "a = { type = 'enum', values = ['x', 'yy'] }",
                       "a = { type = 'string', length_max = 1 }",
                       {"type_changed: `a` was an enum and is a string"}},
        DifferenceCase{"text_to_enum",
                       "a = 'string'",
                       "a = { type = 'enum', values = ['x'] }",
                       {"type_narrowed: `a` was a string and is an enum"}},
        DifferenceCase{"date_to_timestamp",
                       "a = 'date'",
                       "a = 'timestamp'",
                       {"type_changed: `a` was a date and is a timestamp"}},
        DifferenceCase{
            "enum_values",
            "a = { type = 'enum', values = ['x', 'y'] }",
            "a = { type = 'enum', values = ['y', 'z', 'w'] }",
            {"enum_value_added: `a` may be z, w", "enum_value_removed: `a` may no longer be x"}},
        DifferenceCase{"longer",
                       "a = { type = 'string', length_max = 4 }",
                       "a = { type = 'string', length_max = 5 }",
                       {"length_raised: `a` had length_max = 4 and has length_max = 5"}},
        DifferenceCase{"any_length",
                       "a = { type = 'string', length_max = 4 }",
                       "a = 'string'",
                       {"length_raised: `a` had length_max = 4 and has no length_max"}},
        DifferenceCase{"shorter",
                       "a = 'string'",
                       "a = { type = 'string', length_max = 5 }",
                       {"length_lowered: `a` had no length_max and has length_max = 5"}},
        DifferenceCase{"required",
                       "a = 'string'",
                       "a = { type = 'string', required = true }",
                       {"required_added: `a` is required by now"}},
        DifferenceCase{"required_no_more",
                       "a = { type = 'string', required = true }",
                       "a = 'string'",
                       {"required_dropped: `a` is not required any more"}}),
    [](const auto& row) { return std::string{row.param.name}; });

/// What keeps its promise is as it says: every value that the one contract takes, the other takes.
TEST(ContractRules, AgreeWithWhatTheCoreTakes) {
    static constexpr const char* kTypes[] = {"'string'",
                                             "'integer'",
                                             "'decimal'",
                                             "'bool'",
                                             "'date'",
                                             "'timestamp'",
                                             "'list'",
                                             "'map'",
                                             "{ type = 'string', length_max = 3 }",
                                             "{ type = 'string', length_max = 1 }",
                                             "{ type = 'enum', values = ['x', 'yyy'] }",
                                             "{ type = 'enum', values = ['x'] }"};
    const Value values[] = {"x",
                            "yyy",
                            "yyyy",
                            "",
                            "2026-01-05",
                            "2026-01-05T10:11:12Z",
                            5,
                            *Decimal::parse("5.5"),
                            *Decimal::parse("99999999999999999999"),
                            true,
                            Date{4},
                            Timestamp{4},
                            Value::List{},
                            Value::Map{}};
    for (const char* one : kTypes) {
        for (const char* other : kTypes) {
            const Policy before = policy_of(std::string{"a = "} + one);
            const Policy after = policy_of(std::string{"a = "} + other);
            const FieldSpec& was = before.objects[0].fields[0];
            const FieldSpec& is = after.objects[0].fields[0];
            Breaks broken;
            for (const ContractChange& change : changes_between(before, after)) {
                broken.backward |= breaks(change.difference).backward;
                broken.forward |= breaks(change.difference).forward;
            }
            Breaks seen;
            for (const Value& value : values) {
                seen.backward |= conform(was, value).has_value() && !conform(is, value);
                seen.forward |= conform(is, value).has_value() && !conform(was, value);
            }
            EXPECT_EQ(broken, seen) << one << " -> " << other;
        }
    }
}

// ---- What may come into force. --------------------------------------------------------------

std::vector<std::string> findings(const Policy& before, const Policy& after) {
    std::vector<std::string> texts;
    for (const Finding& finding : check_evolution(before, after)) {
        texts.push_back(to_string(finding));
    }
    return texts;
}

TEST(Evolution, RefusesWhatBreaksAPromise) {
    EXPECT_EQ(
        findings(policy_of("a = 'decimal'\nb = 'string'"), policy_of("a = 'integer'")),
        (std::vector<std::string>{
            "x.toml:4:1: error: `b` is gone (field_removed), and compatibility = \"backward\" "
            "promises that what version 1 of the contract wrote is understood, whole "
            "[policy.contract_broken]; write version = 2 under [objects.o] if that is meant, "
            "or renamed_from = [\"b\"] at the field that it is now",
            "x.toml:7:5: error: `a` was a decimal and is an integer (type_narrowed), and "
            "compatibility = \"backward\" promises that what version 1 of the contract wrote "
            "is understood, whole [policy.contract_broken]; write version = 2 under "
            "[objects.o] if that is meant"}));
}

TEST(Evolution, TakesItUnderARaisedVersion) {
    const auto found =
        check_evolution(policy_of("a = 'decimal'"), policy_of("a = 'integer'", "version = 2"));
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].severity, Severity::kWarning);
    EXPECT_EQ(found[0].code, kBrokenByVersion);
}

TEST(Evolution, GoesByThePromiseThatWasGiven) {
    const Policy none = policy_of("a = 'decimal'", "compatibility = 'none'");
    const Policy full = policy_of("a = 'decimal'", "compatibility = 'full'");
    EXPECT_TRUE(findings(none, policy_of("a = 'date'", "compatibility = 'full'")).empty());
    EXPECT_EQ(findings(full, policy_of("a = 'date'", "compatibility = 'none'")).size(), 1u);
    EXPECT_TRUE(findings(full, policy_of("a = 'decimal'\nb = 'date'")).empty());
}

TEST(Evolution, RefusesALowerVersion) {
    EXPECT_EQ(findings(policy_of("a = 'string'", "version = 3"),
                       policy_of("a = 'string'", "version = 2")),
              (std::vector<std::string>{
                  "x.toml:4:1: error: the contract of `o` has version 2 and had 3 "
                  "[policy.contract_version_lowered]; versions only go up; `policy rollback` goes "
                  "back as a whole"}));
}

TEST(Evolution, LetsAnObjectGoOnlyIfNothingIsPromised) {
    const Policy after = *parse_policy({{"y.toml", "[policy]\nname = 'p'\n"}});
    EXPECT_EQ(findings(policy_of("a = 'string'"), after).size(), 1u);
    EXPECT_EQ(findings(policy_of("a = 'string'", "compatibility = 'forward'"), after).size(), 0u);
    EXPECT_TRUE(findings(after, policy_of("a = 'string'")).empty()) << "a new one breaks nothing";
}

}  // namespace
}  // namespace syncline::contracts
