#pragma once

#include <filesystem>
#include <string>

#include "shared/base/result.h"

namespace syncline {

/// The whole content of a small file, e.g. of the configuration. kNotFound, kDenied, kUnavailable:
/// it cannot be read. kTooLarge: over `bytes_max`. Errors name the file and the reason.
[[nodiscard]] Result<std::string> read_text_file(const std::filesystem::path& path,
                                                 std::size_t bytes_max);

}  // namespace syncline
