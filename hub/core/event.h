#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/core/state.h"
#include "shared/base/result.h"
#include "shared/policy/policy.h"

namespace syncline::hub {

struct Work;

/// A business event that has come true, as the entity's state keeps it until it is told.
struct BusinessEvent {
    EntityKey entity;
    std::string name;        ///< `confirmed`.
    std::string key;         ///< What business knows it by.
    std::string generation;  ///< Of the entity: with it and the name the event is the only one.
    std::uint64_t version = 1;
    std::string source;  ///< Name of the policy.
    Timestamp at;
    std::string trace;
    EventSpec::Body body = EventSpec::Body::kJson;
    Fields fields;
    friend bool operator==(const BusinessEvent&, const BusinessEvent&) = default;
};
[[nodiscard]] std::string encode(const BusinessEvent& event);
/// kInvalid, kTooLarge: as every decoder.
[[nodiscard]] Result<BusinessEvent> decode_event(std::string_view body);

/// Which of the object's events hold for the state, in their order.
[[nodiscard]] std::vector<bool> standing_events(const ObjectSpec& object, const EntityState& state);

/// Tells those that hold by now and did not `before`.
void tell_events(Work& work, const std::vector<bool>& before);

}  // namespace syncline::hub
