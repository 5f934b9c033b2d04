#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/source_place.h"
#include "shared/base/timestamp.h"
#include "shared/model/decimal.h"
#include "shared/policy/expression.h"
#include "shared/policy/field_spec.h"

namespace syncline {

/// What of an indicator is looked at. All but the last two are of what ended, or happened, within
/// its window.
enum class Measure : std::uint8_t {
    kCount,   ///< How often.
    kShare,   ///< Percent of what it is counted `per`.
    kMean,    ///< Seconds, as are the next ones.
    kMedian,  ///< "p50"
    kP90,
    kLongest,  ///< "longest"
    kOldest,   ///< Of what has begun and not ended: how long the longest lasts by now.
    kOpen,     ///< How many have begun and not ended.
};
inline constexpr Measure kMeasures[] = {Measure::kCount,  Measure::kShare, Measure::kMean,
                                        Measure::kMedian, Measure::kP90,   Measure::kLongest,
                                        Measure::kOldest, Measure::kOpen};
[[nodiscard]] const char* name_of(Measure measure);  ///< "count", "share", "mean", "p50", ...

/// When people hear of an indicator.
struct AlertSpec {
    std::string name;
    Measure measure = Measure::kCount;
    bool above = true;  ///< Raised if it is more than the limit; else if it is less.
    Decimal limit;
    Decimal back;      ///< It is over once the measure is here again; the limit, or on this
                       ///< side of it.
    Duration hold{0};  ///< Raised once that has lasted so long.
    std::string description;
    SourcePlace place;
};

/// How the business does, measured by its events: how long it takes from one to another of the same
/// key, or how often one happens.
struct IndicatorSpec {
    std::string name;
    std::string event;    ///< `order.confirmed`: what is counted, or begins.
    std::string until;    ///< The event of the same key that ends it; empty: it is counted.
    FieldName event_key;  ///< The field of `event` that is its key here; empty: the event's own.
    FieldName until_key;  ///< The same, of `until`.
    std::string per;      ///< What it is a share of; empty: of nothing.
    std::optional<Expression> when;  ///< Only if it holds for the fields of `event`.
    Duration window = std::chrono::hours{24};
    std::string owner;  ///< Who answers for it.
    std::string description;
    std::vector<AlertSpec> alerts;  ///< Sorted by name.
    SourcePlace place;

    [[nodiscard]] bool is_duration() const { return !until.empty(); }
    [[nodiscard]] bool has(Measure measure) const;
    /// Does it need what the events carry?
    [[nodiscard]] bool reads_fields() const {
        return when || !event_key.empty() || !until_key.empty();
    }
};

}  // namespace syncline
