#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shared/base/timestamp.h"

namespace syncline::standard_webhooks {

/// Standard Webhooks 1.0, "Signature scheme": how both who sends and who receives signs.

/// The bytes of a key: `whsec_` (it may be left out) and base64 of 24 to 64 bytes; nullopt if it is
/// none.
[[nodiscard]] std::optional<std::string> key_in(std::string_view text);

/// base64 of the HMAC-SHA-256 over `id.timestamp.body`: what stands behind `v1,` in the header
/// `webhook-signature`. `timestamp` in seconds, as it stands in its header.
[[nodiscard]] std::string signature(std::string_view key, std::string_view id,
                                    std::string_view timestamp, std::string_view body);

}  // namespace syncline::standard_webhooks
