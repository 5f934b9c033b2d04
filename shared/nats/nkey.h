#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace syncline::nats {

/// The public key ("U...") that belongs to a user's seed ("SU..."), as the server's configuration
/// names it. `seed_text` may have comment lines around the seed, as key files do.
/// kInvalid: no user seed in it, or a damaged one; the text never quotes it.
[[nodiscard]] Result<std::string> public_nkey(std::string_view seed_text);

/// A new user's seed, by OpenSSL's generator. The caller wipes it.
[[nodiscard]] Result<std::string> new_user_seed();

}  // namespace syncline::nats
