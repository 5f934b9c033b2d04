#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/faults.h"
#include "tests/simulation/memory_broker.h"
#include "tests/simulation/random.h"
#include "tests/simulation/workload.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

/// In one world of three people begin workflows, which have things done at the platforms and, where
/// that fails for good, undone. It has chances of its own, so that the other worlds are what they
/// were.
class Processing {
public:
    /// Adds its workflows to the policies of `setup`.
    Processing(World& world, MemoryBroker& broker, Setup& setup, std::uint64_t seed);

    [[nodiscard]] bool on() const { return on_; }
    void begin(const Cast& cast);
    /// Nobody begins any more.
    void end() { over_ = true; }
    [[nodiscard]] std::uint64_t begun() const { return begun_.size(); }

    /// I25: no operation is done twice, whatever happens.
    void watch();
    /// I26: once everything is quiet each instance has come to its end, and what it did is done
    /// once, or undone once.
    [[nodiscard]] std::vector<Violation> final_findings();

private:
    void next();
    void start(const std::string& number);

    World& world_;
    MemoryBroker& broker_;
    Setup& setup_;
    const Cast* cast_ = nullptr;
    Random random_;
    bool on_ = false;
    bool over_ = false;
    std::vector<std::string> begun_;  ///< Numbers whose start was stored.
};

/// The workflows of a world whose first two platforms are these.
[[nodiscard]] std::string errands(const PlatformId& first, const PlatformId& second);

}  // namespace syncline::sim
