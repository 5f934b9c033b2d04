#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

namespace syncline::agent {

/// How a platform writes a time, after strftime, always UTC unless the text says otherwise:
///   %Y %m %d %H %M %S   digits, of fixed width; %b the English month, `Jan`
///   %L                  milliseconds, three digits
///   %f                  fraction of a second, 1 to 9 digits; six are written. `.%f` may be left
///                       out of what is read
///   %z                  offset: Z, +hhmm or +hh:mm; `+0000` is written
///   %s %Q %s.%f         seconds, milliseconds, seconds with a fraction since 1970; stands alone
///   %%                  a percent sign
/// Anything else stands for itself. The locale plays no part.

/// kInvalid: an unknown directive, or no day in it.
[[nodiscard]] Result<void> check_time_format(std::string_view format);

/// kInvalid: `text` is not of the form, or no such time.
[[nodiscard]] Result<Timestamp> read_time(std::string_view format, std::string_view text);

/// What the form has no place for is cut.
[[nodiscard]] std::string write_time(std::string_view format, Timestamp time);

/// The day that holds `time`, in UTC, and the first moment of a day.
[[nodiscard]] Date day_of(Timestamp time);
[[nodiscard]] Timestamp start_of(Date day);

}  // namespace syncline::agent
