#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace syncline {

using Sha256 = std::array<unsigned char, 32>;

/// SHA-256 (FIPS 180-4) of the parts, one after the other.
[[nodiscard]] Sha256 sha256(std::initializer_list<std::string_view> parts);

/// The same of what comes piece by piece.
class Sha256Stream {
public:
    Sha256Stream();
    ~Sha256Stream();
    Sha256Stream(Sha256Stream&&) noexcept;
    Sha256Stream& operator=(Sha256Stream&&) noexcept;
    void add(std::string_view part);
    /// Of all that was added. Requires: nothing is added after it.
    [[nodiscard]] Sha256 end();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// As a string of 32 bytes, and of 64 hexadecimal digits.
[[nodiscard]] inline std::string bytes_of(const Sha256& hash) { return {hash.begin(), hash.end()}; }
[[nodiscard]] std::string hexadecimal(std::string_view bytes);

/// HMAC-SHA-256 (RFC 2104). What is derived from the key is wiped.
[[nodiscard]] Sha256 hmac_sha256(std::string_view key, std::string_view content);

}  // namespace syncline
