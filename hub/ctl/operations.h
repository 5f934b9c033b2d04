#pragma once

#include <functional>

#include "hub/core/step.h"
#include "hub/ctl/session.h"

namespace syncline::ctl {

/// Has the operation decided by whoever holds the partition of its entity.
[[nodiscard]] Result<void> publish_operation(Session& session, const hub::Operation& operation);

/// Looks again and again whether `is_over`, until it is, `most` has passed or Ctrl-C came. Its
/// first error ends it.
[[nodiscard]] Result<void> look_until(Session& session, Duration most,
                                      const std::function<Result<bool>()>& is_over);

}  // namespace syncline::ctl
