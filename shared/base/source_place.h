#pragma once

#include <compare>
#include <cstdint>
#include <string>

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

}  // namespace syncline
