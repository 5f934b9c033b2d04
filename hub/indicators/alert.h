#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/policy/indicator.h"

namespace syncline::hub::indicators {

/// How an alert stands: what is kept of it, and what people act on.
struct AlertState {
    bool raised = false;
    std::uint64_t episode = 0;  ///< How often it was raised, this time included.
    Timestamp since;            ///< Of the episode; 0: it was never raised.
    Timestamp beyond_since;     ///< Since when the limit is passed; 0: it is not.
    Decimal value;              ///< When it was raised, or was over.
    /// Others know that the episode has begun, and so have to hear of its end.
    bool told = false;
    Timestamp silent_until;  ///< Nobody is told before.
    std::string silenced;    ///< By whom, and why.
    friend bool operator==(const AlertState&, const AlertState&) = default;
};

/// JSON, so that any client can read it.
[[nodiscard]] std::string encode(const AlertState& state);
/// kInvalid: it is no such text.
[[nodiscard]] Result<AlertState> decode_alert(std::string_view body);

/// How it stands by what is measured now; nothing: there is nothing to measure. Pure.
[[nodiscard]] AlertState judged(const AlertSpec& alert, AlertState state,
                                std::optional<Decimal> value, Timestamp now);

/// What is to be told next, of an alert that stands so.
enum class News : std::uint8_t { kNone, kRaised, kOver };
[[nodiscard]] News news_of(const AlertState& state, Timestamp now);

}  // namespace syncline::hub::indicators
