#pragma once

#include <cstdint>
#include <vector>

#include "shared/nats/link.h"

namespace syncline::nats {

/// What an installation may choose when its streams are made.
struct StreamOptions {
    std::uint32_t partitions = 64;  ///< Kept in the metadata of SYNC_IN; fixed for its life.
    int replicas = 1;               ///< 1, 3 or 5.
    /// Most bytes of each stream, on each replica; -1 leaves it to the server's limits. A full
    /// SYNC_IN refuses inputs and agents keep them; it never forgets.
    std::int64_t bytes_max = -1;
    /// How long inputs, business events and the decision log are kept, in days.
    std::uint32_t keep_inputs_days = 30;
    std::uint32_t keep_events_days = 90;
    std::uint32_t keep_log_days = 365;
    friend bool operator==(const StreamOptions&, const StreamOptions&) = default;
};

/// Name of the metadata entry of SYNC_IN that holds the number of partitions.
inline constexpr std::string_view kPartitionsKey = "partitions";

/// Made and removed at once before a restore, to see whether the server would take the streams.
inline constexpr std::string_view kRestoreProbe = "SYNCLINE_RESTORE_PROBE";

/// Every stream and bucket of Syncline (design.md 5), for Link::ensure_stream.
[[nodiscard]] std::vector<StreamConfig> stream_configs(const StreamOptions& options = {});

}  // namespace syncline::nats
