#include "agent/connectors/file/encoding.h"

#include <algorithm>
#include <array>

#include "shared/base/utf8.h"

namespace syncline::agent::file {
namespace {

/// 0x80 to 0x9f by the Unicode consortium's table CP1252; 0: no character.
constexpr std::array<std::uint16_t, 32> kWindows{
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

void append_character(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        out += static_cast<char>(0xe0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    }
}

std::string byte_text(unsigned char byte) {
    constexpr std::string_view kHex = "0123456789abcdef";
    return std::string{'0', 'x', kHex[byte >> 4], kHex[byte & 15]};
}

}  // namespace

const char* name_of(Encoding encoding) {
    switch (encoding) {
        case Encoding::kUtf8: return "utf-8";
        case Encoding::kLatin1: return "latin-1";
        case Encoding::kWindows1252: break;
    }
    return "windows-1252";
}

std::uint64_t character_count(std::string_view text) {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

Decoded decode_text(std::string_view bytes, Encoding encoding) {
    if (const std::size_t nul = bytes.find('\0'); nul != std::string_view::npos) {
        return {.text = {},
                .problem = "holds a NUL byte",
                .column = character_count(bytes.substr(0, nul)) + 1};
    }
    if (encoding == Encoding::kUtf8) {
        const std::size_t bad = find_invalid_utf8(bytes);
        if (bad == std::string_view::npos) return {.text = std::string{bytes}, .problem = {}};
        return {.text = {},
                .problem = "is not UTF-8 at byte " + std::to_string(bad),
                .column = character_count(bytes.substr(0, bad)) + 1};
    }
    Decoded decoded;
    decoded.text.reserve(bytes.size() + bytes.size() / 8);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        std::uint32_t code = byte;
        if (encoding == Encoding::kWindows1252 && byte >= 0x80 && byte < 0xa0) {
            code = kWindows.at(byte - 0x80u);
        }
        if (code == 0) {
            return {.text = {},
                    .problem = "has the byte " + byte_text(byte) + ", which is no character of " +
                               name_of(encoding),
                    .column = i + 1};
        }
        append_character(decoded.text, code);
    }
    return decoded;
}

}  // namespace syncline::agent::file
