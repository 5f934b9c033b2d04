#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shared/base/timestamp.h"
#include "shared/model/ids.h"
#include "shared/model/revision.h"
#include "shared/model/value.h"

namespace syncline {

enum class ChangeKind : std::uint8_t {
    kUpsert = 0,  ///< The record holds these fields now.
    kDelete = 1,  ///< The record is gone; `fields` is empty.
};

enum class ChangeOrigin : std::uint8_t {
    kLive = 0,       ///< Seen by polling, push or replication.
    kBackfill = 1,   ///< First load of existing records.
    kReconcile = 2,  ///< A full read, to compare.
    kReview = 3,     ///< The same, and a person is to decide what differs.
};

/// Where an agent's message stands in what the agent sent to one partition: dense from 1 within
/// an epoch. The hub's mark and its receipts are about this number.
struct Numbering {
    Partition partition;
    Revision seq;
    friend bool operator==(const Numbering&, const Numbering&) = default;
};

/// What an agent saw on a record, mapped to canonical fields. Carries every field that the agent
/// knows of the record, so that the newest change alone is enough.
struct Change {
    RecordKey key;
    std::optional<EntityId> entity;  ///< The record's entity, once the agent knows it.
    Numbering number;
    Revision rev;  ///< Order of the changes and outcomes of this record.
    ChangeKind kind = ChangeKind::kUpsert;
    ChangeOrigin origin = ChangeOrigin::kLive;
    Fields fields;
    /// The entity id found in the record's marker field, if the platform has one: says which
    /// create command made this record.
    std::optional<EntityId> marker;
    Timestamp seen_at;     ///< When the agent read it.
    Timestamp changed_at;  ///< What the platform says; 0 if it says nothing.
    std::string trace;     ///< W3C traceparent, may be empty.
};

}  // namespace syncline
