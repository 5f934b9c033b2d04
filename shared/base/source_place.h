#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace syncline {

/// Where something stands in a file that a person wrote. Lines and columns count from 1, columns
/// in characters.
struct SourcePlace {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    friend auto operator<=>(const SourcePlace&, const SourcePlace&) = default;
    friend bool operator==(const SourcePlace&, const SourcePlace&) = default;
};

/// "orders.toml:12:3", as editors and compilers write it.
[[nodiscard]] inline std::string to_string(const SourcePlace& place) {
    return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

/// The place of a byte of `text`, which is UTF-8.
[[nodiscard]] inline SourcePlace place_in(std::string_view text, std::string_view file,
                                          std::size_t offset) {
    SourcePlace place{std::string{file}, 1, 1};
    for (const char c : text.substr(0, offset)) {
        if (c == '\n') {
            ++place.line;
            place.column = 1;
        } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
            ++place.column;
        }
    }
    return place;
}

}  // namespace syncline
