#pragma once

#include <string>
#include <string_view>

#include "hub/api/oidc/settings.h"
#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/model/value.h"

/// What an ID token says (OpenID Connect Core 1.0, 3.1.3.7), once its signature is known to be
/// good. Pure.
namespace syncline::hub::oidc {

struct Expected {
    std::string_view issuer;
    std::string_view client_id;
    std::string_view nonce;
    Timestamp now;
};
/// kDenied: it is not for us, not of now, or not of this sign-in; the text says which.
[[nodiscard]] Result<void> check_claims(const Value::Map& claims, const Expected& expected);

/// Who it is, and what they may by the first grant that fits. kDenied: nobody that we could name,
/// or nobody who may do anything.
[[nodiscard]] Result<Person> person_of(const Value::Map& claims, const Settings& settings);

}  // namespace syncline::hub::oidc
