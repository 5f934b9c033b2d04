#include "tests/simulation/planted.h"

#include <array>

namespace syncline::sim {

std::span<const PlantedBug> planted_bugs() { return {}; }

}  // namespace syncline::sim
