#pragma once

#include <string>
#include <vector>

#include "hub/ctl/output.h"
#include "hub/ctl/program.h"
#include "shared/policy/check.h"

namespace syncline::ctl {

/// The policy that a person means by a word: a directory, the number of a version that hubs keep,
/// or "active", the one in force.
[[nodiscard]] Result<Policy> named_policy(Program& program, const std::string& name);

/// Adds what is wrong with a policy of `directory` (empty: of none), so that an editor can jump to
/// the places.
void add_findings(Output& out, const std::string& directory,
                  const std::vector<syncline::Finding>& findings);

}  // namespace syncline::ctl
