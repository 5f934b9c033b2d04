#pragma once

#include <optional>
#include <string_view>

#include "shared/base/toml_reader.h"
#include "shared/policy/policy_toml_parts.h"
#include "shared/policy/workflow.h"

/// What the readers of a workflow share. Internal to shared/policy.
namespace syncline::reading {

inline constexpr TomlReader::Range kWorkflowSeconds{1, 10LL * 366 * 86'400};
inline constexpr const char* kWorkflowNameRule =
    "is no name: use small letters, digits and `_`, a letter first, at most 64";

/// `{ field = 'expression', ... }`; absent is none.
[[nodiscard]] Assignments read_assignments(TomlReader& in, std::string_view key);

/// The name under `key`, which must be one.
[[nodiscard]] std::string read_name(TomlReader& in, std::string_view key);

/// One of `[[steps]]`.
[[nodiscard]] StepSpec read_step(TomlReader& in, std::string_view name);

}  // namespace syncline::reading
