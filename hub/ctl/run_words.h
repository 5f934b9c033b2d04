#pragma once

#include <string>
#include <vector>

#include "hub/ctl/program.h"

namespace syncline::ctl {

/// Runs a command inside another program: {"exceptions", "list", "--limit=50"}. No shell, no
/// terminal, no process of its own. What a stranger wrote belongs behind `--option=` or behind
/// "--", so that it cannot become an option. Never throws.
[[nodiscard]] CommandResult run_words(const std::vector<std::string>& words, bool mask_pii,
                                      Surroundings surroundings);

}  // namespace syncline::ctl
