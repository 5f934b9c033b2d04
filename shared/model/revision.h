#pragma once

#include <compare>
#include <cstdint>

namespace syncline {

/// Position in something that one agent store numbers densely from 1. A new store is a new,
/// larger epoch; within an epoch order is by `n`.
struct Revision {
    std::uint64_t epoch = 0;
    std::uint64_t n = 0;
    friend auto operator<=>(const Revision&, const Revision&) = default;
};

}  // namespace syncline
