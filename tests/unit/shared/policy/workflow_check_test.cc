#include <gtest/gtest.h>

#include <set>

#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"
#include "shared/policy/workflow_codes.h"

namespace syncline {
namespace {

constexpr const char* kCheckedHead = R"([policy]
name = "test"
[roles]
l = ["lea"]
d = ["dora"]
[platforms.erp]
[platforms.support]
[objects.case.fields]
number = { type = "string", required = true }
status = { type = "enum", values = ["open", "shut"], required = true }
[[objects.case.own]]
fields = ["*"]
owner = "support"
[objects.case.on.support]
fields = ["*"]
founds = true
on_delete = "propagate"
[objects.case.events.opened]
on = "created"
fields = ["number"]
)";

// What is given begins in line 9.
std::string workflow(const std::string& rest) {
    return R"([workflows.w]
owner = "support"
key = "number"
[workflows.w.context]
number = { type = "string", required = true }
yes = "bool"
made = "string"
items = "list"
)" + rest;
}
const std::string kApi = "[[workflows.w.triggers]]\non = 'api'\n";
std::string step(const std::string& name, const std::string& rest) {
    return "[[workflows.w.steps]]\nname = '" + name + "'\n" + rest + "\n";
}
std::string block(const std::string& name, const std::string& rest) {
    return "[[workflows.w.blocks." + name + "]]\n" + rest + "\n";
}
const std::string kDone = step("done", "end = 'done'");

/// Nine blocks, each inside the one before.
std::string nested() {
    std::string text;
    for (int i = 1; i <= 8; ++i) {
        const std::string name = std::to_string(i);
        text += block("b" + name, "name = 's" + name + "'\nchoose = [{ do = 'b" +
                                      std::to_string(i + 1) + "' }]");
    }
    return text + block("b9", "name = 's9'\nend = 'failed'");
}

struct WorkflowCase {
    const char* name;
    std::string text;
    std::vector<std::string> findings;
};
void PrintTo(const WorkflowCase& row, std::ostream* out) { *out << row.name; }
class WorkflowCheck : public testing::TestWithParam<WorkflowCase> {};

TEST_P(WorkflowCheck, Finds) {
    const auto policy = parse_policy({{"head.toml", kCheckedHead}, {"x.toml", GetParam().text}});
    ASSERT_TRUE(policy) << policy.error().what;
    std::vector<std::string> texts;
    for (const Finding& finding : check(*policy)) texts.push_back(to_string(finding));
    EXPECT_EQ(texts, GetParam().findings);
}

const char* const kNone = "compensate = 'none'\nbecause = 'b'\n";

INSTANTIATE_TEST_SUITE_P(
    Names, WorkflowCheck,
    testing::Values(
        WorkflowCase{"nothing_in_a_clean_one", workflow(kApi + kDone), {}},
        WorkflowCase{"context_field_in_with",
                     workflow(kApi + step("a", "ask = 'erp.x'\nwith = { n = 'nubmer' }")),
                     {"x.toml:11:1: error: `with` of step `a` reads `nubmer`, which is no field "
                      "of the workflow's context [policy.unknown_context_field]; did you mean "
                      "`number`?"}},
        WorkflowCase{"context_field_in_into",
                     workflow(kApi + step("a", "ask = 'erp.x'\ninto = { zzz = 'n' }")),
                     {"x.toml:11:1: error: `into` of step `a` assigns `zzz`, which is no field of "
                      "the workflow's context [policy.unknown_context_field]"}},
        WorkflowCase{"context_field_in_when",
                     workflow(kApi + step("a", "when = 'zzz'\nlet = { made = '1' }")),
                     {"x.toml:11:1: error: `when` of step `a` reads `zzz`, which is no field of "
                      "the workflow's context [policy.unknown_context_field]"}},
        WorkflowCase{"platform",
                     workflow(kApi + step("a", "ask = 'epr.x'")),
                     {"x.toml:11:1: error: `ask` of step `a` names `epr`, which is no platform of "
                      "this policy [policy.unknown_platform]; did you mean `erp`?"}},
        WorkflowCase{"composite",
                     workflow(kApi + step("a", "ask = 'x'")),
                     {"x.toml:11:1: error: `ask` of step `a` names `x`, which is no composite ask "
                      "of this policy [policy.unknown_ask]"}},
        WorkflowCase{"object",
                     workflow(kApi + step("a", std::string{"set = { object = 'csae', key = "
                                                           "'number', fields = { s = '1' } }\n"} +
                                                   kNone)),
                     {"x.toml:11:1: error: `set` of step `a` names `csae`, which is no object of "
                      "this policy [policy.unknown_object]; did you mean `case`?"}},
        WorkflowCase{"object_field",
                     workflow(kApi + step("a", std::string{"set = { object = 'case', key = "
                                                           "'number', fields = { statsu = '1' } "
                                                           "}\n"} +
                                                   kNone)),
                     {"x.toml:11:1: error: `set` of step `a` names `statsu`, which `case` does "
                      "not have [policy.unknown_field]; did you mean `status`?"}},
        WorkflowCase{"block",
                     workflow(kApi + step("a", "choose = [{ do = 'refuse' }]") +
                              block("refused", "name = 'r'\nend = 'failed'")),
                     {"x.toml:11:1: error: step `a` names the block `refuse`, which is not there "
                      "[policy.unknown_block]; did you mean `refused`?",
                      "x.toml:14:1: warning: no step runs the block `refused` "
                      "[policy.unused_block]; drop it"}},
        WorkflowCase{"workflow",
                     workflow(kApi + step("a", "call = { workflow = 'v' }")),
                     {"x.toml:11:1: error: `call` of step `a` names `v`, which is no workflow of "
                      "this policy [policy.unknown_workflow]"}},
        WorkflowCase{"step_of_migrate",
                     workflow(kApi + kDone +
                              "[workflows.w.migrate]\nfrom = 1\n"
                              "[workflows.w.migrate.steps]\nold = 'doen'\n"),
                     {"x.toml:14:1: error: `migrate` has `old` go on as `doen`, which is no step "
                      "[policy.unknown_step]; did you mean `done`?"}},
        WorkflowCase{"an_item_is_known_in_its_block",
                     workflow(kApi +
                              step("a",
                                   "for_each = { of = 'items', as = 'item', do = "
                                   "'one', most = 5 }") +
                              block("one", "name = 'b'\nask = 'erp.x'\nwith = { n = 'item' }")),
                     {}}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Shape, WorkflowCheck,
    testing::Values(
        WorkflowCase{"blocks_in_a_cycle",
                     workflow(kApi + step("a", "choose = [{ do = 'one' }]") +
                              block("one", "name = 'b'\nchoose = [{ do = 'two' }]") +
                              block("two", "name = 'c'\nchoose = [{ do = 'one' }]")),
                     {"x.toml:17:1: error: step `c` runs the block `one`, which it stands in: it "
                      "would never end [policy.block_cycle]; use for_each, which has a bound"}},
        WorkflowCase{"blocks_too_deep",
                     workflow(kApi + step("a", "choose = [{ do = 'b1' }]") + nested()),
                     {"x.toml:35:1: error: step `s8` runs the block `b9` inside 8 others "
                      "[policy.nesting]; make a workflow of its own of it, and call that"}},
        WorkflowCase{"a_call_of_itself",
                     workflow(kApi + step("a",
                                          "call = { workflow = 'w', with = { number = "
                                          "'number' } }")),
                     {"x.toml:11:1: error: step `a` calls `w`, which it stands in: it would never "
                      "end [policy.call_cycle]; use for_each, which has a bound"}},
        WorkflowCase{"calls_in_a_cycle",
                     workflow(kApi + step("a", "call = { workflow = 'v' }")) +
                         "[workflows.v]\nowner = 'a'\n[[workflows.v.steps]]\nname = 'b'\ncall = "
                         "{ workflow = 'w', with = { number = '\"1\"' } }\n",
                     {"x.toml:11:1: error: step `a` calls `v`, which comes to call `w` again: it "
                      "would never end [policy.call_cycle]; use for_each, which has a bound",
                      "x.toml:16:1: error: step `b` calls `w`, which comes to call `v` again: it "
                      "would never end [policy.call_cycle]; use for_each, which has a bound"}},
        WorkflowCase{
            "a_name_twice",
            workflow(kApi + step("a", "let = { made = '1' }") + step("a", "let = { made = '2' }")),
            {"x.toml:14:1: error: step `a` stands already at x.toml:11:1 "
             "[policy.step_twice]; every step of a workflow and of its blocks has a name "
             "of its own"}},
        WorkflowCase{"steps_after_the_end",
                     workflow(kApi + kDone + step("a", "end = 'failed'")),
                     {"x.toml:14:1: error: step `a` is never reached: `done` before it ends the "
                      "workflow [policy.unreachable_step]; give the end a `when`, or drop what "
                      "follows"}},
        WorkflowCase{"choices_after_the_last",
                     workflow(kApi +
                              step("a",
                                   "choose = [{ do = 'b' }, { when = 'yes', do = 'b' "
                                   "}]") +
                              block("b", "name = 'c'\nend = 'done'")),
                     {"x.toml:11:1: error: the choices of step `a` after the one without `when` "
                      "are never made [policy.unreachable_step]; move it to the end"}},
        WorkflowCase{"an_end_beside_others",
                     workflow(kApi + step("a", "parallel = ['b', 'c']") +
                              block("b", "name = 'b1'\nend = 'done'") +
                              block("c", "name = 'c1'\nend = 'failed'")),
                     {"x.toml:14:1: error: step `b1` would end the workflow while what stands "
                      "beside its block still runs [policy.end_in_parallel]; end after the blocks "
                      "have joined"}},
        WorkflowCase{"a_value_of_itself",
                     workflow(kApi + step("a", "let = { made = 'made' }")),
                     {"x.toml:11:1: error: `let` of step `a` gives `made` the value it has "
                      "[policy.assigns_itself]; write what it shall become, or drop it"}},
        WorkflowCase{"nothing_starts_it",
                     workflow(kDone),
                     {"x.toml:1:1: warning: nothing starts `w` [policy.never_starts]; write a "
                      "trigger; on = \"api\" if people and programs start it"}}),
    [](const auto& row) { return std::string{row.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Promises, WorkflowCheck,
    testing::Values(
        WorkflowCase{"an_effect_that_nothing_undoes",
                     workflow(kApi + step("a", "operation = 'erp.make'")),
                     {"x.toml:11:1: error: nothing says how step `a` is undone "
                      "[policy.no_compensation]; write compensate = { operation = ..., with = ... "
                      "}, or compensate = \"none\" and because = ..."}},
        WorkflowCase{"an_event_is_no_effect",
                     workflow(kApi + step("a", "emit = { event = 'case.seen' }")),
                     {}},
        WorkflowCase{"undone_by_what_comes_later",
                     workflow(kApi +
                              step("a",
                                   "operation = 'erp.make'\ncompensate = { operation = "
                                   "'erp.undo', with = { n = 'made' } }") +
                              step("b", "ask = 'erp.x'\ninto = { made = 'n' }")),
                     {"x.toml:11:1: error: what undoes step `a` reads `made`, which only step `b` "
                      "gives, after it [policy.compensation_input]; read what is there once the "
                      "step is done"}},
        WorkflowCase{"undone_by_what_it_gave",
                     workflow(kApi + step("a",
                                          "operation = 'erp.make'\ninto = { made = 'n' }\n"
                                          "compensate = { operation = 'erp.undo', with = { n "
                                          "= 'made' } }")),
                     {}},
        WorkflowCase{"a_chain_out_of_order",
                     workflow(kApi + step("a",
                                          "approve = { amount = '5', chain = [{ role = 'd', "
                                          "from = '100' }, { role = 'l' }], deadline_s = 5, "
                                          "on_deadline = 'reject' }")),
                     {"x.toml:11:1: error: `chain` of step `a` asks `l` after a level for larger "
                      "amounts [policy.chain_order]; order the levels by `from`, those without it "
                      "first"}},
        WorkflowCase{"a_chain_without_amount",
                     workflow(kApi + step("a",
                                          "approve = { chain = [{ role = 'd', from = '100' }], "
                                          "deadline_s = 5, on_deadline = 'reject' }")),
                     {"x.toml:11:1: error: `from` of step `a` has nothing to be compared with "
                      "[policy.chain_order]; write `amount`, an expression over the context"}},
        WorkflowCase{"an_approval_for_ever",
                     workflow(kApi + step("a", "approve = { role = 'l' }")),
                     {"x.toml:11:1: error: nothing says what becomes of step `a` if nobody answers "
                      "[policy.approval_outcome]; write `deadline_s` and on_deadline = \"reject\", "
                      "\"escalate\" or \"approve\""}},
        WorkflowCase{"escalated_to_nobody",
                     workflow(kApi + step("a",
                                          "approve = { role = 'l', deadline_s = 5, on_deadline "
                                          "= 'escalate' }")),
                     {"x.toml:11:1: error: nothing says to whom the approval of step `a` is "
                      "escalated [policy.approval_outcome]; write on_deadline = \"escalate\" and "
                      "`escalate_to`, or neither"}},
        WorkflowCase{
            "an_answer_that_is_no_bool",
            workflow(kApi + step("a",
                                 "approve = { role = 'l', deadline_s = 5, on_deadline "
                                 "= 'reject', into = 'made' }")),
            {"x.toml:11:1: error: `into` of step `a` is `made`, which is no bool "
             "[policy.context_type]; it becomes true or false: give it the type \"bool\""}},
        WorkflowCase{"a_trigger_that_gives_too_little",
                     workflow("[[workflows.w.triggers]]\non = 'change'\nobject = 'case'\nwhen = "
                              "'status == \"open\"'\n" +
                              kDone),
                     {"x.toml:9:1: error: this trigger does not give `number`, without which the "
                      "workflow does not start [policy.context_not_given]; name it in `set`"}},
        WorkflowCase{"a_trigger_of_unknown_fields",
                     workflow("[[workflows.w.triggers]]\non = 'change'\nobject = 'case'\nwhen = "
                              "'status == \"opne\"'\nset = { number = 'nr' }\n" +
                              kDone),
                     {"x.toml:9:1: error: `when` compares `status` with \"opne\", which is none of "
                      "its values (open, shut) [policy.unknown_enum_value]; did you mean `open`?",
                      "x.toml:9:1: error: `when` names `nr`, which `case` does not have "
                      "[policy.unknown_field]"}},
        WorkflowCase{"a_schedule_of_unknown_fields",
                     workflow("[[workflows.w.triggers]]\non = 'schedule'\ncron = '0 3 * * *'\nset "
                              "= { number = 'at', made = 'day' }\n" +
                              kDone),
                     {"x.toml:9:1: error: `set` reads `day`, but a schedule has one field only, "
                      "`at` [policy.unknown_context_field]; write a literal, in quotes of its own "
                      "if it is a text"}},
        WorkflowCase{"an_event_that_nobody_tells",
                     workflow(kApi + step("a", "wait = { event = 'case.opend', key = 'number' }")),
                     {"x.toml:11:1: error: `wait` of step `a` names the event `case.opend`, which "
                      "nobody tells [policy.unknown_event]; did you mean `case.opened`?"}},
        WorkflowCase{"an_event_from_elsewhere",
                     workflow(kApi + step("a",
                                          "wait = { event = 'shipment.released', key = "
                                          "'number' }\ninto = { made = 'whatever' }")),
                     {}},
        WorkflowCase{"an_event_of_a_workflow",
                     workflow(kApi +
                              step("a",
                                   "emit = { event = 'case.seen', fields = { n = "
                                   "'number' } }") +
                              step("b",
                                   "wait = { event = 'case.seen', key = 'number' }\ninto = { "
                                   "made = 'm' }")),
                     {"x.toml:14:1: error: `wait` of step `b` reads `m`, which the event "
                      "`case.seen` does not carry [policy.unknown_field]"}},
        WorkflowCase{
            "a_trigger_that_reads_what_the_event_does_not_carry",
            workflow("[[workflows.w.triggers]]\non = 'event'\nevent = 'case.opened'\nset = "
                     "{ number = 'numbr' }\n" +
                     kDone),
            {"x.toml:9:1: error: this trigger reads `numbr`, which the event "
             "`case.opened` does not carry [policy.unknown_field]; did you mean "
             "`number`?"}},
        WorkflowCase{
            "a_key_that_may_be_empty",
            "[workflows.w]\nowner = 'a'\nkey = 'k'\n[workflows.w.context]\nk = 'string'\n" + kApi +
                kDone,
            {"x.toml:1:1: error: `key` is `k`, which may be empty or is no single value "
             "[policy.workflow_key]; name a field with required = true that is neither "
             "list nor map"}}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(WorkflowCodes, HaveOneEntryEach) {
    const std::set<std::string_view> all{std::begin(finding_codes::kOfWorkflows),
                                         std::end(finding_codes::kOfWorkflows)};
    EXPECT_EQ(all.size(), std::size(finding_codes::kOfWorkflows));
}

}  // namespace
}  // namespace syncline
