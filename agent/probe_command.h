#pragma once

#include <filesystem>

#include "agent/probe.h"

namespace syncline::agent {

/// `syncline-agent probe FILE`: prints what probe() finds, for people or as one JSON document. The
/// program's exit code: 0 all is well, 1 there are problems, 2 the file or the options are wrong.
int run_probe_command(const std::filesystem::path& file, const ProbeOptions& options, bool as_json);

}  // namespace syncline::agent
