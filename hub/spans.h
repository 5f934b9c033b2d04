#pragma once

#include <span>

#include "hub/core/step.h"
#include "hub/workflow/effect.h"
#include "hub/workflow/instance.h"
#include "shared/telemetry/span.h"

/// What a hub tells telemetry.
namespace syncline::hub {

/// A decision about an entity was stored: by what, and which commands it led to.
void trace_decision(telemetry::SpanSink& spans, const LogEntry& entry,
                    std::span<const Input> inputs, Timestamp stored);

/// The same about an instance of a workflow.
void trace_step(telemetry::SpanSink& spans, const workflow::Instance& instance,
                const workflow::LogEntry& entry, Timestamp stored);

}  // namespace syncline::hub
