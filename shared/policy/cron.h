#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

namespace syncline {

/// A schedule as cron(8) writes it, in UTC: minute, hour, day of the month, month, day of the week
/// (0 and 7 are Sunday). Each is `*`, numbers, ranges `1-5`, steps `*/15`, `8-18/2`, or several
/// with commas. If both days are given either will do, as cron has it.
class Cron {
public:
    /// kInvalid: not such a text, or no day will ever do (`0 0 30 2 *`); says which part and why.
    [[nodiscard]] static Result<Cron> parse(std::string_view text);

    /// The newest moment of the schedule that is not after `at`; nothing within nine years before.
    [[nodiscard]] std::optional<Timestamp> latest(Timestamp at) const;
    [[nodiscard]] const std::string& text() const { return text_; }
    friend bool operator==(const Cron&, const Cron&) = default;

private:
    Cron() = default;
    [[nodiscard]] bool has_day(std::int32_t days) const;

    std::string text_;
    // A bit for each number that will do.
    std::uint64_t minutes_ = 0;
    std::uint64_t hours_ = 0;
    std::uint64_t days_ = 0;
    std::uint64_t months_ = 0;
    std::uint64_t weekdays_ = 0;
    bool any_day_ = false;  ///< `*` stands there.
    bool any_weekday_ = false;
};

}  // namespace syncline
