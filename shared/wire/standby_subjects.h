#pragma once

#include <string>
#include <string_view>

#include "shared/model/ids.h"

/// The key-value entries of stand-by agents; spelled in subjects.cc, with all others.
namespace syncline::subjects {

/// Which of a platform's agents is active. In the bucket `sync_lease`, whose lifetime is the
/// lease's.
[[nodiscard]] std::string agent_lease(const PlatformId& platform);
[[nodiscard]] std::string all_agent_leases();
/// One that waits for it, by its store. Below the presence of agents, whose readers take the last
/// token for the platform: they must not see these.
[[nodiscard]] std::string agent_standby(const PlatformId& platform, std::string_view store);
[[nodiscard]] std::string standbys_of(const PlatformId& platform);
[[nodiscard]] std::string all_agent_standbys();

}  // namespace syncline::subjects
