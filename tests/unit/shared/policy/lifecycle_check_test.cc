#include <gtest/gtest.h>

#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

constexpr const char* kLifecycleHead =
    "[policy]\nname = \"test\"\n[platforms.crm]\n[platforms.erp]\n";
// After what a row says, so that the row's first line is line 1.
constexpr const char* kFields = R"([objects.o.fields]
stage = { type = "enum", values = ["new", "live", "done"], required = true }
region = { type = "enum", values = ["EU", "US"], required = true }
price = "decimal"
other = "decimal"
)";

struct LifecycleCase {
    const char* name;
    std::string text;
    std::vector<std::string> findings;
};
void PrintTo(const LifecycleCase& row, std::ostream* out) { *out << row.name; }

class LifecycleCheck : public testing::TestWithParam<LifecycleCase> {};
TEST_P(LifecycleCheck, Finds) {
    const auto policy =
        parse_policy({{"head.toml", kLifecycleHead}, {"x.toml", GetParam().text + kFields}});
    ASSERT_TRUE(policy) << policy.error().what;
    std::vector<std::string> texts;
    for (const Finding& finding : check(*policy)) texts.push_back(to_string(finding));
    EXPECT_EQ(texts, GetParam().findings);
}

/// Two lines, or more for `next`.
std::string stages(const std::string& next, const std::string& initial = "'new'") {
    return "[objects.o.stages]\nfield = 'stage'\ninitial = [" + initial +
           "]\n[objects.o.stages.next]\n" + next;
}
std::string owns(const std::string& fields, const std::string& more) {
    return "[[objects.o.own]]\nfields = [" + fields + "]\n" + more + "\n";
}
const std::string kLine = "new = ['live']\nlive = ['done']\ndone = []\n";
const std::string kRound = "new = ['live']\nlive = ['new', 'done']\ndone = []\n";
const std::string kCrmOwns = owns("'*'", "owner = 'crm'");
/// Both hold everything, what either founds the other receives.
const std::string kBoth =
    "[objects.o.on.crm]\nfields = ['*']\nfounds = true\nreceives = true\non_delete = 'review'\n"
    "[objects.o.on.erp]\nfields = ['*']\nfounds = true\nreceives = true\non_delete = 'review'\n";
/// The CRM founds, the ERP receives on some condition.
std::string received(const std::string& when) {
    return "[objects.o.on.crm]\nfields = ['*']\nfounds = true\non_delete = 'review'\n"
           "[objects.o.on.erp]\nfields = ['*']\nreceives = true\non_delete = 'review'\n"
           "receives_when = '" +
           when + "'\n";
}

INSTANTIATE_TEST_SUITE_P(
    Stages, LifecycleCheck,
    testing::Values(
        LifecycleCase{"nothing_in_a_clean_one", stages(kLine) + kCrmOwns + kBoth, {}},
        LifecycleCase{
            "a_field_that_is_not_there",
            "[objects.o.stages]\nfield = 'stag'\ninitial = ['new']\nnext = {}\n" + kCrmOwns + kBoth,
            {"x.toml:1:1: error: `stages` names `stag`, which `o` does not have "
             "[policy.unknown_field]; did you mean `stage`?"}},
        LifecycleCase{
            "a_field_that_is_no_required_enum",
            "[objects.o.stages]\nfield = 'price'\ninitial = ['new']\nnext = {}\n" + kCrmOwns +
                kBoth,
            {"x.toml:1:1: error: `price` cannot be the stage: it must be a required enum, so that "
             "an entity is always in one of known stages [policy.stage_field]; write price = { "
             "type = \"enum\", values = [...], required = true } under [objects.o.fields]"}},
        LifecycleCase{
            "stages_that_the_enum_does_not_have",
            stages("new = ['live', 'don']\nlive = ['done']\ndone = []\nold = []\n",
                   "'nwe', 'new'") +
                kCrmOwns + kBoth,
            {"x.toml:1:1: error: `initial` names `nwe`, which is none of the values of `stage` "
             "(new, live, done) [policy.unknown_stage]; did you mean `new`?",
             "x.toml:5:7: error: `next` of `new` names `don`, which is none of the values of "
             "`stage` (new, live, done) [policy.unknown_stage]; did you mean `done`?",
             "x.toml:8:7: error: `next` names `old`, which is none of the values of `stage` (new, "
             "live, done) [policy.unknown_stage]"}},
        LifecycleCase{"a_stage_of_which_nothing_is_said",
                      stages("new = ['live', 'done']\nlive = ['done']\n") + kCrmOwns + kBoth,
                      {"x.toml:1:1: error: nothing says which stages follow `done` "
                       "[policy.stage_without_next]; write done = [...] under "
                       "[objects.o.stages.next], and [] if it is a last stage"}},
        LifecycleCase{"a_stage_that_nothing_leads_to",
                      stages("new = ['done']\nlive = ['done']\ndone = []\n") + kCrmOwns + kBoth,
                      {"x.toml:6:8: error: no path leads from `initial` (new) to `live`: it is in "
                       "no stage's `next` [policy.unreachable_stage]; add \"live\" to the `next` "
                       "of a stage that is reached (new, done), or to `initial`"}},
        LifecycleCase{
            "stages_that_lead_only_to_each_other",
            stages("new = []\nlive = ['done']\ndone = ['live']\n") + kCrmOwns + kBoth,
            {"x.toml:6:8: error: no path leads from `initial` (new) to `live`: only done would "
             "lead there, which no path leads to either [policy.unreachable_stage]; add \"live\" "
             "to the `next` of a stage that is reached (new), or to `initial`",
             "x.toml:7:8: error: no path leads from `initial` (new) to `done`: only live would "
             "lead there, which no path leads to either [policy.unreachable_stage]; add \"done\" "
             "to the `next` of a stage that is reached (new), or to `initial`"}},
        LifecycleCase{
            "a_rule_of_a_stage_that_is_not_reached",
            stages("new = ['done']\nlive = ['done']\ndone = []\n") +
                owns("'price'", "owner = 'erp'\nwhen = 'stage == \"live\"'") + kCrmOwns + kBoth,
            {"x.toml:6:8: error: no path leads from `initial` (new) to `live`: it is in no stage's "
             "`next` [policy.unreachable_stage]; add \"live\" to the `next` of a stage that is "
             "reached (new, done), or to `initial`",
             "x.toml:8:1: error: this rule never applies to `price`: it rules only in stages that "
             "nothing leads to, as when stage = \"live\" [policy.unreachable_rule]; have a stage "
             "lead there, or drop the rule"}}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Moves, LifecycleCheck,
    testing::Values(
        LifecycleCase{
            "a_stage_whose_owner_has_no_record_yet",
            stages(kLine) +
                owns("'stage'", "owner = 'erp'\nwhen = 'stage == \"new\" and region == \"EU\"'") +
                kCrmOwns + received("stage ~= \"new\""),
            {"x.toml:8:1: error: nobody can move what `crm` founds on from `new` (reached by new): "
             "when region = \"EU\" and stage = \"new\", only `erp` may write `stage`, and has no "
             "record of it by then [policy.stuck_stage]; have `erp` receive it in that stage or an "
             "earlier one, or give `stage` another owner there"}},
        LifecycleCase{"a_stage_whose_owner_got_its_record_before",
                      stages(kLine) + owns("'stage'", "owner = 'erp'\nwhen = 'stage == \"live\"'") +
                          kCrmOwns + received("stage == \"new\" and price ~= nil and price > 5"),
                      {}},
        LifecycleCase{"a_last_stage_that_need_not_be_left",
                      stages(kLine) + owns("'stage'", "owner = 'erp'\nwhen = 'stage == \"done\"'") +
                          kCrmOwns + "[objects.o.on.crm]\nfields = ['*']\nfounds = true\n" +
                          "on_delete = 'review'\n[objects.o.on.erp]\nfields = ['stage']\n" +
                          "founds = true\non_delete = 'review'\n",
                      {"x.toml:8:1: error: `stage` goes to `erp` by live -> done, which has no "
                       "record by then of what `crm` founds: on the way new -> live -> done it "
                       "receives none [policy.hand_over]; have `erp` receive it in `done` or an "
                       "earlier stage, or hand over later",
                       "x.toml:12:1: error: nobody can move what `erp` founds on from `new` "
                       "(reached by new): when stage = \"new\", only `crm` may write `stage`, and "
                       "has no record of it by then [policy.stuck_stage]; have `crm` receive it in "
                       "that stage or an earlier one, or give `stage` another owner there",
                       "x.toml:12:1: error: nobody can move what `erp` founds on from `live` "
                       "(reached by new -> live): when stage = \"live\", only `crm` may write "
                       "`stage`, and has no record of it by then [policy.stuck_stage]; have `crm` "
                       "receive it in that stage or an earlier one, or give `stage` another owner "
                       "there"}},
        LifecycleCase{"an_owner_that_is_read_only_but_moves_by_itself",
                      stages(kLine) + owns("'stage'", "owner = 'erp'\notherwise = 'ignore'") +
                          kCrmOwns + kBoth + "read_only = ['stage']\n",
                      {}},
        LifecycleCase{"whoever_joins_by_a_match_rule_may_be_there",
                      stages(kLine) + owns("'stage'", "owner = 'erp'\nwhen = 'stage == \"live\"'") +
                          kCrmOwns + "[[objects.o.match]]\nname = 'region'\non = ['region']\n" +
                          "[objects.o.on.crm]\nfields = ['*']\nfounds = true\non_delete = " +
                          "'review'\n[objects.o.on.erp]\nfields = ['*']\non_delete = "
                          "'review'\n",
                      {}}),
    [](const auto& row) { return std::string{row.param.name}; });

const std::string kPriceByStage = owns("'price'", "owner = 'erp'\nwhen = 'stage == \"live\"'");

INSTANTIATE_TEST_SUITE_P(
    HandOvers, LifecycleCheck,
    testing::Values(
        LifecycleCase{
            "to_a_platform_without_record",
            stages(kLine) + kPriceByStage + kCrmOwns + received("stage == \"done\""),
            {"x.toml:8:1: error: `price` goes to `erp` by new -> live, which has no record by then "
             "of what `crm` founds: on the way new -> live it receives none [policy.hand_over]; "
             "have `erp` receive it in `live` or an earlier stage, or hand over later"}},
        LifecycleCase{"to_a_platform_that_receives_it_in_time",
                      stages(kLine) + kPriceByStage + kCrmOwns + received("stage ~= \"new\""),
                      {}},
        LifecycleCase{"to_a_platform_that_lacks_the_field",
                      stages(kLine) + kPriceByStage + kCrmOwns +
                          "[objects.o.on.crm]\nfields = ['*']\nfounds = true\non_delete = "
                          "'review'\n[objects.o.on.erp]\nfields = ['stage']\nreceives = true\n"
                          "on_delete = 'review'\n",
                      {"x.toml:8:1: error: `erp` shall decide on `price` but does not hold it "
                       "[policy.owner_lacks_field]; add the field to [objects.o.on.erp] or choose "
                       "another owner"}},
        LifecycleCase{"to_and_fro_while_both_move_the_stage",
                      stages(kRound) + kPriceByStage +
                          owns("'stage'", "resolve = 'latest'\nwhen = 'stage == \"live\"'") +
                          kCrmOwns + kBoth,
                      {"x.toml:12:1: error: `price` goes to and fro round new -> live -> new "
                       "(`crm` in `new`, `erp` in `live`), while in `live` each of `crm`, `erp` "
                       "may move `stage`: both at once, and each would have what it wrote in "
                       "between reverted [policy.to_and_fro]; give `stage` one owner in each of "
                       "these stages, and none of accept, latest or priority"}},
        LifecycleCase{
            "to_and_fro_while_others_are_accepted_in_some_case",
            stages(kRound) + kPriceByStage +
                owns("'stage'", "owner = 'erp'\notherwise = 'accept'\nwhen = 'region == \"US\"'") +
                kCrmOwns + kBoth,
            {"x.toml:12:1: error: `price` goes to and fro round new -> live -> new when region = "
             "\"US\" (`crm` in `new`, `erp` in `live`), while in `new` each of `crm`, `erp` may "
             "move `stage`: both at once, and each would have what it wrote in between reverted "
             "[policy.to_and_fro]; give `stage` one owner in each of these stages, and none of "
             "accept, latest or priority"}},
        LifecycleCase{"to_and_fro_with_one_owner_of_the_stage_at_a_time",
                      stages(kRound) + kPriceByStage +
                          owns("'stage'",
                               "owner = 'erp'\notherwise = 'propose'\nwhen = 'stage == "
                               "\"live\"'") +
                          kCrmOwns + kBoth,
                      {}},
        LifecycleCase{"shared_stage_without_a_way_back",
                      stages(kLine) + kPriceByStage + owns("'stage'", "resolve = 'latest'") +
                          kCrmOwns + kBoth,
                      {}},
        LifecycleCase{
            "shared_stage_in_cases_without_hand_over",
            stages(kRound) +
                owns("'price'", "owner = 'erp'\nwhen = 'stage == \"live\" and region == \"EU\"'") +
                owns("'stage'", "resolve = 'latest'\nwhen = 'region == \"US\"'") + kCrmOwns + kBoth,
            {}},
        LifecycleCase{
            "what_is_calculated_is_not_proven",
            stages(kRound) +
                owns("'price'",
                     "owner = 'erp'\nwhen = 'price ~= nil and other ~= nil "
                     "and price > other'") +
                owns("'stage'", "resolve = 'latest'") + kCrmOwns + kBoth,
            {"x.toml:1:1: warning: whether `price` can be moved and handed over in every stage is "
             "not proven: what the conditions calculate is too much for it "
             "[policy.lifecycle_not_proven]; compare fields with literals"}}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace syncline
