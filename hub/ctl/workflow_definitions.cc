#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"

// The workflows of the policy, with their steps: enough to draw them.

namespace syncline::ctl {
namespace {

template <class... F>
struct Cases : F... {
    using F::operator()...;
};

Value texts(const std::vector<std::string>& all) { return Value::List{all.begin(), all.end()}; }

std::string text_of_maybe(const std::optional<Expression>& expression) {
    return expression ? expression->text() : std::string{};
}

/// What a step does: `action`, and what there is to say about it.
Value::Map action_of(const Action& action) {
    return std::visit(
        Cases{
            [](const AskStep& one) {
                return Value::Map{{"action", "ask"}, {"operation", one.operation}};
            },
            [](const OperationStep& one) {
                return Value::Map{{"action", "operation"}, {"operation", one.operation}};
            },
            [](const SetStep& one) {
                return Value::Map{{"action", "set"}, {"object", one.write.object.text}};
            },
            [](const LetStep&) {
                return Value::Map{{"action", "let"}};
            },
            [](const WaitStep& one) {
                return Value::Map{{"action", "wait"},
                                  {"event", one.event},
                                  {"until", text_of_maybe(one.until)},
                                  {"length_ms", std::int64_t{one.length.count() / 1'000'000}}};
            },
            [](const ApproveStep& one) {
                Value::List roles;
                for (const ApproveStep::Level& level : one.chain) roles.emplace_back(level.role);
                return Value::Map{{"action", "approve"},
                                  {"roles", std::move(roles)},
                                  {"quorum", std::int64_t{one.quorum}},
                                  {"escalate_to", one.escalate_to},
                                  {"on_reject", name_of(one.on_reject)}};
            },
            [](const ChooseStep& one) {
                Value::List choices;
                for (const ChooseStep::Choice& choice : one.choices) {
                    choices.emplace_back(
                        Value::Map{{"when", text_of_maybe(choice.when)}, {"block", choice.block}});
                }
                return Value::Map{{"action", "choose"}, {"choices", std::move(choices)}};
            },
            [](const ParallelStep& one) {
                return Value::Map{{"action", "parallel"}, {"blocks", texts(one.blocks)}};
            },
            [](const ForEachStep& one) {
                return Value::Map{{"action", "for_each"},
                                  {"of", text_of_maybe(one.of)},
                                  {"as", one.as.text},
                                  {"block", one.block}};
            },
            [](const CallStep& one) {
                return Value::Map{{"action", "call"}, {"workflow", one.workflow.text}};
            },
            [](const EmitStep& one) {
                return Value::Map{{"action", "emit"}, {"event", one.event}};
            },
            [](const EndStep& one) {
                return Value::Map{
                    {"action", "end"},
                    {"outcome", one.outcome == EndStep::Outcome::kDone ? "done" : "failed"}};
            },
        },
        action);
}

Value value_of(const Steps& steps) {
    Value::List list;
    for (const StepSpec& step : steps) {
        Value::Map map = action_of(step.action);
        map.emplace("step", step.name);
        map.emplace("when", text_of_maybe(step.when));
        map.emplace("deadline_ms", std::int64_t{step.deadline.count() / 1'000'000});
        map.emplace("has_effect", step.has_effect());
        const bool undone = step.compensate.has_value();
        map.emplace("compensated_by", !undone ? Value{}
                                      : step.compensate->operation.empty()
                                          ? Value{"set"}
                                          : Value{step.compensate->operation});
        map.emplace("because", step.because);
        list.emplace_back(std::move(map));
    }
    return list;
}

Value value_of(const Workflow& workflow) {
    Value::Map blocks;
    for (const auto& [name, steps] : workflow.blocks) blocks.emplace(name, value_of(steps));
    Value::List variants;
    for (const Variant& variant : workflow.variants) {
        variants.emplace_back(Value::Map{{"variant", variant.name},
                                         {"when", text_of_maybe(variant.when)},
                                         {"steps", value_of(variant.steps)}});
    }
    Value::List triggers;
    for (const Trigger& trigger : workflow.triggers) {
        triggers.emplace_back(Value::Map{{"on", name_of(trigger.on)},
                                         {"object", trigger.object.text},
                                         {"event", trigger.event},
                                         {"when", text_of_maybe(trigger.when)}});
    }
    Value::List context;
    for (const FieldSpec& field : workflow.context) {
        context.emplace_back(Value::Map{{"field", field.name.text},
                                        {"type", name_of(field.type)},
                                        {"required", field.required}});
    }
    return Value::Map{{"workflow", workflow.name.text},
                      {"version", std::int64_t{workflow.version}},
                      {"owner", workflow.owner},
                      {"key", workflow.key.text},
                      {"hash", workflow.hash},
                      {"deadline_ms", std::int64_t{workflow.deadline.count() / 1'000'000}},
                      {"on_deadline", name_of(workflow.on_deadline)},
                      {"context", std::move(context)},
                      {"triggers", std::move(triggers)},
                      {"steps", value_of(workflow.steps)},
                      {"blocks", std::move(blocks)},
                      {"variants", std::move(variants)}};
}

void show_steps(Output& out, const Steps& steps, const std::string& before) {
    for (const StepSpec& step : steps) {
        const Value::Map action = action_of(step.action);
        out.line(before + step.name + "  " + *action.at("action").get<std::string>());
    }
}

Result<Exit> define(Program& program) {
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    Output& out = program.out();
    Value::List list;
    for (const Workflow& workflow : (*policy)->workflows) {
        out.line(workflow.name.text, Style::kBold);
        show_steps(out, workflow.steps, "    ");
        for (const auto& [name, steps] : workflow.blocks) {
            out.line("    block " + name);
            show_steps(out, steps, "        ");
        }
        list.push_back(value_of(workflow));
    }
    if (list.empty()) out.line("the policy has no workflows");
    out.set("workflows", std::move(list));
    return Exit::kFine;
}

}  // namespace

void add_workflow_definitions(CLI::App& workflows, Program& program) {
    workflows.add_subcommand("define", "The workflows of the policy, with their steps")
        ->callback([&program] { program.choose("workflows define", define); });
}

}  // namespace syncline::ctl
