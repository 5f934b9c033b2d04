#include "agent/core/digest.h"

#include <algorithm>
#include <string>

#include "shared/base/sha256.h"
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
    const Sha256 hash = sha256({content});
    Digest digest;
    std::copy_n(hash.begin(), digest.bytes.size(), digest.bytes.begin());
    return digest;
}

}  // namespace syncline::agent
