#include "shared/policy/check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

constexpr const char* kCheckHead = R"([policy]
name = "test"
[platforms.crm]
[platforms.erp]
[platforms.web]
)";

std::vector<std::string> findings_of(const std::string& object) {
    const auto policy = parse_policy({{"head.toml", kCheckHead}, {"x.toml", object}});
    EXPECT_TRUE(policy) << policy.error().what;
    std::vector<std::string> texts;
    if (policy) {
        for (const Finding& finding : check(*policy)) texts.push_back(to_string(finding));
    }
    return texts;
}

struct CheckCase {
    const char* name;
    std::string object;
    std::vector<std::string> findings;
};
void PrintTo(const CheckCase& row, std::ostream* out) { *out << row.name; }
class Check : public testing::TestWithParam<CheckCase> {};
TEST_P(Check, Finds) { EXPECT_EQ(findings_of(GetParam().object), GetParam().findings); }

const std::string kStage = "stage = { type = 'enum', values = ['new', 'old'], required = true }\n";

/// An object whose fields and rules are given; crm and erp hold everything. Fields begin in line 7.
std::string object(const std::string& fields, const std::string& rest) {
    return "[objects.o.on]\ncrm = { fields = ['*'], founds = true, on_delete = 'review' }\n"
           "erp = { fields = ['*'], receives = true, on_delete = 'review' }\n\n\n"
           "[objects.o.fields]\n" +
           fields + rest;
}
/// A third platform.
std::string web(const std::string& more) {
    return "[objects.o.on.web]\nreceives = true\non_delete = 'review'\n" + more;
}
std::string rule(const std::string& fields, const std::string& more) {
    return "[[objects.o.own]]\nfields = [" + fields + "]\n" + more + "\n";
}
const std::string kAll = rule("'*'", "owner = 'crm'");

INSTANTIATE_TEST_SUITE_P(
    Names, Check,
    testing::Values(
        CheckCase{"nothing_in_a_clean_policy", object("a = 'string'\n", kAll), {}},
        CheckCase{"unknown_field_in_rule",
                  object("name = 'string'\n", rule("'nmae'", "owner = 'crm'") + kAll),
                  {"x.toml:8:1: error: a rule names `nmae`, which `o` does not have "
                   "[policy.unknown_field]; did you mean `name`?"}},
        CheckCase{"unknown_field_in_when",
                  object("a = 'string'\n", rule("'a'", "owner = 'crm'\nwhen = 'zzz == 1'") + kAll),
                  {"x.toml:8:1: error: `when` names `zzz`, which `o` does not have "
                   "[policy.unknown_field]"}},
        CheckCase{"unknown_field_in_match",
                  object("a = { type = 'string', required = true }\n",
                         kAll + "[[objects.o.match]]\nname = 'm'\non = ['b9']\n"),
                  {"x.toml:11:1: error: match rule `m` names `b9`, which `o` does not have "
                   "[policy.unknown_field]"}},
        CheckCase{"unknown_field_in_binding",
                  object("a = 'string'\n", kAll + web("fields = ['zzz']\n")),
                  {"x.toml:11:1: error: [objects.o.on.web] names `zzz`, which `o` does not have "
                   "[policy.unknown_field]"}},
        CheckCase{"unknown_field_in_receives_when",
                  object("a = 'string'\n", kAll + web("fields = ['a']\nreceives_when = 'zzz'\n")),
                  {"x.toml:11:1: error: `receives_when` names `zzz`, which `o` does not have "
                   "[policy.unknown_field]"}},
        CheckCase{"unknown_owner",
                  object("a = 'string'\n", rule("'a'", "owner = 'cmr'")),
                  {"x.toml:8:1: error: `owner` names `cmr`, which is no platform of this policy "
                   "[policy.unknown_platform]; did you mean `crm`?"}},
        CheckCase{"unknown_platform_in_priority",
                  object("a = 'string'\n",
                         rule("'a'", "resolve = 'priority'\npriority = ['crm', 'sap']")),
                  {"x.toml:8:1: error: `priority` names `sap`, which is no platform of this policy "
                   "[policy.unknown_platform]"}},
        CheckCase{
            "unknown_platform_in_binding",
            object(
                "a = 'string'\n",
                kAll +
                    "[objects.o.on.sap]\nfields = ['a']\nreceives = true\non_delete = 'review'\n"),
            {"x.toml:11:1: error: [objects.o.on.sap] names `sap`, which is no platform of "
             "this policy [policy.unknown_platform]"}},
        CheckCase{"literal_that_is_no_enum_value",
                  object(kStage, rule("'stage'",
                                      "owner = 'crm'\nwhen = 'one_of(stage, \"new\", "
                                      "\"odl\")'") +
                                     kAll),
                  {"x.toml:8:1: error: `when` compares `stage` with \"odl\", which is none of its "
                   "values (new, old) [policy.unknown_enum_value]; did you mean `old`?"}},
        CheckCase{"literal_of_another_type",
                  object("a = 'decimal'\nb = 'bool'\nc = 'date'\nd = 'integer'\n",
                         rule("'a'",
                              "owner = 'crm'\nwhen = 'a > \"5\" and b == true and c > "
                              "\"2026-01-05\" and d < 2.5 and a ~= nil'") +
                             kAll),
                  {"x.toml:11:1: error: `when` compares `a` with \"5\", which is of another type "
                   "[policy.literal_type]; write numbers, true and false without quotes",
                   "x.toml:11:1: error: this rule never applies to `a`: its "
                   "`when` holds in no case [policy.unreachable_rule]; correct the condition, or "
                   "drop the rule"}}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Ownership, Check,
    testing::Values(
        CheckCase{"field_without_rule",
                  object("a = 'string'\nb = 'string'\n", rule("'a'", "owner = 'crm'")),
                  {"x.toml:8:5: error: no rule says who owns `b` [policy.field_without_rule]; name "
                   "it in an [[objects.o.own]], or end with fields = [\"*\"]"}},
        CheckCase{"unreachable_rule",
                  object("a = 'string'\n", kAll + rule("'a'", "owner = 'erp'\nwhen = 'a == nil'")),
                  {"x.toml:11:1: error: this rule never applies to `a`: the one at x.toml:8:1 "
                   "always holds [policy.unreachable_rule]; move it up, or give the earlier rule a "
                   "`when`"}},
        CheckCase{"conditional_last_rule",
                  object("a = 'string'\n", rule("'a'", "owner = 'crm'\nwhen = 'a == \"x\"'")),
                  {"x.toml:7:5: error: `a` has no owner when a = \"\": no rule holds then "
                   "[policy.no_owner_when]; end with a rule without `when`, or have the rules "
                   "cover every case"}},
        CheckCase{"last_rule_that_calculates",
                  object("a = 'integer'\nb = 'integer'\n",
                         rule("'*'", "owner = 'crm'\nwhen = 'a == nil or b == nil or a < b'") +
                             rule("'*'", "owner = 'erp'\nwhen = 'a >= b'")),
                  {"x.toml:7:5: warning: `a`, `b` may have no owner: the last rule has a "
                   "condition, and what the conditions calculate is too much to be proven "
                   "[policy.field_may_lack_owner]; end with a rule without `when`, or have the "
                   "rules cover every case"}},
        CheckCase{"exhaustive_split_of_an_enum",
                  object(kStage, rule("'stage'", "owner = 'crm'\nwhen = 'stage == \"new\"'") +
                                     rule("'stage'", "owner = 'erp'\nwhen = 'stage == \"old\"'")),
                  {}},
        CheckCase{"split_that_forgets_null",
                  object("b = 'bool'\n", rule("'b'", "owner = 'crm'\nwhen = 'b == true'") +
                                             rule("'b'", "owner = 'erp'\nwhen = 'b == false'")),
                  {"x.toml:7:5: error: `b` has no owner when b is empty: no rule holds then "
                   "[policy.no_owner_when]; end with a rule without `when`, or have the rules "
                   "cover every case"}},
        CheckCase{"rule_that_earlier_ones_cover",
                  object(kStage, rule("'stage'", "owner = 'crm'\nwhen = 'stage == \"new\"'") +
                                     rule("'stage'", "owner = 'erp'\nwhen = 'stage ~= \"new\"'") +
                                     rule("'stage'", "owner = 'crm'\nwhen = 'stage == \"old\"'")),
                  {"x.toml:16:1: error: this rule never applies to `stage`: in each case that it "
                   "holds for, an earlier one does; when stage = \"old\", that at x.toml:12:1 "
                   "[policy.unreachable_rule]; move it up, or narrow the earlier rules"}},
        CheckCase{"condition_that_never_holds",
                  object("a = 'integer'\n",
                         rule("'a'", "owner = 'erp'\nwhen = 'a > 5 and a < 6'") + kAll),
                  {"x.toml:8:1: error: this rule never applies to `a`: its `when` holds in no case "
                   "[policy.unreachable_rule]; correct the condition, or drop the rule"}},
        CheckCase{"split_over_two_fields",
                  object(kStage + "b = { type = 'bool', required = true }\n",
                         rule("'b', 'stage'", "owner = 'crm'\nwhen = 'b and stage == \"new\"'") +
                             rule("'b', 'stage'", "owner = 'erp'\nwhen = 'not b'") +
                             rule("'b', 'stage'", "owner = 'crm'\nwhen = 'stage == \"old\"'")),
                  {}},
        CheckCase{"owner_that_does_not_hold_the_field",
                  object("a = 'string'\n", rule("'a'", "owner = 'web'")),
                  {"x.toml:8:1: error: `web` shall decide on `a` but does not hold it "
                   "[policy.owner_lacks_field]; add the field to [objects.o.on.web] or choose "
                   "another owner"}},
        CheckCase{"priority_that_does_not_hold_the_field",
                  object("a = 'string'\n",
                         rule("'a'", "resolve = 'priority'\npriority = ['crm', 'web']")),
                  {"x.toml:8:1: error: `web` shall decide on `a` but does not hold it "
                   "[policy.owner_lacks_field]; add the field to [objects.o.on.web] or choose "
                   "another owner"}},
        CheckCase{
            "proposal_to_a_read_only_owner",
            object("a = 'string'\n", rule("'a'", "owner = 'web'\notherwise = 'propose'") +
                                         web("fields = ['a']\nread_only = ['a']\n")),
            {"x.toml:8:1: error: `a` is read only on its owner `web`, which could not be told "
             "what others write [policy.owner_read_only]; use revert, ignore or review, or "
             "make it writable there"}},
        CheckCase{"read_only_owner_that_reverts",
                  object("a = 'string'\n",
                         rule("'a'", "owner = 'web'") + web("fields = ['a']\nread_only = ['a']\n")),
                  {}},
        CheckCase{"revert_where_it_is_read_only",
                  object("a = 'string'\n", kAll + web("fields = ['a']\nread_only = ['a']\n")),
                  {"x.toml:8:1: warning: a change of `a` on `web` cannot be reverted: it is read "
                   "only there [policy.revert_read_only]; use ignore or review for it, or make it "
                   "writable there"}}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Objects, Check,
    testing::Values(
        CheckCase{"object_that_nobody_founds",
                  "[objects.o]\n[objects.o.fields]\na = 'string'\n[objects.o.on.crm]\nfields = "
                  "['a']\nreceives = true\non_delete = 'review'\n" +
                      kAll,
                  {"x.toml:1:1: error: no platform founds `o`, so none will ever exist "
                   "[policy.nobody_founds]; write founds = true in one "
                   "[objects.o.on.<platform>]"}},
        CheckCase{
            "match_on_an_optional_field",
            object("a = 'string'\n", kAll + "[[objects.o.match]]\nname = 'm'\non = ['a']\n"),
            {"x.toml:11:1: warning: match rule `m` uses `a`, which may be empty; such records "
             "match nothing [policy.match_on_optional]; make the field required, or add a "
             "match rule on required fields only"}},
        CheckCase{"match_on_an_optional_field_beside_one_that_always_works",
                  object("a = 'string'\nb = { type = 'string', required = true }\n",
                         kAll + "[[objects.o.match]]\nname = 'm'\non = ['a']\n"
                                "[[objects.o.match]]\nname = 'n'\non = ['b']\n"),
                  {}},
        CheckCase{"field_that_no_platform_holds",
                  "[objects.o.fields]\na = 'string'\nb = 'string'\n[objects.o.on.crm]\nfields = "
                  "['a']\nfounds = true\non_delete = 'review'\n[[objects.o.own]]\nfields = "
                  "['a']\nowner = "
                  "'crm'\n[[objects.o.own]]\nfields = ['b']\nresolve = 'latest'\n",
                  {"x.toml:3:5: warning: no platform holds `b` [policy.field_held_nowhere]; add it "
                   "to a platform's fields, or drop it"}},
        CheckCase{"delete_meanings_that_are_not_stated",
                  "[objects.o]\n[objects.o.on]\ncrm = { fields = ['a'], founds = true }\n"
                  "erp = { fields = ['a'], receives = true }\n[objects.o.fields]\na = 'string'\n" +
                      kAll,
                  {"x.toml:3:7: error: nothing says what it means when `crm` deletes its record "
                   "of `o` [policy.delete_not_stated]; write on_delete = \"propagate\", "
                   "\"unlink\", \"restore\" or \"review\"",
                   "x.toml:4:7: error: nothing says what it means when `erp` deletes its record "
                   "of `o` [policy.delete_not_stated]; write on_delete = \"propagate\", "
                   "\"unlink\", \"restore\" or \"review\""}},
        CheckCase{"a_platform_that_takes_no_part",
                  object("a = 'string'\n", kAll + "[objects.o.on.web]\nfields = ['a']\n"),
                  {"x.toml:11:1: warning: `web` never has a record of `o`: it neither founds nor "
                   "receives one, and no match rule joins those that it has "
                   "[policy.takes_no_part]; write founds = true, receives = true or a match rule, "
                   "or drop the table"}},
        CheckCase{"one_that_only_joins_states_what_a_deletion_means",
                  object("a = { type = 'string', required = true }\n",
                         kAll + "[[objects.o.match]]\nname = 'm'\non = ['a']\n"
                                "[objects.o.on.web]\nfields = ['a']\n"),
                  {"x.toml:14:1: error: nothing says what it means when `web` deletes its record "
                   "of `o` [policy.delete_not_stated]; write on_delete = \"propagate\", "
                   "\"unlink\", \"restore\" or \"review\""}},
        CheckCase{"what_nobody_ever_deletes",
                  "[objects.o]\n[objects.o.on]\n"
                  "crm = { fields = ['a'], founds = true, on_delete = 'unlink' }\n"
                  "erp = { fields = ['a'], receives = true, on_delete = 'restore' }\n"
                  "[objects.o.fields]\na = 'string'\n" +
                      kAll,
                  {"x.toml:1:1: warning: nobody ever deletes `o`: on every platform a deletion "
                   "only unlinks the record or restores it [policy.nobody_deletes]; write "
                   "on_delete = \"propagate\" where a deletion counts, or \"review\""}},
        CheckCase{"secret_sent_to_platforms_that_say_nothing",
                  object("a = { type = 'string', classification = 'secret' }\n", kAll),
                  {"x.toml:2:7: error: `a` is secret and would flow to `crm`, which is cleared for "
                   "pii at most [policy.not_cleared]; leave what must not flow there out of its "
                   "`fields`, or write clearance = \"secret\" under [platforms.crm]",
                   "x.toml:3:7: error: `a` is secret and would flow to `erp`, which is cleared for "
                   "pii at most [policy.not_cleared]; leave what must not flow there out of its "
                   "`fields`, or write clearance = \"secret\" under [platforms.erp]"}}),
    [](const auto& row) { return std::string{row.param.name}; });

struct ClearanceCase {
    const char* name;
    const char* classification;
    const char* clearance;  ///< "": not stated.
    bool flows;
};
void PrintTo(const ClearanceCase& row, std::ostream* out) { *out << row.name; }
class Clearance : public testing::TestWithParam<ClearanceCase> {};
TEST_P(Clearance, IsTheMostThatFlows) {
    const ClearanceCase& row = GetParam();
    const std::string stated =
        *row.clearance == '\0' ? "" : "clearance = '" + std::string{row.clearance} + "'\n";
    const auto policy = parse_policy(
        {{"head.toml", "[policy]\nname = 't'\n[platforms.erp]\n[platforms.crm]\n" + stated},
         {"x.toml", object("a = { type = 'string', classification = '" +
                               std::string{row.classification} + "' }\n",
                           kAll)}});
    ASSERT_TRUE(policy) << policy.error().what;
    const auto findings = check(*policy);
    const bool refused = std::ranges::any_of(findings, [](const Finding& finding) {
        return finding.code == finding_codes::kNotCleared &&
               finding.message.find("`crm`") != std::string::npos;
    });
    EXPECT_EQ(refused, !row.flows);
}
INSTANTIATE_TEST_SUITE_P(
    Fields, Clearance,
    testing::Values(ClearanceCase{"public_flows_to_public", "public", "public", true},
                    ClearanceCase{"pii_does_not_flow_to_public", "pii", "public", false},
                    ClearanceCase{"secret_does_not_flow_to_public", "secret", "public", false},
                    ClearanceCase{"pii_flows_where_nothing_is_said", "pii", "", true},
                    ClearanceCase{"secret_does_not_flow_where_nothing_is_said", "secret", "",
                                  false},
                    ClearanceCase{"pii_flows_to_pii", "pii", "pii", true},
                    ClearanceCase{"secret_does_not_flow_to_pii", "secret", "pii", false},
                    ClearanceCase{"secret_flows_to_secret", "secret", "secret", true}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace syncline
