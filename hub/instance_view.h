#pragma once

#include <string>
#include <vector>

#include "hub/workflow/instance.h"

namespace syncline::hub {

/// A step that an instance stands at, as people see it.
struct StepView {
    std::string path;  ///< `lines.3/ship`.
    std::string phase;
    std::uint32_t attempt = 0;
    Timestamp due;
    std::string waits_for;  ///< In words; may be empty.
};
/// The steps that something is awaited of, and not the blocks around them.
[[nodiscard]] std::vector<StepView> steps_of(const workflow::Instance& instance);

/// The instance as JSON has it: `{"instance","workflow","status","context","steps",...}`.
[[nodiscard]] Value::Map view_of(const workflow::Instance& instance);
[[nodiscard]] Value::Map view_of(const workflow::ApprovalNews& approval);

}  // namespace syncline::hub
