#pragma once

#include <vector>

#include "tests/simulation/memory_broker.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

/// I24: each business event that the decision log names was told, once, and no other.
[[nodiscard]] std::vector<Violation> check_told(MemoryBroker& broker);

}  // namespace syncline::sim
