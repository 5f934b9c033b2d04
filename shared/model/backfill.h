#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/model/ids.h"

namespace syncline {

/// The request that an agent reads its whole platform and tells what it never told. Its text is the
/// body of the message by which agents are asked: the newest one counts.
struct BackfillRequest {
    Timestamp asked_at;               ///< Names it, too.
    bool dry_run = false;             ///< Only count.
    std::vector<ObjectName> objects;  ///< Only these; empty: all.
    friend bool operator==(const BackfillRequest&, const BackfillRequest&) = default;
};
[[nodiscard]] std::string to_text(const BackfillRequest& request);
/// Nothing: it is not such a text.
[[nodiscard]] std::optional<BackfillRequest> parse_backfill_request(std::string_view text);

}  // namespace syncline
