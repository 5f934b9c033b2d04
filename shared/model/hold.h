#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/model/change.h"
#include "shared/model/ids.h"

/// The mass-change breaker: an agent that sees more deletions, blankings or overwrites of an object
/// in one direction than its limits allow holds that lane, and a person says what becomes of it.
namespace syncline {

enum class Direction : std::uint8_t {
    kIn = 0,   ///< What the platform tells.
    kOut = 1,  ///< What the hubs command.
};
[[nodiscard]] const char* name_of(Direction direction);  ///< "in", "out".

/// One object in one direction.
struct Lane {
    ObjectName object;
    Direction direction = Direction::kIn;
    friend auto operator<=>(const Lane&, const Lane&) = default;
};

/// Entity and partition that stand for the lanes of an object wherever one is needed: what is told
/// of a lane, and what people do about it, goes by one partition.
[[nodiscard]] EntityKey lane_entity(const ObjectName& object);

enum class MassKind : std::uint8_t {
    kDelete = 0,     ///< The record is gone.
    kBlank = 1,      ///< A field that held something is empty.
    kOverwrite = 2,  ///< A field that held something holds something else.
};
inline constexpr std::size_t kMassKinds = 3;
[[nodiscard]] const char* name_of(MassKind kind);  ///< "deletions", "blankings", "overwrites".

using MassCounts = std::array<std::uint64_t, kMassKinds>;

/// What an agent tells of a lane that it holds, or held. It is numbered like a change.
struct HoldNotice {
    enum class Status : std::uint8_t {
        kHeld = 0,       ///< It waits for a person.
        kResumed = 1,    ///< It flows: what was held goes on.
        kDiscarded = 2,  ///< It flows: what was held is dropped.
        kUnknown = 3,    ///< It flows: the agent knows of no such hold.
    };
    struct Sample {
        MassKind kind = MassKind::kDelete;
        RecordId record;                 ///< Empty if it is not known.
        std::optional<EntityId> entity;  ///< If it is known.
        friend bool operator==(const Sample&, const Sample&) = default;
    };
    static constexpr std::size_t kSampleMost = 20;

    PlatformId platform;
    Numbering number;
    Lane lane;
    std::uint64_t hold = 0;  ///< Which one: of two of a lane the later has the greater number.
    Status status = Status::kHeld;
    MassKind tripped = MassKind::kDelete;  ///< What there was too much of.
    std::string limit;                     ///< The limit that it passed, for a person.
    Duration window{0};
    MassCounts counts{};        ///< In the window that tripped it, and what was held since.
    std::uint64_t records = 0;  ///< Of the object, at the platform; 0 if nobody has counted.
    std::uint64_t held = 0;     ///< Changes or commands that wait.
    Timestamp since;
    std::vector<Sample> sample;
    friend bool operator==(const HoldNotice&, const HoldNotice&) = default;
};
[[nodiscard]] const char* name_of(HoldNotice::Status status);  ///< "held", "resumed", ...

/// A person's answer to one hold. Its text is the body of the message by which the agent is told.
struct HoldAnswer {
    enum class Verdict : std::uint8_t { kResume = 0, kDiscard = 1 };
    std::uint64_t hold = 0;
    Verdict verdict = Verdict::kResume;
    friend bool operator==(const HoldAnswer&, const HoldAnswer&) = default;
};
[[nodiscard]] std::string to_text(const HoldAnswer& answer);
/// Nothing: it is not such a text.
[[nodiscard]] std::optional<HoldAnswer> parse_hold_answer(std::string_view text);

}  // namespace syncline
