#include <algorithm>

#include "shared/base/nearest_name.h"
#include "shared/policy/policy_toml.h"
#include "shared/policy/workflow_toml_parts.h"

namespace syncline::reading {
namespace {

constexpr TomlReader::Range kVersions{1, 1'000'000};
constexpr TomlReader::Range kDeadline{0, 10LL * 366 * 86'400};
constexpr std::size_t kStepsMost = 500;

constexpr TomlReader::Choice<Recourse> kOnDeadline[] = {
    {"pause", Recourse::kPause},
    {"compensate", Recourse::kCompensate},
};
constexpr TomlReader::Choice<Trigger::On> kTriggers[] = {
    {"change", Trigger::On::kChange},
    {"event", Trigger::On::kEvent},
    {"api", Trigger::On::kApi},
    {"schedule", Trigger::On::kSchedule},
};

Trigger read_trigger(TomlReader& in) {
    Trigger trigger;
    trigger.place = in.place();
    trigger.on = in.choice("on", kTriggers);
    switch (trigger.on) {
        case Trigger::On::kChange:
            trigger.object = ObjectName{in.text("object")};
            if (!in.has("when")) in.problem("when", "is missing: which change is it?");
            trigger.when = read_condition(in, "when");
            break;
        case Trigger::On::kEvent:
            trigger.event = in.text("event");
            trigger.when = read_condition(in, "when");
            break;
        case Trigger::On::kSchedule: {
            const std::string text = in.text("cron");
            if (text.empty()) break;
            auto parsed = Cron::parse(text);
            if (parsed) {
                trigger.cron = *std::move(parsed);
            } else {
                in.problem("cron", parsed.error().what);
            }
            break;
        }
        case Trigger::On::kApi: return trigger;  // Whoever starts it gives the context.
    }
    trigger.set = read_assignments(in, "set");
    return trigger;
}

Steps read_steps(TomlReader& in, std::string_view key) {
    Steps steps;
    for (TomlReader& step : in.tables(key)) {
        steps.push_back(read_step(step, read_name(step, "name")));
    }
    if (steps.size() > kStepsMost) {
        in.problem(key, "has more than " + std::to_string(kStepsMost) + " steps");
    }
    return steps;
}

// ---- Variants. ------------------------------------------------------------------------------

constexpr std::string_view kPlacings[] = {"replaces", "before", "after", "removes"};

/// How the step stands to one of the workflow's own; empty, with a problem, if it does not say.
std::string_view placing_of(TomlReader& in) {
    std::string_view found;
    for (const std::string_view placing : kPlacings) {
        if (!in.has(placing)) continue;
        if (!found.empty()) {
            in.key_problem(placing, "and `" + std::string{found} + "` exclude each other");
        } else {
            found = placing;
        }
    }
    if (found.empty()) {
        in.problem("replaces", "is missing, and so are `before`, `after` and `removes`");
    }
    return found;
}

void overlay(TomlReader& in, Steps& steps) {
    const std::string_view placing = placing_of(in);
    if (placing.empty()) return;
    const std::string anchor = in.text(placing);
    const auto at = std::ranges::find(steps, anchor, &StepSpec::name);
    if (at == steps.end()) {
        std::vector<std::string> names;
        for (const StepSpec& step : steps) names.push_back(step.name);
        in.problem(placing, "names no step of the workflow: \"" + anchor + "\"" +
                                did_you_mean(anchor, names));
    }
    if (placing == "removes") {
        if (at != steps.end()) steps.erase(at);
        return;
    }
    const std::string name = placing == "replaces" ? anchor : read_name(in, "name");
    StepSpec step = read_step(in, name);
    if (at == steps.end()) return;
    if (placing == "replaces") {
        *at = std::move(step);
    } else {
        steps.insert(placing == "before" ? at : at + 1, std::move(step));
    }
}

void read_variants(TomlReader& in, Workflow& workflow) {
    TomlReader variants = in.table("variants");
    for (const std::string& name : variants.keys()) {
        TomlReader table = variants.table(name);
        Variant variant;
        variant.name = name;
        variant.place = table.place();
        variant.steps = workflow.steps;
        if (!table.has("when")) table.problem("when", "is missing: whom is the variant for?");
        variant.when = read_condition(table, "when");
        for (TomlReader& step : table.tables("steps")) overlay(step, variant.steps);
        workflow.variants.push_back(std::move(variant));
    }
}

void read_migration(TomlReader& in, Workflow& workflow) {
    auto table = in.optional_table("migrate");
    if (!table) return;
    Migration migration;
    migration.place = table->place();
    migration.from = table->kind("from") == TomlReader::Kind::kInteger
                         ? std::to_string(table->integer("from", kVersions))
                         : table->text("from");
    TomlReader steps = table->table("steps");
    for (const std::string& old : steps.keys()) migration.steps[old] = read_name(steps, old);
    workflow.migration = std::move(migration);
}

}  // namespace

Workflow read_workflow(TomlReader in, const std::string& name) {
    Workflow workflow;
    workflow.name = WorkflowName{name};
    workflow.place = in.place();
    workflow.version = in.integer("version", kVersions, workflow.version);
    workflow.owner = in.text("owner");
    if (in.has("key")) workflow.key = FieldName{in.text("key")};
    workflow.deadline = in.seconds("deadline_s", kDeadline, std::chrono::seconds{0});
    workflow.on_deadline = in.choice("on_deadline", kOnDeadline, workflow.on_deadline);
    TomlReader context = in.table("context");
    workflow.context = read_fields(context);
    for (TomlReader& trigger : in.tables("triggers")) {
        workflow.triggers.push_back(read_trigger(trigger));
    }
    if (!in.has("steps")) in.problem("steps", "is missing: [[workflows." + name + ".steps]]");
    workflow.steps = read_steps(in, "steps");
    TomlReader blocks = in.table("blocks");
    for (const std::string& block : blocks.keys()) {
        if (!is_policy_name(block)) blocks.key_problem(block, kWorkflowNameRule);
        workflow.block_places[block] = blocks.place(block);
        workflow.blocks[block] = read_steps(blocks, block);
    }
    read_variants(in, workflow);
    read_migration(in, workflow);
    workflow.hash = definition_hash(workflow);
    return workflow;
}

}  // namespace syncline::reading
