#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace syncline::agent::file {

/// How the bytes of a file stand for characters. JSONL is UTF-8 always.
enum class Encoding : std::uint8_t { kUtf8, kLatin1, kWindows1252 };

/// As it stands in TOML.
[[nodiscard]] const char* name_of(Encoding encoding);

/// A text as UTF-8, or what is wrong with it.
struct Decoded {
    std::string text;
    std::string problem;       ///< Empty: nothing.
    std::uint64_t column = 0;  ///< Of the problem, in characters from 1.
};
/// The line `bytes`. A problem: bytes that are no character, or a NUL.
[[nodiscard]] Decoded decode_text(std::string_view bytes, Encoding encoding);

/// How many characters a text in UTF-8 has.
[[nodiscard]] std::uint64_t character_count(std::string_view text);

}  // namespace syncline::agent::file
