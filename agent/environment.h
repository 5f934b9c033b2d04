#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "agent/core/pacing.h"
#include "agent/sync_points.h"
#include "shared/base/clock.h"
#include "shared/telemetry/span.h"

namespace syncline::agent {

enum class NoteLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
/// Takes a line for the log. Never carries field values.
using Notes = std::function<void(NoteLevel, std::string_view)>;

/// What the parts of an agent share of the world outside. Everything must outlive the agent.
struct Environment {
    const Clock& clock;
    SyncPoints& points;
    Jitter& jitter;
    Notes note;
    telemetry::SpanSink* spans = nullptr;  ///< Null: there is no telemetry.

    void before(std::string_view point) const {
        points.reached(point, SyncPoints::Moment::kBefore);
    }
    void after(std::string_view point) const { points.reached(point, SyncPoints::Moment::kAfter); }
    [[nodiscard]] Duration steady() const { return clock.steady(); }
};

/// A deadline that never comes.
inline constexpr Duration kNever = Duration::max();

}  // namespace syncline::agent
