#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace syncline {

/// The candidate that `word` is most likely a misspelling of, by letters added, dropped, changed
/// or swapped; empty if none is near. Of equally near ones the first.
[[nodiscard]] std::string nearest_name(std::string_view word,
                                       const std::vector<std::string>& candidates);

/// The end of an error message: "; did you mean `owner`?", or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& candidates);

}  // namespace syncline
