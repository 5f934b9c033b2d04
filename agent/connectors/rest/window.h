#pragma once

#include <string>

#include "agent/connectors/rest/cursor.h"
#include "agent/connectors/rest/profile.h"
#include "shared/base/result.h"
#include "shared/base/timestamp.h"

namespace syncline::agent::rest {

/// Where a row stands in the order of reading.
struct RowPlace {
    Timestamp stamp;  ///< Cut to the platform's resolution.
    std::string id;
};

/// `time` cut down to a multiple of `resolution`.
[[nodiscard]] Timestamp floored(Timestamp time, Duration resolution);

/// Whether a row belongs to the page that was asked for from `position`: at or after the window's
/// start, before its end, not the last row of the page before nor of an earlier stamp than that; by
/// id only the window is known.
[[nodiscard]] bool within(NextPage next, const Position& position, const RowPlace& row);

/// Moves `position` past a row that was handed out. kUnsupported: the rows are not in the order
/// that was asked for, so that going on from this one could skip others.
[[nodiscard]] Result<void> advanced(NextPage next, Position& position, const RowPlace& row);

}  // namespace syncline::agent::rest
