#pragma once

#include <filesystem>
#include <vector>

namespace syncline::agent {

/// `syncline-agent cases FILE...`: the cases of REST profiles, without a network. Prints a line for
/// each, or one JSON document. The program's exit code: 0 all hold, 1 some do not, 2 a file is not
/// sound.
int run_cases_command(const std::vector<std::filesystem::path>& files, bool as_json);

}  // namespace syncline::agent
