#pragma once

#include <cstdint>
#include <string>

#include <vector>

#include "shared/model/inventory.h"

namespace syncline {

/// Hub to agent: what the hub knows of the records of some buckets in which its sums and the
/// inventory's differ. What the agent knows otherwise it reads and tells again.
struct Retell {
    struct Object {
        ObjectName object;
        std::uint64_t buckets = 1;             ///< Of the inventory.
        std::vector<std::uint64_t> differing;  ///< Which of them; sorted.
        std::vector<RecordId> known;           ///< The records that are there.
        friend bool operator==(const Object&, const Object&) = default;
    };
    /// So many records are named in one message; the other buckets wait for the next run.
    static constexpr std::size_t kRecordsMost = 10'000;

    PlatformId platform;
    Partition partition;
    ReconcileRequest request;  ///< The run that found it.
    std::vector<Object> objects;
    friend bool operator==(const Retell&, const Retell&) = default;
};

}  // namespace syncline
