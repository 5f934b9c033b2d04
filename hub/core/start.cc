#include "hub/core/start.h"

#include <algorithm>

#include "hub/core/work.h"
#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::hub {
namespace {

bool looks_at(const Trigger& trigger, const ObjectName& object) {
    return trigger.on == Trigger::On::kChange && trigger.object == object && trigger.when;
}

void each_trigger(const Work& work, const auto& take) {
    for (const Workflow& workflow : work.policy.workflows) {
        for (const Trigger& trigger : workflow.triggers) {
            if (looks_at(trigger, work.object.name)) take(workflow, trigger);
        }
    }
}

/// As conditions of rules: one that fails does not hold.
bool holds(const Trigger& trigger, const Fields& fields) {
    return !fields.empty() && trigger.when->holds(fields).value_or(false);
}

}  // namespace

Fields starting_fields(const Work& work) {
    bool any = false;
    each_trigger(work, [&](const auto&, const auto&) { any = true; });
    const EntityState& state = work.state;
    const bool there = any && !state.is_unknown() && !state.is_merged() && !state.deleted;
    return there ? state.fields() : Fields{};
}

void tell_starts(Work& work, const Fields& before) {
    const Fields now = starting_fields(work);
    if (now.empty()) return;
    each_trigger(work, [&](const Workflow& workflow, const Trigger& trigger) {
        if (!holds(trigger, now) || holds(trigger, before)) return;
        const EntityKey& key = work.state.key;
        WorkflowStart start{.workflow = workflow.name,
                            .cause = key.object.text + "/" + key.entity.text + "/" +
                                     std::to_string(work.state.version + 1),
                            .context = {},
                            .fault = {},
                            .trace = work.log.trace};
        // Of inputs that are decided together each may bring it about.
        const auto same = std::ranges::count(work.starts, workflow.name, &WorkflowStart::workflow);
        if (same > 0) start.cause += "-" + std::to_string(same + 1);
        for (const Assignment& one : trigger.set) {
            auto value = one.value.evaluate(now);
            if (!value) {
                start.fault = "`" + one.field.text + "`: " + value.error().what;
                break;
            }
            start.context.set(one.field, *std::move(value));
        }
        work.note("begins the workflow " + workflow.name.text);
        work.starts.push_back(std::move(start));
    });
}

std::string encode(const WorkflowStart& start) {
    wire::Writer out;
    out.map(6);
    out.field(0, wire::kWireVersion);
    out.field(1, start.workflow.text);
    out.field(2, start.cause);
    out.field(3, start.context);
    out.field(4, start.fault);
    out.field(5, start.trace);
    return out.take();
}

Result<WorkflowStart> decode_start(std::string_view body) {
    WorkflowStart start;
    const auto done =
        wire::decode_message(body, "start of a workflow", wire::key_bits(1, 2, 3),
                             [&](wire::Decoder& in, int key, const wire::Node& node) {
                                 switch (key) {
                                     case 1: start.workflow.text = in.id(node); break;
                                     case 2:
                                         start.cause = in.text(node, wire::kStringBytesMax);
                                         break;
                                     case 3: start.context = in.fields(node); break;
                                     case 4:
                                         start.fault = in.text(node, wire::kStringBytesMax);
                                         break;
                                     case 5: start.trace = in.text(node, wire::kIdBytesMax); break;
                                     default: break;
                                 }
                             });
    if (!done) return fail(done.error());
    return start;
}

}  // namespace syncline::hub
