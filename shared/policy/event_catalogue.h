#pragma once

#include <string>
#include <vector>

#include "shared/policy/policy.h"

namespace syncline {

/// A business event that is told on the events' stream under a policy, whoever tells it.
struct CatalogueEvent {
    std::string name;     ///< `order.confirmed`.
    std::string told_by;  ///< "object order", "workflow credit", "hubs".
    std::string when;     ///< In words or as a condition; may be empty.
    std::vector<std::string> fields;
    std::uint32_t version = 1;
    std::string owner;
    std::string description;
    const EventSpec* spec = nullptr;  ///< Of an object's.
};

/// Sorted by name; one that several tell stands there as often. The policy must outlive it.
[[nodiscard]] std::vector<CatalogueEvent> event_catalogue(const Policy& policy);

}  // namespace syncline
