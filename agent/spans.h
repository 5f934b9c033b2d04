#pragma once

#include <string>

#include "agent/environment.h"
#include "shared/model/change.h"
#include "shared/model/operation_call.h"
#include "shared/model/outcome.h"

/// What an agent tells telemetry; nothing where there is none.
namespace syncline::agent {

/// What a new change is to bear as `trace`; nothing if it is not followed.
[[nodiscard]] std::string begin_trace(const Environment& environment);
/// The change is on its way into the spool.
void trace_change(const Environment& environment, const Change& change);
/// A command was carried out, or not, in `took`.
void trace_outcome(const Environment& environment, const Outcome& outcome, Duration took);
/// The same of an operation of a workflow.
void trace_result(const Environment& environment, const OperationResult& result, Duration took);

}  // namespace syncline::agent
