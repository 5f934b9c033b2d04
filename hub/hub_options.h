#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "hub/core/step.h"
#include "shared/base/timestamp.h"
#include "shared/model/ids.h"
#include "shared/telemetry/span.h"

namespace syncline::hub {

/// How a hub works; every wait and bound in one place.
struct HubOptions {
    HubId id;                       ///< Unique among live hubs.
    std::uint16_t partitions = 64;  ///< Fixed when the streams are made; then read from them.
    std::size_t window = 4'096;     ///< Most inputs taken and not yet done.
    std::size_t fold_max = 64;      ///< Most inputs of one entity in one decision.
    std::size_t cache_entities = 131'072;  ///< Entities kept in memory when idle.
    bool warm_up = true;                   ///< Load the entities of a partition when taking it.
    Duration mark_interval = std::chrono::milliseconds{100};  ///< Between marks of a partition.
    Duration presence_interval = std::chrono::seconds{2};
    Duration presence_timeout = std::chrono::seconds{10};  ///< A hub not heard of is gone.
    Duration watch_interval = std::chrono::seconds{2};     ///< Looks at the streams' identity.
    Duration check_interval = std::chrono::minutes{1};     ///< Between looks at new exceptions.
    Duration retry_wait = std::chrono::milliseconds{200};  ///< After a failed load or store.
    Duration resend_wait = std::chrono::seconds{2};        ///< Before one gap is asked for again.
    Duration keep_ended = std::chrono::hours{24 * 7};      ///< An ended instance whole,
    Duration keep_children = std::chrono::hours{24 * 90};  ///< and one that another has called.
    telemetry::SpanSink* spans = nullptr;                  ///< Null: there is no telemetry.
    friend bool operator==(const HubOptions&, const HubOptions&) = default;
};

/// What happened to exceptions of one kind.
struct ExceptionCount {
    std::string kind;
    ExceptionSeverity severity = ExceptionSeverity::kError;
    ExceptionEvent::What what = ExceptionEvent::What::kOpened;
    friend auto operator<=>(const ExceptionCount&, const ExceptionCount&) = default;
};

/// Counted facts; every number is since the start of the process.
struct HubCounters {
    std::uint64_t inputs = 0;      ///< Messages taken from the stream.
    std::uint64_t duplicates = 0;  ///< Dropped by number.
    std::uint64_t gaps = 0;        ///< Dropped since an earlier one is missing.
    std::uint64_t replays = 0;     ///< Recognised by revision; effects published again.
    std::uint64_t quiet = 0;       ///< Decided without any difference (echoes).
    std::uint64_t decisions = 0;   ///< States stored.
    std::uint64_t commands = 0;
    std::uint64_t conflicts = 0;   ///< Compare-and-set refused; decided again.
    std::uint64_t exceptions = 0;  ///< Exception messages published.
    std::uint64_t timers = 0;      ///< Of workflows, that came due.
    std::uint64_t events = 0;      ///< Business events published, again included.
    std::uint64_t loads = 0;       ///< Entities read from the store.
    std::uint64_t poisoned = 0;    ///< Inputs that cannot be decided.
    std::uint64_t publishes = 0;   ///< Messages stored by our publishes.
    std::uint64_t amnesia = 0;     ///< Streams that lost what they had.
    std::map<ExceptionCount, std::uint64_t> exception_events;

    void count(const std::string& kind, ExceptionSeverity severity, ExceptionEvent::What what) {
        ++exception_events[{kind, severity, what}];
    }
};

}  // namespace syncline::hub
