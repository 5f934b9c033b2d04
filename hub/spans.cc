#include "hub/spans.h"

#include "shared/telemetry/trace_context.h"

namespace syncline::hub {
namespace {

using telemetry::Span;
using telemetry::TraceContext;

/// The span that led to it: of the change, or of the command whose outcome it heard.
std::string cause_of(const TraceContext& trace, const std::string& text,
                     std::span<const Input> inputs) {
    for (const Input& input : inputs) {
        const auto* outcome = std::get_if<Outcome>(&input);
        if (outcome == nullptr || outcome->trace != text) continue;
        return telemetry::apply_span(trace, outcome->entity, outcome->platform,
                                     outcome->generation);
    }
    return trace.span_id;
}

}  // namespace

void trace_decision(telemetry::SpanSink& spans, const LogEntry& entry,
                    std::span<const Input> inputs, Timestamp stored) {
    const auto trace = telemetry::sampled_trace(entry.trace);
    if (!trace) return;
    const std::string& object = entry.entity.object.text;
    const std::string decision = telemetry::decision_span(*trace, entry.entity, entry.version);
    spans.add({.trace_id = trace->trace_id,
               .span_id = decision,
               .parent_id = cause_of(*trace, entry.trace, inputs),
               .name = "decide " + object,
               .kind = Span::Kind::kConsumer,
               .start = entry.at,
               .end = stored,
               .attributes = {{"syncline.object", object},
                              {"syncline.entity", entry.entity.entity.text},
                              {"syncline.version", std::to_string(entry.version)},
                              {"syncline.policy", std::to_string(entry.policy_version)},
                              {"syncline.inputs", std::to_string(entry.inputs.size())}},
               .error = {}});
    for (const LogEntry::Commanded& command : entry.commands) {
        spans.add({.trace_id = trace->trace_id,
                   .span_id = telemetry::command_span(*trace, entry.entity, command.platform,
                                                      command.generation),
                   .parent_id = decision,
                   .name = "command " + object,
                   .kind = Span::Kind::kProducer,
                   .start = stored,
                   .end = stored,
                   .attributes = {{"syncline.platform", command.platform.text},
                                  {"syncline.object", object},
                                  {"syncline.entity", entry.entity.entity.text},
                                  {"syncline.generation", std::to_string(command.generation)}},
                   .error = {}});
    }
}

void trace_step(telemetry::SpanSink& spans, const workflow::Instance& instance,
                const workflow::LogEntry& entry, Timestamp stored) {
    const auto trace = telemetry::sampled_trace(instance.trace);
    if (!trace) return;
    const EntityKey key{ObjectName{"_workflow"}, EntityId{entry.instance}};
    spans.add({.trace_id = trace->trace_id,
               .span_id = telemetry::decision_span(*trace, key, entry.revision),
               .parent_id = trace->span_id,
               .name = "workflow " + instance.workflow.text,
               .kind = Span::Kind::kInternal,
               .start = entry.at,
               .end = stored,
               .attributes = {{"syncline.workflow", instance.workflow.text},
                              {"syncline.instance", entry.instance},
                              {"syncline.status", workflow::name_of(instance.status)}},
               .error = {}});
}

}  // namespace syncline::hub
