#pragma once

#include "agent/connectors/rest/profile.h"
#include "shared/http/client.h"

namespace syncline::agent::rest {

/// The request as it is sent, but for who we are; its URL begins with the path. kInvalid: a value
/// cannot be written into it safely.
[[nodiscard]] Result<HttpRequest> render_request(const Profile& profile, const RequestSpec& spec,
                                                 const Variables& variables);

}  // namespace syncline::agent::rest
