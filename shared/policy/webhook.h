#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/secret.h"
#include "shared/base/source_place.h"
#include "shared/base/timestamp.h"

namespace syncline {

/// Where business events go beside NATS: HTTP requests, signed as Standard Webhooks 1.0 says, in
/// the order of the events, one after the other, each until it is taken.
struct WebhookSpec {
    std::string name;
    std::string url;
    std::vector<std::string> events;  ///< `order.confirmed`, `order.*`, or `*`: all.
    Secret secret;                    ///< `whsec_` and base64; each hub finds it on its machine.
    Duration timeout = std::chrono::seconds{15};  ///< Of one request.
    /// When nothing was taken for so long, nothing is sent until a person enables it again.
    Duration disable_after = std::chrono::hours{24 * 5};
    SourcePlace place;
};

/// Is the event `order.confirmed` among those of the pattern?
[[nodiscard]] inline bool is_among(std::string_view event, std::string_view pattern) {
    if (pattern == "*") return true;
    if (!pattern.ends_with(".*")) return event == pattern;
    return event.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace syncline
