#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shared/policy/policy.h"
#include "tests/simulation/memory_broker.h"
#include "tests/simulation/planted.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

/// The people who put another policy in force while everything runs, as synclinectl does it.
class PolicyChanges {
public:
    /// `texts`: what hubs are started with, and what comes after it, in order. What is applied has
    /// the planted bug; what it is judged by has not.
    PolicyChanges(World& world, MemoryBroker& broker, std::vector<std::string> texts,
                  Planted planted)
        : world_(world), broker_(broker), texts_(std::move(texts)), planted_(planted) {}

    void begin();
    /// Is what was wanted last in force? If a store has lost it, or its file, it is applied again.
    [[nodiscard]] bool settle();
    [[nodiscard]] const Policy& first() { return parsed(texts_[0]); }
    /// The policy in force; the first one if its text is lost.
    [[nodiscard]] const Policy& in_force() { return parsed(texts_[index_in_force().value_or(0)]); }

    /// What hubs decide by under this hash, with the planted bug, as version `number`; null: no
    /// policy here has that hash.
    [[nodiscard]] const Policy* applied(const std::string& hash, std::uint64_t number);

private:
    void next();
    void apply(const std::string& text);
    [[nodiscard]] const Policy& parsed(const std::string& text);
    [[nodiscard]] std::optional<std::size_t> index_in_force();
    [[nodiscard]] bool has_file(const std::string& text);

    World& world_;
    MemoryBroker& broker_;
    std::vector<std::string> texts_;
    Planted planted_;
    std::size_t applied_ = 0;  ///< Of `texts_`, the newest one that was tried.
    Duration applied_at_{0};
    std::map<std::string, Policy> parsed_;
    std::map<std::pair<std::string, std::uint64_t>, Policy> by_hash_;
};

}  // namespace syncline::sim
