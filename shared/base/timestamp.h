#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace syncline {

using Duration = std::chrono::nanoseconds;

/// A moment in UTC: nanoseconds since 1970-01-01T00:00:00Z. For display and timers, never for
/// order (design.md 9). Covers the years 1678 to 2262.
struct Timestamp {
    std::int64_t ns = 0;

    friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
    friend Timestamp operator+(Timestamp t, Duration d) { return {t.ns + d.count()}; }
    friend Timestamp operator-(Timestamp t, Duration d) { return {t.ns - d.count()}; }
    friend Duration operator-(Timestamp a, Timestamp b) { return Duration{a.ns - b.ns}; }
};

/// "2026-01-05T10:11:12.000123Z": RFC 3339 in UTC, with as few fraction digits as are exact.
[[nodiscard]] std::string to_string(Timestamp time);

/// "Sun, 06 Nov 1994 08:49:37 GMT": RFC 9110 5.6.7, as the header Date has it.
[[nodiscard]] std::string http_date(Timestamp time);

/// Parses RFC 3339 with any offset, also `+0000` without colon and a blank instead of `T`.
/// kInvalid: not such a text, no time zone, or out of range.
[[nodiscard]] Result<Timestamp> parse_timestamp(std::string_view text);

/// A calendar day without time zone.
struct Date {
    std::int32_t days = 0;  ///< Since 1970-01-01.
    friend auto operator<=>(const Date&, const Date&) = default;
};

/// "2026-01-05".
[[nodiscard]] std::string to_string(Date date);
/// Parses "YYYY-MM-DD". kInvalid: anything else, or no such day.
[[nodiscard]] Result<Date> parse_date(std::string_view text);

}  // namespace syncline
