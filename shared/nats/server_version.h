#pragma once

#include <string_view>

namespace syncline {

// Which NATS servers Syncline works with, stated here and nowhere else: the programs compare the
// connected server's version with these, and tests/support/install reads them from this file.
// So each stays on one line, as `kName = "major.minor.patch";`.

/// Oldest server accepted for a single node; an older one is refused with a message.
inline constexpr std::string_view kNatsServerMinimumSingle = "2.10.20";

/// Oldest server accepted where streams have three replicas: the first 2.12 with the security
/// fixes of 2026 and with those against replicas that lose records around membership changes.
inline constexpr std::string_view kNatsServerMinimumReplicated = "2.12.7";

/// What is tested first and recommended, together with `sync_interval: always`.
inline constexpr std::string_view kNatsServerRecommended = "2.15.1";

}  // namespace syncline
