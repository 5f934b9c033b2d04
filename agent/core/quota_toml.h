#pragma once

#include "agent/core/quota.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent {

/// `window_s` and `resets_at` of a [quota] table, an agent's or a profile's; what is absent is as
/// in `window`. Problems are noted in the reader.
[[nodiscard]] QuotaWindow read_quota_window(TomlReader& table, QuotaWindow window);

}  // namespace syncline::agent
