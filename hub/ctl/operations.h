#pragma once

#include "hub/core/step.h"
#include "hub/ctl/session.h"

namespace syncline::ctl {

/// Has the operation decided by whoever holds the partition of its entity.
[[nodiscard]] Result<void> publish_operation(Session& session, const hub::Operation& operation);

}  // namespace syncline::ctl
