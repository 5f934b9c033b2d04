#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shared/base/timestamp.h"
#include "shared/model/change.h"
#include "shared/model/ids.h"
#include "shared/model/revision.h"
#include "shared/model/value.h"

namespace syncline {

enum class CommandKind : std::uint8_t {
    kUpdate = 0,  ///< The record `record` shall hold `fields`.
    kCreate = 1,  ///< There shall be one record for the entity, holding `fields`.
    kDelete = 2,  ///< The record `record` shall be gone.
    kForget = 3,  ///< The agent shall keep nothing of the entity; the platform is told nothing.
};

/// "Make these fields equal these values, as of generation g." Repeating it is harmless; of two
/// for one (entity, platform) only the greater generation counts.
struct Command {
    CommandKind kind = CommandKind::kUpdate;
    PlatformId platform;
    EntityKey entity;
    std::optional<RecordId> record;  ///< Absent only for kCreate and kForget.
    std::uint64_t generation = 0;    ///< Strictly increasing per (entity, platform).
    Partition partition;             ///< The entity's home; outcomes go there.
    std::uint64_t fence = 0;         ///< Of the hub that held `partition`; never goes down.
    Fields fields;                   ///< What to set, canonical.
    /// What the hub believes these fields hold now; a platform with conditional writes, or an
    /// agent that reads before it writes, finds a concurrent edit by it.
    Fields expected;
    Timestamp decided_at;
    /// Of a create: the newest one whose doubt the hub knew of, and a person has settled. One in
    /// doubt after that must not be followed by another.
    std::uint64_t doubt_settled = 0;
    /// kBackfill: all that led to it was told by a first load or a backfill, so that a platform may
    /// be asked to notify nobody; else kLive.
    ChangeOrigin origin = ChangeOrigin::kLive;
    std::string policy;  ///< Hash of the policy that decided.
    std::string trace;   ///< W3C traceparent, may be empty.
};

/// Are they one command? The generation alone would not tell: a state store that went back in time
/// counts it again.
[[nodiscard]] inline bool is_same(const Command& a, const Command& b) {
    return a.generation == b.generation && a.decided_at == b.decided_at;
}

/// The idempotency key of a command: the same over all retries, different for any other command.
[[nodiscard]] std::string idempotency_key(const Command& command);

}  // namespace syncline
