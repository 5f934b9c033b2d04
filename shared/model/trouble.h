#pragma once

#include <cstdint>
#include <string>

#include "shared/base/timestamp.h"
#include "shared/model/ids.h"
#include "shared/model/revision.h"

namespace syncline {

/// What may be wrong with what a platform tells of an object, as its agent sees it.
enum class TroubleKind : std::uint8_t {
    kFields = 0,   ///< Mapped fields are told no more, or never were.
    kRecords = 1,  ///< Records that cannot be used, and are kept by the agent.
};
[[nodiscard]] const char* name_of(TroubleKind kind);  ///< "fields", "records".

/// What an agent tells of such a trouble while it lasts, and once it is over. Of an object and kind
/// there is one. It is numbered like a change.
struct Trouble {
    PlatformId platform;
    Numbering number;
    ObjectName object;
    TroubleKind kind = TroubleKind::kFields;
    Timestamp since;     ///< Tells one from the one before; by the agent's clock.
    std::string reason;  ///< For a person, without values of records; empty: it is over.
    friend bool operator==(const Trouble&, const Trouble&) = default;
};

}  // namespace syncline
