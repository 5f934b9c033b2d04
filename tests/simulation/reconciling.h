#pragma once

#include <vector>

#include "shared/model/inventory.h"
#include "tests/simulation/memory_broker.h"
#include "tests/simulation/workload.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

/// The operators who have platforms reconciled while everything runs, as synclinectl does it; and
/// once more at the end, when nothing may be left that is not proven.
class Reconciling {
public:
    Reconciling(World& world, MemoryBroker& broker, const Setup& setup)
        : world_(world), broker_(broker), setup_(setup) {}

    void begin();
    /// Of what is quiet and right: has the last run come to its end? Asks for it at first.
    [[nodiscard]] bool settle();
    /// I19: what the last run did not prove.
    [[nodiscard]] const std::vector<Violation>& final_findings() const { return findings_; }

private:
    void next();
    void ask(const PlatformId& platform, ReconcileRequest request);
    [[nodiscard]] std::vector<Violation> judge();

    World& world_;
    MemoryBroker& broker_;
    const Setup& setup_;
    std::optional<ReconcileRequest> last_;
    Duration asked_at_{0};
    std::vector<Violation> findings_;
};

}  // namespace syncline::sim
