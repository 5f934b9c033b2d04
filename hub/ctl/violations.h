#pragma once

#include "hub/core/step.h"
#include "hub/ctl/output.h"
#include "shared/policy/policy.h"

namespace syncline::ctl {

/// Shows how the values that an exception is about break the contract, by a policy: where, what is
/// expected and what was found; for JSON the same. What the policy takes by now is said to be
/// taken. Nothing for exceptions about other things. `policy` null: none is known.
Value show_violations(Output& out, const hub::ExceptionRecord& record, const Policy* policy);

}  // namespace syncline::ctl
