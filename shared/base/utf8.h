#pragma once

#include <cstddef>
#include <string_view>

namespace syncline {

/// Offset of the first byte that is not well-formed UTF-8 (RFC 3629: no surrogates, no overlong
/// forms), or npos if all is well.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

/// The beginning of the text, at most so many bytes, that does not end in the middle of a
/// character.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t bytes);

}  // namespace syncline
