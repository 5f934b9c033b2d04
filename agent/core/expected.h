#pragma once

#include <optional>

#include "agent/core/mapping.h"
#include "shared/model/command.h"

namespace syncline::agent {

/// The first field of which a record, as it was read just before it is written, does not hold what
/// the command expects. One that already holds what the command wants is none: that makes repeating
/// harmless.
[[nodiscard]] std::optional<FieldName> unexpected_field(const ObjectMapping& mapping,
                                                        const Command& command, const Record& held);

}  // namespace syncline::agent
