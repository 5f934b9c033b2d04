#include "agent/core/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "shared/wire/codec.h"

namespace syncline::agent {

Digest digest_of(const Fields& fields, const std::optional<EntityId>& marker, std::uint64_t sweep) {
    std::string content;
    for (int shift = 0; shift < 64; shift += 8) content += static_cast<char>(sweep >> shift & 0xff);
    // The marker's length leads, so that no marker can look like the beginning of fields.
    content +=
        marker ? static_cast<char>(1 + std::min<std::size_t>(marker->text.size(), 250)) : '\0';
    if (marker) content += marker->text;
    wire::append_fields(content, fields);
    // Looking the algorithm up costs more than hashing a record, so it is done once.
    static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (sha256 == nullptr ||
        EVP_Digest(content.data(), content.size(), hash, nullptr, sha256, nullptr) != 1) {
        std::abort();  // No SHA-256 means a broken installation; a wrong digest would lose changes.
    }
    Digest digest;
    std::copy_n(hash, digest.bytes.size(), digest.bytes.begin());
    return digest;
}

}  // namespace syncline::agent
