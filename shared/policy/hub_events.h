#pragma once

#include <string_view>
#include <vector>

namespace syncline {

/// A business event that hubs tell of themselves, whatever the policy.
struct HubEvent {
    std::string_view name;
    std::vector<std::string_view> fields;
};

namespace hub_events {
inline constexpr std::string_view kApproval = "approval";  ///< Their objects: nobody else's.
inline constexpr std::string_view kAlert = "alert";
inline constexpr std::string_view kException = "exception";

/// Told on the events' stream, but for the last two: an indicator sees exceptions as such.
[[nodiscard]] inline const std::vector<HubEvent>& all() {
    static const std::vector<std::string_view> kOfApproval{"approval",  "workflow", "instance",
                                                           "step",      "role",     "missing",
                                                           "requester", "until",    "shown"};
    static const std::vector<std::string_view> kOfAlert{
        "alert", "indicator", "measure", "value", "limit", "since", "description", "longest"};
    static const std::vector<std::string_view> kOfException{"kind", "object", "entity", "platform",
                                                            "severity"};
    static const std::vector<HubEvent> kAll{
        {"approval.asked", kOfApproval},    {"approval.reminded", kOfApproval},
        {"approval.closed", kOfApproval},   {"alert.raised", kOfAlert},
        {"alert.over", kOfAlert},           {"exception.opened", kOfException},
        {"exception.closed", kOfException},
    };
    return kAll;
}

[[nodiscard]] constexpr bool is_object(std::string_view name) {
    return name == kApproval || name == kAlert || name == kException;
}
}  // namespace hub_events

}  // namespace syncline
