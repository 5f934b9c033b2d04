#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/model/change.h"
#include "shared/model/ids.h"
#include "shared/model/revision.h"
#include "shared/model/value.h"

namespace syncline {

enum class OutcomeStatus : std::uint8_t {
    kApplied = 0,    ///< The platform holds what `fields` says (as read back or answered).
    kRejected = 1,   ///< The platform refused for good; nothing changed. A person decides.
    kGaveUp = 2,     ///< Retries are spent; nothing changed as far as is known.
    kInDoubt = 3,    ///< It may have been applied and cannot be verified: a person decides.
    kStale = 4,      ///< Not executed: the ledger holds `ledger_generation`, which is not older.
    kFenced = 5,     ///< Not executed: a newer holder of the partition has commanded before.
    kConflict = 6,   ///< Not executed: the record did not hold what the command expected; `fields`
                     ///< holds what it does hold.
    kGone = 7,       ///< Not executed: the record does not exist any more.
    kDiscarded = 8,  ///< Not executed: it was held with many others, and a person has dropped them.
};

/// What became of a command, told by the agent. Numbered like a change, and takes part in the
/// record's `rev` order, since it says what the record holds.
struct Outcome {
    PlatformId platform;
    EntityKey entity;
    std::optional<RecordId> record;  ///< Known unless a create did not get that far.
    Numbering number;
    Revision rev;                  ///< Zero if it says nothing about the record's values.
    std::uint64_t generation = 0;  ///< Of the command it answers.
    /// Of the command too: a store that went back in time counts generations again, and an answer
    /// from before then is not one to the command of today.
    Timestamp decided_at;
    std::uint64_t ledger_generation = 0;  ///< Newest one that the agent has taken up.
    OutcomeStatus status = OutcomeStatus::kApplied;
    Fields fields;  ///< The record's fields, where known: becomes the mirror.
    /// Of the command's fields, those that the record holds as commanded, or in the platform's own
    /// form (rounded, trimmed, ...) of it: nobody's edit. Sorted.
    std::vector<FieldName> as_commanded;
    bool deleted = false;  ///< Applied, and the record is gone with it.
    std::string reason;    ///< For a person; secrets removed. Empty if applied.
    std::string code;      ///< The platform's own error code, may be empty.
    std::uint32_t attempts = 1;
    Timestamp done_at;
    std::string trace;
    std::uint64_t fence = 0;  ///< Of kFenced: the greatest seen for the command's partition.
};

}  // namespace syncline
