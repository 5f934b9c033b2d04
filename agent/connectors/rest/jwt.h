#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline::agent::rest {

/// The grant of RFC 7523, section 2.1, in the form that RFC 6749 wants it.
inline constexpr std::string_view kJwtBearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A JSON Web Token (RFC 7519) signed by RS256 (RFC 7518, 3.3). `key`: PEM of an RSA key of 2,048
/// bits at least, PKCS#1 or PKCS#8, encrypted by `password` or not at all. `key_id` may be empty.
/// kDenied: the key does not do; the text says why, and never shows any of it.
[[nodiscard]] Result<std::string> sign_jwt(const Value::Map& claims, std::string_view key,
                                           std::string_view password, const std::string& key_id);

/// PEM of a new key, for trying.
[[nodiscard]] std::string make_rsa_key();

}  // namespace syncline::agent::rest
