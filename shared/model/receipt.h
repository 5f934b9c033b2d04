#pragma once

#include <cstdint>
#include <vector>

#include "shared/model/ids.h"

namespace syncline {

/// Hub to agent, without store: what the hub has taken of the agent's numbering, what it misses,
/// and which entity a record turned out to belong to. Losing one is harmless; the next says more.
struct Receipt {
    struct Mark {
        Partition partition;
        std::uint64_t epoch = 0;  ///< 0: the hub has nothing of this agent.
        std::uint64_t seq = 0;    ///< Everything up to and including this is decided and stored.
                                  ///< Less than an earlier receipt said: the hub's store lost it.
        std::uint64_t fence = 0;  ///< Of the hold that says so: a command with a smaller one is of
                                  ///< a hub that has lost the partition.
    };
    struct Resend {
        Partition partition;
        std::uint64_t epoch = 0;
        std::uint64_t from = 0;  ///< Publish again from this number on.
    };
    struct Link {
        ObjectName object;
        RecordId record;
        EntityId entity;
    };
    PlatformId platform;
    std::vector<Mark> marks;
    std::vector<Resend> resends;
    std::vector<Link> links;
    /// The latest epoch that a record of the platform was told in, if messages come in an older
    /// one.
    std::uint64_t epoch = 0;
    bool full_read = false;  ///< The hub's state is gone: read everything and send it again.
};

}  // namespace syncline
