#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

namespace syncline {

using Sha256 = std::array<unsigned char, 32>;

/// SHA-256 (FIPS 180-4) of the parts, one after the other.
[[nodiscard]] Sha256 sha256(std::initializer_list<std::string_view> parts);

/// As a string of 32 bytes, and of 64 hexadecimal digits.
[[nodiscard]] inline std::string bytes_of(const Sha256& hash) { return {hash.begin(), hash.end()}; }
[[nodiscard]] std::string hexadecimal(std::string_view bytes);

/// HMAC-SHA-256 (RFC 2104). What is derived from the key is wiped.
[[nodiscard]] Sha256 hmac_sha256(std::string_view key, std::string_view content);

}  // namespace syncline
