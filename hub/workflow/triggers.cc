#include "hub/workflow/triggers.h"

#include <algorithm>

namespace syncline::hub::workflow {
namespace {

/// The start with that context; the key names the instance, and else the cause does.
Result<Start> start_of(const Workflow& workflow, Trigger::On on, Fields context,
                       const Cause& cause) {
    Start start{.workflow = workflow.name,
                .trigger = name_of(on),
                .context = std::move(context),
                .requester = cause.requester,
                .trace = cause.trace};
    if (workflow.key.empty()) {
        start.instance = instance_id(workflow.name, cause.id);
        return start;
    }
    const Value* value = start.context.find(workflow.key);
    const std::string key = value == nullptr ? std::string{} : key_text(*value);
    if (key.empty()) {
        return fail(ErrorKind::kInvalid, "`" + workflow.key.text +
                                             "`, which names an instance of " + workflow.name.text +
                                             ", is empty");
    }
    start.instance = instance_id(workflow.name, "=" + key);
    return start;
}

Result<Start> start_of(const Workflow& workflow, const Trigger& trigger, const Fields& fields,
                       const Cause& cause) {
    Fields context;
    for (const Assignment& one : trigger.set) {
        auto value = one.value.evaluate(fields);
        if (!value) return fail(value.error(), "`" + one.field.text + "`");
        context.set(one.field, *std::move(value));
    }
    return start_of(workflow, trigger.on, std::move(context), cause);
}

/// As conditions of rules: one that fails does not hold.
bool holds(const Expression& when, const Fields& fields) {
    return when.holds(fields).value_or(false);
}

void each_trigger(const Policy& policy, Trigger::On on, const auto& take) {
    for (const Workflow& workflow : policy.workflows) {
        for (const Trigger& trigger : workflow.triggers) {
            if (trigger.on == on) take(workflow, trigger);
        }
    }
}

}  // namespace

Result<Start> begun_by_change(const Policy& policy, const WorkflowName& name, const Fields& context,
                              const Cause& cause) {
    const Workflow* workflow = policy.workflow(name);
    if (workflow == nullptr) return fail(ErrorKind::kNotFound, "there is no workflow " + name.text);
    return start_of(*workflow, Trigger::On::kChange, context, cause);
}

std::vector<Begun> begun_by_event(const Policy& policy, std::string_view event,
                                  const Fields& fields, const Cause& cause) {
    std::vector<Begun> all;
    each_trigger(policy, Trigger::On::kEvent, [&](const auto& workflow, const auto& trigger) {
        if (trigger.event != event || (trigger.when && !holds(*trigger.when, fields))) return;
        all.push_back({workflow.name, start_of(workflow, trigger, fields, cause)});
    });
    return all;
}

std::vector<Begun> begun_by_schedule(const Policy& policy, Timestamp done, Timestamp now) {
    std::vector<Begun> all;
    each_trigger(policy, Trigger::On::kSchedule, [&](const auto& workflow, const auto& trigger) {
        if (!trigger.cron) return;
        const auto at = trigger.cron->latest(now);
        if (!at || *at <= done) return;
        const std::string text = to_string(*at);
        const Fields fields{{FieldName{"at"}, text}};
        all.push_back({workflow.name, start_of(workflow, trigger, fields, {.id = "at " + text})});
    });
    return all;
}

Result<Start> begun_by_api(const Policy& policy, const WorkflowName& name, const Fields& context,
                           const Cause& cause) {
    const Workflow* workflow = policy.workflow(name);
    if (workflow == nullptr) return fail(ErrorKind::kNotFound, "there is no workflow " + name.text);
    const bool may = std::ranges::any_of(
        workflow->triggers, [](const Trigger& one) { return one.on == Trigger::On::kApi; });
    if (!may) {
        return fail(ErrorKind::kDenied,
                    name.text + " is not started by hand: it has no trigger with on = \"api\"");
    }
    return start_of(*workflow, Trigger::On::kApi, context, cause);
}

Start begun_by_call(const Request& request, const Instance& parent) {
    return {.instance = key_text(request.subject),
            .workflow = WorkflowName{request.name},
            .trigger = "call",
            .context = request.fields,
            .requester = parent.requester,
            .trace = parent.trace,
            .parent = parent.id,
            .parent_key = request.key};
}

std::vector<std::pair<std::string, std::string>> events_of(const Policy& policy,
                                                           const Instance& instance) {
    std::vector<std::pair<std::string, std::string>> all;
    const Workflow* workflow = policy.workflow(instance.workflow);
    if (workflow == nullptr || is_end(instance.status)) return all;
    const auto look = [&](const Steps& steps) {
        for (const StepSpec& step : steps) {
            const auto* wait = std::get_if<WaitStep>(&step.action);
            if (wait == nullptr || wait->event.empty() || !wait->key) continue;
            const auto key = wait->key->evaluate(instance.context);
            if (key && !key_text(*key).empty()) all.emplace_back(wait->event, key_text(*key));
        }
    };
    if (const Steps* steps = workflow->block({}, instance.variant)) look(*steps);
    for (const auto& [name, steps] : workflow->blocks) look(steps);
    // What is waited for already was worked out where the step stands, with its item.
    const auto waiting = [&](const auto& self, const std::vector<Frame>& frames) -> void {
        for (const Frame& frame : frames) {
            const Steps* steps = workflow->block(frame.block, instance.variant);
            const auto step = steps == nullptr
                                  ? Steps::const_iterator{}
                                  : std::ranges::find(*steps, frame.step, &StepSpec::name);
            if (steps != nullptr && step != steps->end() && frame.phase == Phase::kWaiting) {
                const auto* wait = std::get_if<WaitStep>(&step->action);
                if (wait != nullptr && !wait->event.empty()) {
                    all.emplace_back(wait->event, key_text(frame.subject));
                }
            }
            self(self, frame.inside);
        }
    };
    waiting(waiting, instance.frames);
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

}  // namespace syncline::hub::workflow
