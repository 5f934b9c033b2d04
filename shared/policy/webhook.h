#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/secret.h"
#include "shared/base/source_place.h"
#include "shared/base/timestamp.h"

namespace syncline {

/// Stands for the addresses of those whose word is asked for.
inline constexpr std::string_view kThoseAsked = "@asked";

/// Where business events go beside NATS, in their order, one after the other, each until it is
/// taken: HTTP requests, signed as Standard Webhooks 1.0 says, or mails.
struct WebhookSpec {
    std::string name;
    std::string url;                   ///< Empty: mails.
    std::vector<std::string> mail_to;  ///< Addresses, and kThoseAsked.
    std::vector<std::string> events;   ///< `order.confirmed`, `order.*`, or `*`: all.
    bool links = false;                ///< An approval is told with a link for each who may decide.
    Secret secret;                     ///< `whsec_` and base64; each hub finds it on its machine.
    Duration timeout = std::chrono::seconds{15};  ///< Of one request.
    /// When nothing was taken for so long, nothing is sent until a person enables it again.
    Duration disable_after = std::chrono::hours{24 * 5};
    SourcePlace place;

    [[nodiscard]] bool is_mail() const { return url.empty(); }
};

}  // namespace syncline
