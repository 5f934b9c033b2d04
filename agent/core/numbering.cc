#include "agent/core/numbering.h"

namespace syncline::agent {

Partition home_partition(const RecordKey& record, const std::optional<EntityId>& entity,
                         std::uint16_t partitions) {
    if (entity) return entity_partition(EntityKey{record.object, *entity}, partitions);
    return record_partition(record, partitions);
}

Partition next_partition(Partition home, const LastEntry& last, std::uint64_t receipted) {
    return last.seq > receipted ? last.partition : home;
}

}  // namespace syncline::agent
