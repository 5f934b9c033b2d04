#include "agent/spans.h"

#include <optional>

#include "shared/telemetry/trace_context.h"

namespace syncline::agent {
namespace {

using telemetry::Span;
using telemetry::TraceContext;

/// A platform's clock may be any; a change that seems older began when it was seen.
constexpr Duration kOldest = std::chrono::hours{24};

std::optional<TraceContext> followed(const Environment& environment, const std::string& trace) {
    if (environment.spans == nullptr) return std::nullopt;
    return telemetry::sampled_trace(trace);
}

}  // namespace

std::string begin_trace(const Environment& environment) {
    if (environment.spans == nullptr) return {};
    Jitter& next = environment.jitter;
    const std::uint64_t random = next.next();
    if (!environment.spans->samples(random)) return {};
    return telemetry::to_text(telemetry::make_trace(random, next.next(), next.next(), true));
}

void trace_change(const Environment& environment, const Change& change) {
    const auto trace = followed(environment, change.trace);
    if (!trace) return;
    const Duration age = change.seen_at - change.changed_at;
    const bool known = change.changed_at.ns != 0 && age >= Duration{0} && age < kOldest;
    environment.spans->add({.trace_id = trace->trace_id,
                            .span_id = trace->span_id,
                            .parent_id = {},
                            .name = "change " + change.key.object.text,
                            .kind = Span::Kind::kProducer,
                            .start = known ? change.changed_at : change.seen_at,
                            .end = change.seen_at,
                            .attributes = {{"syncline.platform", change.key.platform.text},
                                           {"syncline.object", change.key.object.text}},
                            .error = {}});
}

void trace_outcome(const Environment& environment, const Outcome& outcome, Duration took) {
    const auto trace = followed(environment, outcome.trace);
    if (!trace) return;
    const bool done = outcome.status == OutcomeStatus::kApplied;
    environment.spans->add(
        {.trace_id = trace->trace_id,
         .span_id =
             telemetry::apply_span(*trace, outcome.entity, outcome.platform, outcome.generation),
         .parent_id =
             telemetry::command_span(*trace, outcome.entity, outcome.platform, outcome.generation),
         .name = "apply " + outcome.entity.object.text,
         .kind = Span::Kind::kClient,
         .start = outcome.done_at - took,
         .end = outcome.done_at,
         .attributes = {{"syncline.platform", outcome.platform.text},
                        {"syncline.object", outcome.entity.object.text},
                        {"syncline.entity", outcome.entity.entity.text},
                        {"syncline.generation", std::to_string(outcome.generation)},
                        {"syncline.attempts", std::to_string(outcome.attempts)}},
         .error = done ? "" : "not applied"});
}

void trace_result(const Environment& environment, const OperationResult& result, Duration took) {
    const auto trace = followed(environment, result.trace);
    if (!trace) return;
    const bool done = result.what == OperationResult::What::kApplied;
    environment.spans->add(
        {.trace_id = trace->trace_id,
         .span_id = telemetry::operation_span(*trace, result.key, result.attempt),
         .parent_id = trace->span_id,
         .name = "operation " + result.platform.text,
         .kind = Span::Kind::kClient,
         .start = result.done_at - took,
         .end = result.done_at,
         .attributes = {{"syncline.platform", result.platform.text},
                        {"syncline.operation", result.key}},
         .error = done ? "" : "not applied"});
}

}  // namespace syncline::agent
