// OpenSSL's SHA-256 by its old name. The EVP interface finds the algorithm among the providers,
// which brings two more megabytes of libcrypto into memory; an agent needs nothing else of them.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "shared/base/sha256.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

namespace syncline {
namespace {

constexpr std::size_t kBlockBytes = 64;
constexpr unsigned char kInner = 0x36;
constexpr unsigned char kOuter = 0x5c;

static_assert(std::tuple_size_v<Sha256> == SHA256_DIGEST_LENGTH);

}  // namespace

Sha256 sha256(std::initializer_list<std::string_view> parts) {
    SHA256_CTX context;
    SHA256_Init(&context);
    for (const std::string_view part : parts) SHA256_Update(&context, part.data(), part.size());
    Sha256 hash{};
    SHA256_Final(hash.data(), &context);
    ::explicit_bzero(&context, sizeof context);
    return hash;
}

struct Sha256Stream::State {
    SHA256_CTX context;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) { SHA256_Init(&state_->context); }

Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::add(std::string_view part) {
    SHA256_Update(&state_->context, part.data(), part.size());
}

Sha256 Sha256Stream::end() {
    Sha256 hash{};
    SHA256_Final(hash.data(), &state_->context);
    return hash;
}

std::string hexadecimal(std::string_view bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string hex;
    for (const char c : bytes) {
        hex += kHex[static_cast<unsigned char>(c) >> 4];
        hex += kHex[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

Sha256 hmac_sha256(std::string_view key, std::string_view content) {
    std::array<unsigned char, kBlockBytes> pad{};
    if (key.size() > kBlockBytes) {
        std::ranges::copy(sha256({key}), pad.begin());
    } else {
        std::ranges::copy(key, pad.begin());
    }
    const auto view = [](const auto& bytes) {
        return std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    };
    for (unsigned char& byte : pad) byte ^= kInner;
    const Sha256 inner = sha256({view(pad), content});
    for (unsigned char& byte : pad) byte ^= kInner ^ kOuter;
    const Sha256 hash = sha256({view(pad), view(inner)});
    ::explicit_bzero(pad.data(), pad.size());
    return hash;
}

}  // namespace syncline
