#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

namespace syncline::hub::webhooks {

/// How far a webhook has got: what is kept of it, and what people act on.
struct Progress {
    std::uint64_t position = 0;  ///< Of the events' stream: all up to there is done with.
    Timestamp position_at;       ///< When what stands there was stored.
    std::uint64_t taken = 0;     ///< Events, since the webhook began.
    std::uint64_t refused = 0;   ///< Gone by after they were refused again and again.
    Timestamp taken_at;          ///< The newest one; 0: none yet.
    Timestamp failing_since;     ///< 0: all is well.
    std::uint64_t failures = 0;  ///< Requests since then.
    std::string why;             ///< What came back of the newest of them.
    std::string disabled;        ///< Why nothing is sent, and by whom; empty: it is.
    bool told = false;           ///< A person has an exception that says so.
    friend bool operator==(const Progress&, const Progress&) = default;
};

/// JSON, so that any client can read it.
[[nodiscard]] std::string encode(const Progress& progress);
/// kInvalid: it is no such text.
[[nodiscard]] Result<Progress> decode_progress(std::string_view body);

}  // namespace syncline::hub::webhooks
