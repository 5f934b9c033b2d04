#pragma once

#include <cstdint>

#include "agent/core/mass_change.h"
#include "shared/base/timestamp.h"
#include "shared/model/hold.h"

namespace syncline::agent {

/// What the breaker remembers of a lane; see breaker.h.
struct LaneState {
    enum class Phase : std::uint8_t {
        kFlowing = 0,
        kHeld = 1,      ///< Until a person answers.
        kResuming = 2,  ///< What was withheld is being told; what comes meanwhile goes behind it.
    };
    MassWindow window;
    Phase phase = Phase::kFlowing;
    HoldNotice hold;  ///< The newest one; its `hold` is 0 if there was none.
    /// A full read was begun while it was held: the hub does not know what is there.
    bool blind = false;
    std::uint64_t told = 0;      ///< How many were held when the hub was told last.
    std::uint64_t answered = 0;  ///< The newest hold that an answer named.
    HoldAnswer::Verdict verdict = HoldAnswer::Verdict::kResume;
    /// Out: commands that were stored in their stream until then are answered by `verdict`. In:
    /// when something was dropped last.
    Timestamp through;
};

}  // namespace syncline::agent
