#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "shared/model/change.h"

namespace syncline::bench {

inline constexpr std::uint16_t kPartitions = 64;

/// The last number of each partition.
using Numbers = std::map<std::uint16_t, std::uint64_t>;

/// The change `round` of entity `index`, some 300 bytes, as the agent of platform `source` numbers
/// it; `stamp` travels with it to the command.
inline Change bench_change(std::uint64_t index, std::uint64_t round, std::int64_t stamp,
                           Numbers& numbers) {
    Change change;
    change.key = {PlatformId{"source"}, ObjectName{"item"}, RecordId{"r" + std::to_string(index)}};
    const EntityId entity = founded_entity(change.key);
    if (round > 1) change.entity = entity;  // From its first receipt on an agent knows it.
    const Partition part = round > 1 ? entity_partition({change.key.object, entity}, kPartitions)
                                     : record_partition(change.key, kPartitions);
    change.number = {part, {1, ++numbers[part.value]}};
    change.rev = {1, round};
    change.seen_at = {stamp};
    const std::string filler = std::to_string(round) + std::string(40, 'x');
    for (const char* name : {"a", "b", "c"}) change.fields.set(FieldName{name}, filler);
    change.fields.set(FieldName{"d"}, std::string(28, 'y'));
    change.fields.set(FieldName{"n"}, static_cast<std::int64_t>(round));
    change.fields.set(FieldName{"stage"}, "open");
    change.fields.set(FieldName{"amount"}, *Decimal::parse("1250.75"));
    change.fields.set(FieldName{"sent_at"}, stamp);
    return change;
}

}  // namespace syncline::bench
