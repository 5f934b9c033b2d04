#include "shared/policy/workflow.h"

#include <gtest/gtest.h>

#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

constexpr const char* kWorkflowsHead = R"([policy]
name = "test"
[platforms.erp]
[platforms.support]
)";

constexpr const char* kWhole = R"([workflows.replacement]
version     = 3
owner       = "support"
key         = "case_number"
deadline_s  = 864000
on_deadline = "compensate"
[workflows.replacement.context]
case_number = { type = "string", required = true }
part        = "string"
entitled    = "bool"
fulfilment  = "string"
[[workflows.replacement.triggers]]
on     = "change"
object = "case"
when   = 'status == "open"'
set    = { part = 'part', case_number = 'number' }
[[workflows.replacement.triggers]]
on   = "schedule"
cron = "0 3 * * *"
[[workflows.replacement.triggers]]
on = "api"
[[workflows.replacement.steps]]
name       = "entitlement"
ask        = "support.entitlement"
with       = { customer = 'case_number' }
into       = { entitled = 'entitled' }
deadline_s = 5
retry      = { attempts = 5, first_ms = 500, most_ms = 60000 }
on_error   = { permanent = "compensate", unavailable = "continue" }
[[workflows.replacement.steps]]
name   = "route"
choose = [{ when = 'not entitled', do = "refuse" }, { do = "ship" }]
[[workflows.replacement.blocks.refuse]]
name   = "refused"
end    = "failed"
reason = '"not entitled"'
[[workflows.replacement.blocks.ship]]
name       = "fulfil"
operation  = "erp.create_fulfilment"
with       = { part = 'part' }
into       = { fulfilment = 'number' }
compensate = { operation = "erp.cancel_fulfilment", with = { number = 'fulfilment' } }
[[workflows.replacement.blocks.ship]]
name       = "mail"
operation  = "support.send_mail"
compensate = "none"
because    = "a mail cannot be unsent"
[workflows.replacement.variants.eu]
when = 'part == "eu"'
[[workflows.replacement.variants.eu.steps]]
replaces = "entitlement"
let      = { entitled = 'true' }
[[workflows.replacement.variants.eu.steps]]
after = "route"
name  = "told"
emit  = { event = "case.told", fields = { number = 'case_number' } }
[workflows.replacement.migrate]
from = 2
[workflows.replacement.migrate.steps]
check = "entitlement"
)";

Result<Policy> parsed(const std::string& text) {
    return parse_policy({{"a.toml", kWorkflowsHead}, {"b.toml", text}});
}

TEST(Workflows, AreReadWhole) {
    const auto policy = parsed(kWhole);
    ASSERT_TRUE(policy) << policy.error().what;
    const Workflow* workflow = policy->workflow(WorkflowName{"replacement"});
    ASSERT_NE(workflow, nullptr);
    EXPECT_EQ(policy->workflow(WorkflowName{"other"}), nullptr);
    EXPECT_EQ(workflow->version, 3U);
    EXPECT_EQ(workflow->key.text, "case_number");
    EXPECT_EQ(workflow->deadline, std::chrono::seconds{864000});
    EXPECT_EQ(workflow->on_deadline, Recourse::kCompensate);
    EXPECT_EQ(workflow->context.size(), 4U);
    ASSERT_EQ(workflow->triggers.size(), 3U);
    EXPECT_EQ(workflow->triggers[0].set[0].field.text, "case_number");
    EXPECT_TRUE(workflow->triggers[1].cron);
    EXPECT_EQ(to_string(workflow->place), "b.toml:1:1");
    EXPECT_EQ(workflow->hash.size(), 32U);

    ASSERT_EQ(workflow->steps.size(), 2U);
    const StepSpec& ask = workflow->steps[0];
    EXPECT_EQ(std::get<AskStep>(ask.action).operation, "support.entitlement");
    EXPECT_EQ(ask.deadline, std::chrono::seconds{5});
    EXPECT_EQ(ask.retry.attempts, 5U);
    EXPECT_EQ(ask.retry.first, std::chrono::milliseconds{500});
    EXPECT_EQ(ask.recourse(ErrorClass::kPermanent), Recourse::kCompensate);
    EXPECT_EQ(ask.recourse(ErrorClass::kDenied), Recourse::kPause);
    EXPECT_FALSE(ask.has_effect());

    const Steps& ship = *workflow->block("ship", "");
    ASSERT_EQ(ship.size(), 2U);
    EXPECT_TRUE(ship[0].has_effect());
    EXPECT_EQ(ship[0].compensate->operation, "erp.cancel_fulfilment");
    EXPECT_EQ(ship[1].because, "a mail cannot be unsent");
    EXPECT_EQ(workflow->block("none", ""), nullptr);
    EXPECT_EQ(workflow->migration->from, "2");
    EXPECT_EQ(workflow->migration->steps.at("check"), "entitlement");
}

TEST(Workflows, VariantsHaveTheOverlayDone) {
    const auto policy = parsed(kWhole);
    ASSERT_TRUE(policy) << policy.error().what;
    const Workflow& workflow = policy->workflows[0];
    const Steps& steps = *workflow.block("", "eu");
    ASSERT_EQ(steps.size(), 3U);
    EXPECT_EQ(steps[0].name, "entitlement");
    EXPECT_TRUE(std::holds_alternative<LetStep>(steps[0].action));
    EXPECT_EQ(steps[2].name, "told");
    EXPECT_EQ(workflow.block("", "")->size(), 2U);
    EXPECT_EQ(workflow.block("", "us"), nullptr);
}

TEST(Workflows, TheHashIsOfWhatRuns) {
    const std::string text = kWhole;
    const auto hash = [&](const std::string& was, const std::string& is) {
        std::string changed = text;
        if (!was.empty()) changed.replace(changed.find(was), was.size(), is);
        const auto policy = parsed(changed);
        EXPECT_TRUE(policy) << policy.error().what;
        return policy ? policy->workflows[0].hash : "";
    };
    const std::string before = hash("", "");
    EXPECT_EQ(hash("version     = 3", "version=4 # later"), before);
    EXPECT_EQ(hash("owner       = \"support\"", "owner = \"sales\""), before);
    EXPECT_NE(hash("deadline_s = 5", "deadline_s = 6"), before);
    EXPECT_NE(hash("not entitled", "not  entitled"), before);
    EXPECT_NE(hash("part        = \"string\"", "part = \"integer\""), before);
    EXPECT_NE(hash("\"erp.cancel_fulfilment\"", "\"erp.undo\""), before);
}

struct StepCase {
    const char* name;
    std::string step;
    const char* told;
};

// The step begins in line 6.
std::string with_step(const std::string& step) {
    return "[workflows.w]\nowner = \"a\"\n[workflows.w.context]\nx = \"string\"\n"
           "[[workflows.w.steps]]\nname = \"s\"\n" +
           step + "\n";
}

TEST(Workflows, StepsThatCannotBeReadAreRefusedWithTheirPlace) {
    const StepCase cases[] = {
        {"nothing", "",
         "b.toml:6:8: `workflows.w.steps.name` \"s\" does nothing: a step has one "
         "of ask, operation, set, let"},
        {"two kinds", "ask = \"erp.a\"\nlet = { x = '1' }",
         "b.toml:8:1: `workflows.w.steps.let` and `ask` exclude each other"},
        {"no expression", "let = { x = '1 +' }",
         "b.toml:7:13: `workflows.w.steps.let.x` is no "
         "expression"},
        {"operation without platform",
         "operation = \"create\"\ncompensate = \"none\"\nbecause = "
         "\"b\"",
         "\"create\" is no operation: write \"platform.operation\""},
        {"none without because", "operation = \"erp.a\"\ncompensate = \"none\"",
         "`workflows.w.steps.because` is missing: say why nothing undoes the step"},
        {"another text", "operation = \"erp.a\"\ncompensate = \"nothing\"",
         "`workflows.w.steps.compensate` must be a table, or \"none\" and `because` beside it"},
        {"because alone", "operation = \"erp.a\"\nbecause = \"b\"",
         "`workflows.w.steps.because` belongs to compensate = \"none\""},
        {"an unknown key", "let = { x = '1' }\nwiht = { a = '1' }",
         "unknown key `workflows.w.steps.wiht`"},
        {"an unknown class", "ask = \"erp.a\"\non_error = { permanet = \"pause\" }",
         "unknown key `workflows.w.steps.on_error.permanet`; did you mean `permanent`?"},
        {"waits for two", "wait = { event = \"e\", key = 'x', for_s = 5 }",
         "must have exactly one of `event`, `until` and `for_s`"},
        {"an event without key", "wait = { event = \"e\" }",
         "`workflows.w.steps.wait.key` is missing"},
        {"late for nothing", "wait = { event = \"e\", key = 'x' }\non_deadline = \"continue\"",
         "means nothing without `deadline_s`"},
        {"role and chain", "approve = { role = \"a\", chain = [{ role = \"b\" }] }",
         "`workflows.w.steps.approve.role` and `chain` exclude each other"},
        {"nobody approves", "approve = { deadline_s = 5 }", "who approves?"},
        {"no number", "approve = { chain = [{ role = \"a\", from = \"ten\" }] }",
         "`workflows.w.steps.approve.chain.from` is no number"},
        {"no bound", "for_each = { of = 'x', as = \"i\", do = \"b\" }",
         "`workflows.w.steps.for_each.most` is missing"},
        {"beyond the bound", "for_each = { of = 'x', as = \"i\", do = \"b\", most = 1001 }",
         "must be a whole number from 1 to 1000"},
        {"one block", "parallel = [\"a\"]", "must name from 2 to 50 blocks"},
        {"no choice", "choose = []", "must have at least one choice"},
        {"no outcome", "end = \"well\"", "`workflows.w.steps.end` must be"},
        {"retries shrink", "ask = \"erp.a\"\nretry = { first_ms = 9, most_ms = 8 }",
         "is less than `first_ms`"},
    };
    for (const StepCase& one : cases) {
        const auto policy = parsed(with_step(one.step));
        ASSERT_FALSE(policy) << one.name;
        EXPECT_NE(policy.error().what.find(one.told), std::string::npos) << one.name << ":\n"
                                                                         << policy.error().what;
    }
}

TEST(Workflows, ThatCannotBeReadAreRefusedWithTheirPlace) {
    const std::string steps = "[[workflows.w.steps]]\nname = \"s\"\nend = \"done\"\n";
    const std::string head = "[workflows.w]\nowner = \"a\"\n";
    const StepCase cases[] = {
        {"no owner", "[workflows.w]\n" + steps, "b.toml:1:1: `workflows.w.owner` is missing"},
        {"no steps", head, "`workflows.w.steps` is missing: [[workflows.w.steps]]"},
        {"no such end", head + "on_deadline = \"continue\"\n" + steps,
         "`workflows.w.on_deadline` must be"},
        {"bad schedule",
         head + "[[workflows.w.triggers]]\non = \"schedule\"\ncron = \"0 25 * * *\"\n" + steps,
         "b.toml:5:8: `workflows.w.triggers.cron` has no hour in \"25\""},
        {"any change", head + "[[workflows.w.triggers]]\non = \"change\"\nobject = \"o\"\n" + steps,
         "`workflows.w.triggers.when` is missing: which change is it?"},
        {"a variant of nothing",
         head + steps +
             "[workflows.w.variants.eu]\nwhen = 'true'\n"
             "[[workflows.w.variants.eu.steps]]\nremoves = \"t\"\n",
         "`workflows.w.variants.eu.steps.removes` names no step of the workflow: \"t\""},
        {"a variant nowhere",
         head + steps +
             "[workflows.w.variants.eu]\nwhen = 'true'\n"
             "[[workflows.w.variants.eu.steps]]\nname = \"t\"\nend = \"done\"\n",
         "is missing, and so are `before`, `after` and `removes`"},
    };
    for (const StepCase& one : cases) {
        const auto policy = parsed(one.step);
        ASSERT_FALSE(policy) << one.name;
        EXPECT_NE(policy.error().what.find(one.told), std::string::npos) << one.name << ":\n"
                                                                         << policy.error().what;
    }
}

}  // namespace
}  // namespace syncline
