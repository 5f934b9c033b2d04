#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

namespace syncline::agent {

using Sha256 = std::array<unsigned char, 32>;

/// SHA-256 (FIPS 180-4) of the parts, one after the other.
[[nodiscard]] Sha256 sha256(std::initializer_list<std::string_view> parts);

/// HMAC-SHA-256 (RFC 2104). What is derived from the key is wiped.
[[nodiscard]] Sha256 hmac_sha256(std::string_view key, std::string_view content);

}  // namespace syncline::agent
