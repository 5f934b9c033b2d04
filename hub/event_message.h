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

/// An event as it comes from its stream.
struct ToldEvent {
    std::string name;  ///< `order.confirmed`.
    std::string key;
    Fields fields;  ///< As the policy declares them, where it does.
};
/// kInvalid: the subject is no event's, or the body can not be read.
[[nodiscard]] Result<ToldEvent> read_event(const Policy& policy, std::string_view subject,
                                           std::string_view body);

}  // namespace syncline::hub
