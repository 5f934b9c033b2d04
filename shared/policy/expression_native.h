#pragma once

#include "shared/model/value.h"
#include "shared/policy/expression_syntax.h"

namespace syncline::expression {

/// Fields and literals under comparisons, one_of, empty, and, or, not: what most rules are.
[[nodiscard]] bool runs_natively(const Node& node);

/// Whether such a node holds, by walking it; the same answer as Lua's, without Lua.
/// kInvalid: as Expression::holds().
[[nodiscard]] Result<bool> holds_natively(const Node& node, const Fields& fields);

}  // namespace syncline::expression
