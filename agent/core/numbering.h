#pragma once

#include <cstdint>
#include <optional>

#include "shared/model/ids.h"

namespace syncline::agent {

/// Where the newest spool entry of a record stands.
struct LastEntry {
    Partition partition;
    std::uint64_t seq = 0;  ///< 0: there is none in the present epoch.
};

/// Where a record's next change belongs once everything before it was receipted: its entity's
/// home, or, until the entity is known, the record's own place.
[[nodiscard]] Partition home_partition(const RecordKey& record,
                                       const std::optional<EntityId>& entity,
                                       std::uint16_t partitions);

/// Where a record's next change goes: home, unless an entry of the record still waits for its
/// receipt elsewhere (`receipted` is the mark of `last.partition`). Changing over earlier would let
/// two partitions hold changes of one record whose order nobody can tell by their numbers.
[[nodiscard]] Partition next_partition(Partition home, const LastEntry& last,
                                       std::uint64_t receipted);

}  // namespace syncline::agent
