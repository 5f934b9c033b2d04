#include "shared/policy/exception_rules.h"

#include <gtest/gtest.h>

#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

constexpr const char* kObject = R"([policy]
name = "test"
[platforms.crm]
[platforms.erp]
[objects.o.fields]
stage = { type = 'enum', values = ['new', 'old'], required = true }
a = 'string'
n = 'integer'
[[objects.o.own]]
fields = ['*']
owner = 'crm'
[objects.o.on.crm]
fields = ['*']
founds = true
on_delete = 'review'
[objects.o.on.erp]
fields = ['a']
receives = true
on_delete = 'review'
)";

Policy policy_of(const std::string& rules) {
    auto policy = parse_policy({{"a.toml", kObject}, {"x.toml", rules}});
    EXPECT_TRUE(policy) << policy.error().what;
    return policy ? *std::move(policy) : Policy{};
}

TEST(ExceptionRules, AreReadInTheirOrder) {
    const Policy policy = policy_of(R"(
[[exceptions]]
kind = ["command.*", "delete.review"]
object = "o"
platform = "erp"
fields = "a"
when = 'stage == "new"'
severity = "critical"
assignee = "finance"
due_s = 14400
[[exceptions]]
material = false
)");
    ASSERT_EQ(policy.exceptions.size(), 2U);
    const ExceptionRule& rule = policy.exceptions[0];
    EXPECT_EQ(rule.kinds, (std::vector<std::string>{"command.*", "delete.review"}));
    EXPECT_EQ(rule.object, ObjectName{"o"});
    EXPECT_EQ(rule.platform, PlatformId{"erp"});
    EXPECT_EQ(rule.fields, std::vector{FieldName{"a"}});
    EXPECT_EQ(rule.when->text(), "stage == \"new\"");
    EXPECT_EQ(rule.severity, ExceptionSeverity::kCritical);
    EXPECT_EQ(rule.assignee, "finance");
    EXPECT_EQ(rule.due, std::chrono::hours{4});
    EXPECT_TRUE(rule.material);
    EXPECT_EQ(to_string(rule.place), "x.toml:2:1");
    EXPECT_FALSE(policy.exceptions[1].material);
}

TEST(ExceptionRules, ThatCannotBeReadAreToldAtTheirPlaces) {
    const auto policy = parse_policy({{"a.toml", kObject}, {"x.toml", R"([[exceptions]]
kind = []
fields = ["a"]
when = "stage =="
severity = "hgh"
[[exceptions]]
object = "o"
[[exceptions]]
due_s = 0
assigne = "x"
)"}});
    ASSERT_FALSE(policy);
    for (const char* part :
         {"x.toml:2:8: `exceptions.kind` must name at least one",
          "x.toml:3:1: `exceptions.fields` needs `object`: whose fields?",
          "x.toml:4:8: `exceptions.when` is no expression",
          "x.toml:5:12: `exceptions.severity` must be \"info\", \"warning\", \"error\" or "
          "\"critical\"",
          "x.toml:6:1: `exceptions.severity` is missing, and so are `assignee`, `due_s` and "
          "`material`: the rule says nothing",
          "x.toml:9:9: `exceptions.due_s` must be",
          "x.toml:10:1: unknown key `exceptions.assigne`; did you mean `assignee`?"}) {
        EXPECT_NE(policy.error().what.find(part), std::string::npos) << policy.error().what;
    }
}

TEST(ExceptionRules, TheFirstThatHoldsWins) {
    const Policy policy = policy_of(R"(
[[exceptions]]
kind = "command.*"
object = "o"
fields = ["n"]
severity = "info"
[[exceptions]]
object = "o"
when = 'n ~= nil and n > 5'
severity = "critical"
[[exceptions]]
platform = "erp"
severity = "warning"
)");
    const ObjectName object{"o"};
    const ObjectName other{"p"};
    const Fields big{{FieldName{"n"}, Value{std::int64_t{6}}}};
    const std::vector<FieldName> about_a{FieldName{"a"}};
    const std::vector<FieldName> about_both{FieldName{"a"}, FieldName{"n"}};
    const auto line = [&](std::string_view kind, const ObjectName& of, const char* platform,
                          const std::vector<FieldName>& fields, const Fields& values) {
        const ExceptionRule* rule =
            rule_for(policy.exceptions, {kind, of, PlatformId{platform}, fields, values});
        return rule == nullptr ? 0U : rule->place.line;
    };
    EXPECT_EQ(line("command.rejected", object, "erp", about_both, big), 2U);
    EXPECT_EQ(line("command.rejected", object, "erp", about_a, big), 7U);
    EXPECT_EQ(line("ownership.review", object, "crm", about_both, big), 7U);
    EXPECT_EQ(line("ownership.review", object, "erp", {}, {}), 11U);
    EXPECT_EQ(line("command.rejected", other, "erp", about_both, big), 11U);
    EXPECT_EQ(line("broker.amnesia", other, "", {}, {}), 0U);
}

TEST(ExceptionRules, AStarStandsForAnyText) {
    EXPECT_TRUE(is_like("command.rejected", "command.*"));
    EXPECT_TRUE(is_like("command.rejected", "*"));
    EXPECT_TRUE(is_like("command.rejected", "*.re*d"));
    EXPECT_FALSE(is_like("command.rejected", "command"));
    EXPECT_FALSE(is_like("command.rejected", "*.gave*"));
    EXPECT_TRUE(is_like("", "*"));
    EXPECT_TRUE(is_like("aXbXb", "a*b"));
    EXPECT_FALSE(is_like("", "a*"));
    EXPECT_TRUE(is_like("", "**"));
    // Whoever asks over HTTP writes the pattern: many stars must not take for ever.
    std::string stars;
    for (int i = 0; i < 200; ++i) stars += "*a";
    EXPECT_FALSE(is_like(std::string(400, 'a') + "b", stars));
    EXPECT_TRUE(is_like(std::string(400, 'a'), stars));
}

struct RulesCase {
    const char* name;
    std::string rules;
    std::vector<std::string> findings;
};
void PrintTo(const RulesCase& row, std::ostream* out) { *out << row.name; }
class CheckOfRules : public testing::TestWithParam<RulesCase> {};

TEST_P(CheckOfRules, Finds) {
    std::vector<std::string> texts;
    for (const Finding& finding : check(policy_of(GetParam().rules))) {
        texts.push_back(to_string(finding));
    }
    EXPECT_EQ(texts, GetParam().findings);
}

std::string rule(const std::string& matches) {
    return "[[exceptions]]\nseverity = 'info'\n" + matches + "\n";
}
const std::string kNever = "error: this rule never applies: ";

INSTANTIATE_TEST_SUITE_P(
    Names, CheckOfRules,
    testing::Values(
        RulesCase{"nothing_where_all_is_well",
                  rule("kind = 'ownership.*'\nobject = 'o'\nfields = ['a', 'stage']") +
                      rule("platform = 'erp'") + rule(""),
                  {}},
        RulesCase{"a_kind_that_is_none",
                  rule("kind = ['ownership.reviw', 'x.*']"),
                  {"x.toml:1:1: error: `kind` names `ownership.reviw`, which is no kind of "
                   "exception [policy.unknown_exception_kind]; did you mean `ownership.review`?",
                   "x.toml:1:1: error: `kind` names `x.*`, which is no kind of exception "
                   "[policy.unknown_exception_kind]"}},
        RulesCase{"an_object_that_is_none",
                  rule("object = 'oo'"),
                  {"x.toml:1:1: error: `object` names `oo`, which is no object of this policy "
                   "[policy.unknown_object]; did you mean `o`?"}},
        RulesCase{"a_platform_that_is_none",
                  rule("platform = 'cmr'"),
                  {"x.toml:1:1: error: `platform` names `cmr`, which is no platform of this policy "
                   "[policy.unknown_platform]; did you mean `crm`?"}},
        RulesCase{"a_field_that_is_none",
                  rule("object = 'o'\nfields = 'stagee'"),
                  {"x.toml:1:1: error: `fields` names `stagee`, which is no field of `o` "
                   "[policy.unknown_field]; did you mean `stage`?"}},
        RulesCase{"a_condition_that_names_and_compares_wrongly",
                  rule("object = 'o'\nwhen = 'zz or stage == \"ol\" or n == \"1\"'"),
                  {"x.toml:1:1: error: `when` compares `n` with \"1\", which is of another type "
                   "[policy.literal_type]; write numbers, true and false without quotes",
                   "x.toml:1:1: error: `when` compares `stage` with \"ol\", which is none of its "
                   "values (new, old) [policy.unknown_enum_value]; did you mean `old`?",
                   "x.toml:1:1: error: `when` names `zz`, which `o` does not have "
                   "[policy.unknown_field]"}}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Reach, CheckOfRules,
    testing::Values(
        RulesCase{"one_behind_all",
                  rule("") + rule("kind = 'command.*'"),
                  {"x.toml:4:1: " + kNever +
                   "in each case an earlier one does; for `command.gave_up` of `o` on `crm`, that "
                   "at x.toml:1:1 [policy.unreachable_rule]; move it up, or narrow the earlier "
                   "rules"}},
        RulesCase{"one_behind_several_that_share_its_cases",
                  rule("kind = 'delete.review'\nplatform = 'crm'") +
                      rule("kind = 'delete.*'\nplatform = 'erp'") + rule("kind = 'delete.review'"),
                  {"x.toml:9:1: " + kNever +
                   "in each case an earlier one does; for `delete.review` of `o` on `crm`, that at "
                   "x.toml:1:1 [policy.unreachable_rule]; move it up, or narrow the earlier "
                   "rules"}},
        RulesCase{"fields_that_earlier_ones_have",
                  rule("object = 'o'\nfields = 'a'") + rule("object = 'o'\nfields = 'n'") +
                      rule("object = 'o'\nfields = ['a', 'n']"),
                  {"x.toml:9:1: " + kNever +
                   "in each case an earlier one does; for `change.contract` of `o` on `crm`, about "
                   "`a`, that at x.toml:1:1 [policy.unreachable_rule]; move it up, or narrow the "
                   "earlier rules"}},
        RulesCase{"not_one_whose_field_is_left",
                  rule("object = 'o'\nfields = 'a'") + rule("object = 'o'\nfields = ['a', 'n']"),
                  {}},
        RulesCase{"a_condition_that_holds_nowhere",
                  rule("object = 'o'\nwhen = 'n > 5 and n < 5'"),
                  {"x.toml:1:1: " + kNever +
                   "its `when` holds in no case, or only where an earlier rule does "
                   "[policy.unreachable_rule]; correct the condition, move the rule up, or drop "
                   "it"}},
        RulesCase{"a_condition_within_an_earlier_one",
                  rule("object = 'o'\nwhen = 'n ~= nil and n > 5'") +
                      rule("object = 'o'\nwhen = 'n ~= nil and n > 9'"),
                  {"x.toml:5:1: " + kNever +
                   "its `when` holds in no case, or only where an earlier rule does "
                   "[policy.unreachable_rule]; correct the condition, move the rule up, or drop "
                   "it"}},
        RulesCase{"not_where_a_required_field_may_be_missing_yet",
                  rule("object = 'o'\nwhen = 'stage == \"new\"'") +
                      rule("object = 'o'\nwhen = 'stage == \"old\"'") + rule("object = 'o'"),
                  {}},
        RulesCase{"a_platform_that_does_not_hold_the_field",
                  rule("kind = 'ownership.*'\nobject = 'o'\nplatform = 'erp'\nfields = 'n'"),
                  {"x.toml:1:1: " + kNever +
                   "no exception is of these kinds, object, platform and fields "
                   "[policy.unreachable_rule]; see `synclinectl exceptions kinds`, and which "
                   "platforms hold the fields"}}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace syncline
