#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/mapping.h"
#include "shared/model/command.h"

/// What the connectors of databases have in common.
namespace syncline::agent {

/// The first field of which a row, as it was read, does not hold what the command expects. One that
/// already holds what the command wants is none: that makes repeating harmless.
[[nodiscard]] std::optional<FieldName> unexpected_field(const ObjectMapping& mapping,
                                                        const Command& command, const Record& held);

/// That a table lacks these mapped columns, and what becomes of that.
[[nodiscard]] std::string missing_columns_text(const std::vector<std::string>& columns);

}  // namespace syncline::agent
