#pragma once

#include <string_view>

namespace syncline {

/// This build: "0.1.0", or "0.1.0+12.gabc1234" when it was made twelve commits after the tag
/// v0.1.0, with ".dirty" behind it when files differed from the commit. Link syncline::version.
extern const std::string_view kVersion;

}  // namespace syncline
