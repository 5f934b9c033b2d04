#include "shared/http/standard_webhooks.h"

#include <openssl/evp.h>

#include "shared/base/base64.h"
#include "shared/base/sha256.h"

namespace syncline::standard_webhooks {
namespace {

constexpr std::string_view kKeyPrefix = "whsec_";
constexpr std::size_t kKeyMin = 24;
constexpr std::size_t kKeyMax = 64;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0) return std::nullopt;
    std::string out(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text),
                                     static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    std::size_t padding = 0;  // OpenSSL counts it as bytes.
    while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
    out.resize(static_cast<std::size_t>(size) - padding);
    return out;
}

}  // namespace

std::optional<std::string> key_in(std::string_view text) {
    if (text.starts_with(kKeyPrefix)) text.remove_prefix(kKeyPrefix.size());
    auto key = from_base64(text);
    if (!key || key->size() < kKeyMin || key->size() > kKeyMax) return std::nullopt;
    return key;
}

std::string signature(std::string_view key, std::string_view id, std::string_view timestamp,
                      std::string_view body) {
    std::string content;
    content.reserve(id.size() + timestamp.size() + 2 + body.size());
    content.append(id).append(".").append(timestamp).append(".").append(body);
    return base64(syncline::bytes_of(hmac_sha256(key, content)));
}

}  // namespace syncline::standard_webhooks
