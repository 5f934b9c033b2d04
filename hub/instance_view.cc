#include "hub/instance_view.h"

#include "hub/workflow/message.h"
#include "shared/policy/ask.h"

namespace syncline::hub {
namespace {

using workflow::Frame;
using workflow::Phase;

/// In words, as far as the state alone tells.
std::string waits_for(const Frame& frame) {
    switch (frame.phase) {
        case Phase::kSent: return "an answer";
        case Phase::kBackOff: return "the next attempt";
        case Phase::kWaiting: {
            const std::string key = key_text(frame.subject);
            return key.empty() ? "a time" : "an event of " + key;
        }
        case Phase::kApproving: return "an approval";
        case Phase::kFailed:
        case Phase::kInDoubt:
        case Phase::kUnfit: return "a person";
        case Phase::kReady:
        case Phase::kInside: break;
    }
    return {};
}

void walk(const std::vector<Frame>& frames, const std::string& prefix, std::vector<StepView>& out) {
    for (const Frame& frame : frames) {
        if (frame.step.empty()) continue;
        const std::string path = prefix + frame.step;
        if (frame.phase != Phase::kInside) {
            out.push_back(
                {path, workflow::name_of(frame.phase), frame.attempt, frame.due, waits_for(frame)});
        }
        const bool loop = !frame.items.empty();
        walk(frame.inside, path + (loop ? "." + std::to_string(frame.index) : "") + "/", out);
    }
}

const char* name_of(workflow::Applied::Undo undo) {
    using Undo = workflow::Applied::Undo;
    switch (undo) {
        case Undo::kNone: return "applied";
        case Undo::kSent: return "being undone";
        case Undo::kBackOff: return "to be undone again";
        case Undo::kFailed: return "not undone";
        case Undo::kInDoubt: return "perhaps undone";
        case Undo::kLeft: return "stays";
    }
    return "applied";
}

const char* name_of(workflow::Instance::Hold hold) {
    using Hold = workflow::Instance::Hold;
    if (hold == Hold::kNone) return "";
    return hold == Hold::kPerson ? "by a person" : "by its deadline";
}

void set_time(Value::Map& map, const char* name, Timestamp time) {
    if (time != Timestamp{}) map.emplace(name, time);
}

void set_text(Value::Map& map, const char* name, const std::string& text) {
    if (!text.empty()) map.emplace(name, text);
}

}  // namespace

std::vector<StepView> steps_of(const workflow::Instance& instance) {
    std::vector<StepView> steps;
    walk(instance.frames, {}, steps);
    return steps;
}

Value::Map view_of(const workflow::Instance& instance) {
    Value::Map map{{"instance", instance.id},
                   {"workflow", instance.workflow.text},
                   {"version", std::int64_t{instance.version}},
                   {"status", std::string{workflow::name_of(instance.status)}},
                   {"revision", static_cast<std::int64_t>(instance.revision)},
                   {"context", to_map(instance.context)}};
    set_text(map, "held", name_of(instance.hold));
    set_text(map, "variant", instance.variant);
    set_text(map, "requester", instance.requester);
    set_text(map, "parent", instance.parent);
    set_text(map, "reason", instance.reason);
    set_text(map, "trace", instance.trace);
    set_time(map, "started_at", instance.started_at);
    set_time(map, "updated_at", instance.clock);
    set_time(map, "deadline", instance.deadline);
    Value::List steps;
    for (const StepView& step : steps_of(instance)) {
        Value::Map one{{"step", step.path}, {"phase", step.phase}};
        if (step.attempt > 0) one.emplace("attempt", std::int64_t{step.attempt});
        set_text(one, "waits_for", step.waits_for);
        set_time(one, "due", step.due);
        steps.emplace_back(std::move(one));
    }
    map.emplace("steps", std::move(steps));
    Value::List applied;
    for (const workflow::Applied& one : instance.applied) {
        applied.emplace_back(
            Value::Map{{"step", one.path}, {"stands", std::string{name_of(one.undo)}}});
    }
    if (!applied.empty()) map.emplace("applied", std::move(applied));
    Value::List open;
    for (const workflow::OpenException& one : instance.exceptions) {
        open.emplace_back(
            Value::Map{{"code", one.code}, {"step", one.step}, {"reason", one.reason}});
    }
    if (!open.empty()) map.emplace("exceptions", std::move(open));
    Value::List awaits;
    for (const auto& [event, key] : instance.awaits) {
        awaits.emplace_back(Value::Map{{"event", event}, {"key", key}});
    }
    if (!awaits.empty()) map.emplace("awaits", std::move(awaits));
    return map;
}

Value::Map view_of(const workflow::ApprovalNews& approval) {
    Value::Map map{{"key", approval.key},
                   {"workflow", workflow::workflow_of(approval.key)},
                   {"instance", workflow::instance_of(approval.key)},
                   {"step", workflow::step_of(approval.key)},
                   {"role", approval.role},
                   {"missing", std::int64_t{approval.missing}},
                   {"shown", to_map(approval.shown)},
                   {"seen", approval.seen}};
    set_text(map, "requester", approval.requester);
    set_time(map, "until", approval.until);
    return map;
}

}  // namespace syncline::hub
