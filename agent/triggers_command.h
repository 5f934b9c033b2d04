#pragma once

#include <filesystem>

#include "shared/base/clock.h"

namespace syncline::agent {

/// `syncline-agent triggers FILE`: prints the SQL that makes the outbox and its triggers. The
/// program's exit code: 0 printed, 2 the file is not sound or needs none.
int run_triggers_command(const std::filesystem::path& file, const Clock& clock);

}  // namespace syncline::agent
