#pragma once

#include <string>

#include "hub/core/event.h"
#include "hub/workflow/effect.h"
#include "shared/policy/policy.h"

namespace syncline::hub {

/// What has come of an approval, as a business event: `approval.asked`, `.reminded`, `.closed`. It
/// carries of what is decided about what is public by the workflow's context; all else is seen by
/// who asks for it. Whoever publishes it sets entity, key, source, time and trace; its generation
/// is the step. `workflow` may be null.
[[nodiscard]] BusinessEvent approval_event(const workflow::ApprovalNews& news,
                                           const Workflow* workflow);

}  // namespace syncline::hub
