#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "shared/base/result.h"

namespace syncline {

/// What stands in a file of settings: "rate.per_second", "api.tokens[1].name" to the value, written
/// out. For telling what a newer version of the file changes: of that only names are shown.
using FileKeys = std::map<std::string, std::string>;

/// Errors as TomlReader::load().
[[nodiscard]] Result<FileKeys> file_keys(const std::filesystem::path& path);

/// Keys that came, went or have another value, sorted.
[[nodiscard]] std::vector<std::string> changed_keys(const FileKeys& before, const FileKeys& now);

}  // namespace syncline
