#pragma once

#include <string_view>

#include "shared/base/result.h"

namespace syncline::nats {

/// Whether a server of `version` ("2.10.27", "2.15.0-beta.2") is new enough for a single node.
/// kUnsupported: it is older, or the text is no version; the text says what is wanted, what was
/// found and what to do.
[[nodiscard]] Result<void> check_server(std::string_view version);

/// The same for streams with more than one replica.
[[nodiscard]] Result<void> check_replicated_server(std::string_view version);

}  // namespace syncline::nats
