#include "shared/nats/nkey.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace syncline::nats {
namespace {

// The format (github.com/nats-io/nkeys): base32 of prefix, key and a little-endian CRC-16. A seed
// has a prefix of two bytes, 5 bits "seed" and 8 bits of the kind; a public key has one.
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::uint8_t kPrefixSeed = 18 << 3;
constexpr std::uint8_t kPrefixUser = 20 << 3;
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kSeedTextSize = 58;

using Bytes = std::vector<std::uint8_t>;

/// Bytes that are overwritten when they go.
struct SecretBytes {
    Bytes bytes;
    SecretBytes() { bytes.reserve(64); }  // Never moved, so that no copy stays behind.
    SecretBytes(SecretBytes&&) = default;
    SecretBytes& operator=(SecretBytes&&) = delete;
    ~SecretBytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

std::optional<SecretBytes> from_base32(std::string_view text) {
    SecretBytes out;
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const auto value = kBase32.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        buffer = (buffer << 5) | static_cast<std::uint32_t>(value);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out.bytes.push_back(static_cast<std::uint8_t>(buffer >> bits));
        }
    }
    return out;
}

std::string to_base32(const Bytes& bytes) {
    std::string out;
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    for (const std::uint8_t byte : bytes) {
        buffer = (buffer << 8) | byte;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out += kBase32[(buffer >> bits) & 31];
        }
    }
    if (bits > 0) out += kBase32[(buffer << (5 - bits)) & 31];
    return out;
}

/// CRC-16/XMODEM.
std::uint16_t checksum(const std::uint8_t* bytes, std::size_t size) {
    std::uint32_t crc = 0;
    for (std::size_t i = 0; i < size; ++i) {
        crc ^= static_cast<std::uint32_t>(bytes[i]) << 8;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 0x8000U) != 0 ? (crc << 1) ^ 0x1021U : crc << 1;
        }
    }
    return static_cast<std::uint16_t>(crc);
}

/// The line that is a user's seed.
std::string_view find_seed(std::string_view text) {
    while (!text.empty()) {
        const auto end = text.find_first_of("\r\n");
        std::string_view line = text.substr(0, end);
        while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
        if (line.starts_with("SU") && line.size() >= kSeedTextSize) {
            return line.substr(0, kSeedTextSize);
        }
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return {};
}

std::optional<Bytes> ed25519_public(const std::uint8_t* seed) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed, kKeySize), &EVP_PKEY_free};
    Bytes out(kKeySize);
    std::size_t size = out.size();
    if (key == nullptr || EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) != 1) {
        return std::nullopt;
    }
    return out;
}

void append_checksum(Bytes& bytes) {
    const std::uint16_t tail = checksum(bytes.data(), bytes.size());
    bytes.push_back(static_cast<std::uint8_t>(tail & 0xFF));
    bytes.push_back(static_cast<std::uint8_t>(tail >> 8));
}

}  // namespace

Result<std::string> new_user_seed() {
    SecretBytes raw;
    raw.bytes = {static_cast<std::uint8_t>(kPrefixSeed | (kPrefixUser >> 5)),
                 static_cast<std::uint8_t>((kPrefixUser & 31) << 3)};
    raw.bytes.resize(2 + kKeySize);
    if (RAND_priv_bytes(raw.bytes.data() + 2, kKeySize) != 1) {
        return fail(ErrorKind::kUnavailable, "OpenSSL has no random numbers for a key");
    }
    append_checksum(raw.bytes);
    return to_base32(raw.bytes);
}

Result<std::string> public_nkey(std::string_view seed_text) {
    const auto bad = [](const char* why) {
        return fail(ErrorKind::kInvalid, std::string{"not a NATS user's seed: "} + why);
    };
    const auto raw = from_base32(find_seed(seed_text));
    if (!raw || raw->bytes.size() != 2 + kKeySize + 2) return bad("no line that starts with SU");
    const Bytes& bytes = raw->bytes;
    const std::uint16_t crc = checksum(bytes.data(), bytes.size() - 2);
    if (bytes[34] != (crc & 0xFF) || bytes[35] != crc >> 8) return bad("its checksum is wrong");
    const auto kind = static_cast<std::uint8_t>(((bytes[0] & 7) << 5) | (bytes[1] >> 3));
    if ((bytes[0] & 0xF8) != kPrefixSeed || kind != kPrefixUser) return bad("it is of other kind");
    const auto key = ed25519_public(bytes.data() + 2);
    if (!key) return bad("OpenSSL refused it");
    Bytes out{kPrefixUser};
    out.insert(out.end(), key->begin(), key->end());
    append_checksum(out);
    return to_base32(out);
}

}  // namespace syncline::nats
