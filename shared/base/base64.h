#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace syncline {

/// RFC 4648, section 4: the standard alphabet, with padding.
[[nodiscard]] std::string base64(std::string_view bytes);

/// Section 5: for URLs, without padding.
[[nodiscard]] std::string base64url(std::string_view bytes);
/// The reverse; kInvalid: it is nothing that base64url() makes.
[[nodiscard]] Result<std::string> parse_base64url(std::string_view text);

}  // namespace syncline
