#pragma once

#include "agent/core/mass_change.h"
#include "tests/simulation/memory_broker.h"
#include "tests/simulation/random.h"
#include "tests/simulation/workload.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

/// In one world of four agents have so low limits that they hold lanes again and again, and the
/// operators have each resumed after a while. It has chances of its own, so that the other worlds
/// are what they were.
class Holding {
public:
    Holding(World& world, MemoryBroker& broker, const Setup& setup, std::uint64_t seed);

    [[nodiscard]] bool on() const { return on_; }
    /// Limits for the next agent.
    [[nodiscard]] agent::MassSettings limits();
    /// Also where nobody has set limits: a lively world may exceed what an agent comes with.
    void begin();

private:
    void next();
    void answer(const MessagePtr& message);

    World& world_;
    MemoryBroker& broker_;
    const Setup& setup_;
    Random random_;
    bool on_ = false;
    std::uint64_t answers_ = 0;
};

}  // namespace syncline::sim
