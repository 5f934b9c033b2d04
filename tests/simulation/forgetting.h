#pragma once

#include <vector>

#include "tests/simulation/memory_broker.h"
#include "tests/simulation/random.h"
#include "tests/simulation/workload.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

/// In one world of four a person has entities forgotten, mostly such as no platform has any more.
/// It has chances of its own, so that the other worlds are what they were.
class Forgetting {
public:
    Forgetting(World& world, MemoryBroker& broker, const Setup& setup, std::uint64_t seed);

    void begin();
    /// Nobody asks for anything any more.
    void end() { over_ = true; }

private:
    void next();
    void ask();
    void ask(const EntityKey& entity, const EntityId& merged_into);

    World& world_;
    MemoryBroker& broker_;
    const Setup& setup_;
    Random random_;
    bool on_ = false;
    bool over_ = false;
    std::uint64_t asked_ = 0;
};

/// I23: of what was forgotten the streams hold nothing of before, and once everything is quiet it
/// is done.
[[nodiscard]] std::vector<Violation> check_forgotten(MemoryBroker& broker);

}  // namespace syncline::sim
