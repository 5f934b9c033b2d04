#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/model/value.h"
#include "shared/policy/indicator.h"

namespace syncline::hub::indicators {

/// A business event, as far as indicators look at it.
struct Happening {
    std::string_view event;  ///< `order.confirmed`.
    std::string_view key;
    const Fields& fields;
    Timestamp at;
};

/// What an indicator says at a moment. What is measured of nothing is not there.
struct Figures {
    std::uint64_t count = 0;       ///< Within the window: what happened, or what ended.
    std::optional<Decimal> share;  ///< Percent.
    std::optional<Decimal> mean;   ///< Seconds, as are the next ones.
    std::optional<Decimal> median;
    std::optional<Decimal> p90;
    std::optional<Decimal> longest;
    std::optional<Decimal> oldest;
    std::uint64_t open = 0;
    std::vector<std::pair<std::string, Decimal>>
        late;  ///< Keys of the oldest that are open, first.

    [[nodiscard]] std::optional<Decimal> of(Measure measure) const;
};

/// What is known of one indicator by its events, given in the order of their stream. What it keeps
/// is bounded: of durations the newest 100,000, of counts the newest 1,000,000, and as many that
/// have begun; past that it is as if the older ones were not, and what begins is passed over.
/// Threading: not synchronised.
class Series {
public:
    /// `spec` must outlive it.
    explicit Series(const IndicatorSpec& spec) : spec_(&spec) {}

    void take(const Happening& one);
    [[nodiscard]] Figures figures(Timestamp now);

private:
    struct Ended {
        Timestamp at;
        double seconds = 0;
    };
    void begin(const std::string& key, Timestamp at);
    void end(const std::string& key, Timestamp at);
    void forget_before(Timestamp start);

    const IndicatorSpec* spec_;
    std::deque<Ended> ended_;
    std::deque<Timestamp> counted_;
    std::deque<Timestamp> whole_;  ///< What it is a share of.
    std::map<std::string, Timestamp, std::less<>> open_;
    std::set<std::pair<Timestamp, std::string>> by_age_;  ///< The same.
    /// Ends that were told before what they end: streams of two objects know no common order.
    std::map<std::string, Timestamp, std::less<>> early_;
    std::deque<std::string> early_order_;
};

}  // namespace syncline::hub::indicators
