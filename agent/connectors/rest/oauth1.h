#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/timestamp.h"

namespace syncline::agent::rest {

/// Who signs by OAuth 1.0 (RFC 5849), and for whom.
struct Oauth1Keys {
    std::string realm;  ///< Empty: the header has none.
    std::string consumer_key;
    std::string consumer_secret;
    std::string token;
    std::string token_secret;
};

/// The text that is signed: the method, the address without its query, and all parameters, each
/// percent-encoded (RFC 5849, 3.4.1). `parameters` are those of the protocol, not encoded.
[[nodiscard]] std::string oauth1_base(
    std::string_view method, std::string_view url,
    const std::vector<std::pair<std::string, std::string>>& parameters);

/// The value of the Authorization header of one request, signed by HMAC-SHA256. A body that is no
/// form is not signed. `nonce` must never come again within the same second.
[[nodiscard]] std::string oauth1_header(const Oauth1Keys& keys, std::string_view method,
                                        std::string_view url, std::string_view nonce,
                                        Timestamp now);

}  // namespace syncline::agent::rest
