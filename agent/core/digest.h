#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shared/model/ids.h"
#include "shared/model/value.h"

namespace syncline::agent {

/// 128 bits of SHA-256: equal content has an equal digest on any machine and in any version.
struct Digest {
    std::array<char, 16> bytes{};
    [[nodiscard]] std::string_view view() const { return {bytes.data(), bytes.size()}; }
    friend bool operator==(const Digest&, const Digest&) = default;
};

/// Of what a record holds. `sweep` is mixed in: when it is raised, no stored digest matches any
/// more, so a full read sends every record again without touching a row beforehand.
[[nodiscard]] Digest digest_of(const Fields& fields, const std::optional<EntityId>& marker,
                               std::uint64_t sweep);

}  // namespace syncline::agent
