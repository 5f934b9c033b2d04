#include "agent/core/packed_entity.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace syncline::agent {
namespace {

constexpr std::size_t kCharacters = 24;
constexpr std::size_t kBytes = 15;
constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";  // See founded_entity().

/// Five bits of each character, one after the other.
std::optional<std::string> bytes_of(std::string_view text) {
    if (text.size() != kCharacters) return std::nullopt;
    std::string bytes;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : text) {
        const auto value = kAlphabet.find(c);
        if (value == kAlphabet.npos) return std::nullopt;
        bits = bits << 5 | static_cast<std::uint32_t>(value);
        held += 5;
        if (held < 8) continue;
        held -= 8;
        bytes += static_cast<char>(bits >> held & 0xff);
    }
    return bytes;
}

}  // namespace

std::string packed(const EntityId& entity) {
    if (auto bytes = bytes_of(entity.text)) return *std::move(bytes);
    std::string bytes = '\0' + entity.text;
    if (bytes.size() == kBytes) bytes.insert(bytes.begin(), '\0');
    return bytes;
}

EntityId unpacked_entity(std::string_view bytes) {
    if (bytes.size() != kBytes) {
        return EntityId{bytes.substr(std::min(bytes.find_first_not_of('\0'), bytes.size()))};
    }
    std::string text;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char byte : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(byte);
        for (held += 8; held >= 5;) {
            held -= 5;
            text += kAlphabet[bits >> held & 31];
        }
    }
    return EntityId{std::move(text)};
}

}  // namespace syncline::agent
