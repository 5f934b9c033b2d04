#pragma once

#include <utility>
#include <vector>

#include "hub/core/state.h"

namespace syncline::hub {

using RecordName = std::pair<PlatformId, RecordId>;

/// The records that are the entity's: those that stand for it, and those beside them that are not
/// gone.
[[nodiscard]] std::vector<RecordName> all_records(const EntityState& state);
[[nodiscard]] bool has_record(const EntityState& state, const PlatformId& platform,
                              const RecordId& id);

}  // namespace syncline::hub
