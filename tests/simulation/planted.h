#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "shared/nats/link.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

/// Bugs that can be planted to see the checkers catch them. Each sits in a layer of the simulator
/// or in a wrapper of an interface of the product; see planted.cc for what each does.
enum class Planted : std::uint8_t {
    kNone,
};

struct PlantedBug {
    Planted bug;
    std::string_view name;
    std::string_view what;
    std::uint32_t seeds;  ///< Within how many it must be caught.
};

[[nodiscard]] std::span<const PlantedBug> planted_bugs();

}  // namespace syncline::sim
