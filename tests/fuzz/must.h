#pragma once

// What the fuzz targets share: how one says that it found something, and what is asked of every
// decoder.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace syncline::fuzz {

/// Ends the program if not: that is how a fuzz target tells what it found.
inline void must(bool holds, std::source_location where = std::source_location::current()) {
    if (holds) return;
    std::fprintf(stderr, "%s:%u: this does not hold\n", where.file_name(), where.line());
    std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Takes the line up to the next line end off `rest`.
inline std::string_view next_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return line;
}

/// True if it was taken; a refusal must have a reason.
template <class T>
[[nodiscard]] bool taken(const Result<T>& decoded) {
    if (!decoded) must(!decoded.error().what.empty());
    return decoded.has_value();
}

/// What was taken is written and read again as the same.
template <class T>
void must_round_trip(const Result<T>& decoded, auto encode, auto decode) {
    if (!taken(decoded)) return;
    const auto first = encode(*decoded);
    const auto again = decode(first);
    must(again && encode(*again) == first);
}

/// A refused TOML file: every problem stands on a line of its own that begins with file and line.
inline void must_name_places(const Error& error, std::string_view file) {
    must(error.kind == ErrorKind::kInvalid || error.kind == ErrorKind::kTooLarge);
    must(!error.what.empty());
    const std::string start = std::string{file} + ":";
    for (std::string_view rest = error.what; !rest.empty();) {
        const std::string_view line = next_line(rest);
        must(line.starts_with(start) && line.size() > start.size());
        must(line[start.size()] >= '1' && line[start.size()] <= '9');
    }
}

}  // namespace syncline::fuzz
