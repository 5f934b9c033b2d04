#pragma once

#include <string_view>

#include "shared/base/result.h"

namespace syncline {

struct TomlLimits {
    std::size_t bytes_max = 1u << 20;
    int depth_max = 32;      ///< Arrays and inline tables inside each other.
    int key_parts_max = 16;  ///< Parts of a dotted key: `a.b.c` has three.
};

/// Looks through a text before toml++ 3.3 sees it, which overflows its stack on a dotted key of
/// 200,000 parts. Knows just enough of TOML to skip strings and comments. Errors begin with
/// `file:line:column`. kTooLarge: over a limit. kInvalid: not UTF-8.
[[nodiscard]] Result<void> guard_toml(std::string_view text, std::string_view file,
                                      const TomlLimits& limits = {});

}  // namespace syncline
