#pragma once

#include <string>
#include <string_view>

namespace syncline::sim {

/// What a stored message says, in a few words, for timelines. Empty for what nobody reads there.
[[nodiscard]] std::string describe(std::string_view subject, std::string_view body);

}  // namespace syncline::sim
