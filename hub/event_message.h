#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hub/core/event.h"

namespace syncline::hub {

/// An event as those see it who subscribe: a CloudEvent 1.0 in binary mode, its attributes as
/// headers (NATS protocol binding: `ce-` before each name), its data as the body.
struct EventMessage {
    std::string subject;
    std::string body;  ///< The fields, by name.
    std::vector<std::pair<std::string, std::string>> headers;
};
[[nodiscard]] EventMessage message_of(const BusinessEvent& event);

/// "order.confirmed.v1".
[[nodiscard]] std::string event_type(const ObjectName& object, const EventSpec& event);

}  // namespace syncline::hub
