#pragma once

#include <string>
#include <string_view>

#include "hub/core/state.h"
#include "shared/base/result.h"
#include "shared/policy/workflow.h"

namespace syncline::hub {

struct Work;

/// A workflow that a change of an entity begins, as the entity's state keeps it until it is told.
struct WorkflowStart {
    WorkflowName workflow;
    std::string cause;  ///< `object/entity/version`: the same change begins it once.
    Fields context;
    std::string fault;  ///< Why the context could not be worked out; empty: it could.
    std::string trace;
    friend bool operator==(const WorkflowStart&, const WorkflowStart&) = default;
};
[[nodiscard]] std::string encode(const WorkflowStart& start);
/// kInvalid, kTooLarge: as every decoder.
[[nodiscard]] Result<WorkflowStart> decode_start(std::string_view body);

/// What triggers look at; empty if none looks at the object, or it is not there.
[[nodiscard]] Fields starting_fields(const Work& work);

/// Begins the workflows whose trigger holds by now and did not `before`.
void tell_starts(Work& work, const Fields& before);

}  // namespace syncline::hub
