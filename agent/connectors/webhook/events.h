#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/webhook/push_queue.h"
#include "agent/core/mapping.h"
#include "shared/base/json.h"
#include "shared/base/result.h"

namespace syncline::agent::webhook {

/// "The value at `path` is one of these." Looked up in the item, then in the whole event.
struct Condition {
    std::string path;  ///< Empty: no condition.
    std::vector<std::string> values;
};

/// What the events of one path look like.
struct EventShape {
    std::string items;       ///< Path of the list of records in the event; empty: the event itself.
    std::string record;      ///< Path of the record in an item; empty: the item itself.
    Condition deleted_when;  ///< The record is gone; only its key counts.
    Condition accept_when;   ///< Other items are taken and dropped. Without: all are accepted.
    bool complete = false;   ///< The event holds every mapped field that there is.
};

/// The records of an event, those that do not map as rejects. kInvalid or kTooLarge: it is no
/// JSON, or there is no item where the shape says; sending it again would not help.
[[nodiscard]] Result<PushedEvent> events_of(const EventShape& shape, const ObjectMapping& mapping,
                                            std::string_view body, const JsonLimits& limits);

}  // namespace syncline::agent::webhook
