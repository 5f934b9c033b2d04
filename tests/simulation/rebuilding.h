#pragma once

#include <vector>

#include "tests/simulation/memory_broker.h"
#include "tests/simulation/policy_changes.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

/// I22: the inputs, decided again from nothing as the log says, make every state and every entry
/// byte for byte as it is stored. Without losses each can be made.
[[nodiscard]] std::vector<Violation> check_rebuild(MemoryBroker& broker, PolicyChanges& policies);

}  // namespace syncline::sim
