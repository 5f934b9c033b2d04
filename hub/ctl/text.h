#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

/// Text as an operator sees and types it. Pure.
namespace syncline::ctl {

/// Data from outside, safe to show: control characters, C1 and line separators become \n, \t or
/// \xNN, what is no UTF-8 becomes \xNN; the rest stays. Never starts a line, never colours.
[[nodiscard]] std::string printable(std::string_view text);

/// Columns that a printable text takes on a terminal: combining marks none, East Asian wide
/// characters and emoji two.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// At most `width` columns, cut before a character, with "..." at the end if it was cut.
[[nodiscard]] std::string clipped(std::string_view text, std::size_t width);

/// "17 s", "3 min", "5 h 12 min", "4 d"; negative ones with a minus.
[[nodiscard]] std::string duration_text(Duration duration);
/// "2026-01-05 10:11:12Z"; "-" for the zero time.
[[nodiscard]] std::string time_text(Timestamp time);
/// "17 s ago", "in 3 s"; "never" for the zero time.
[[nodiscard]] std::string age_text(Timestamp time, Timestamp now);
/// "512 B", "3.4 KiB", "1.2 GiB".
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
/// "1 entity", "2 entities": `one` or `many` behind the number.
[[nodiscard]] std::string count_text(std::uint64_t count, std::string_view one,
                                     std::string_view many);

/// "90s", "15m", "2h", "1d12h": whole numbers with units s, m, h, d, w. kInvalid: anything else,
/// or over a hundred years.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// A moment: RFC 3339 with a zone ("2026-01-05T10:00:00Z"), a day ("2026-01-05", its start in
/// UTC), "now", or how long ago ("2h", "15m"). kInvalid: anything else; the text lists these.
[[nodiscard]] Result<Timestamp> parse_moment(std::string_view text, Timestamp now);

/// Where to start or end in a stream: a moment, or a stream sequence (only digits).
struct Point {
    std::optional<std::uint64_t> sequence;
    Timestamp time;  ///< If there is no sequence.
};
[[nodiscard]] Result<Point> parse_point(std::string_view text, Timestamp now);

/// Lines of "00000000  68 65 6c ...  |hel...|", sixteen bytes each; at most `bytes_max` bytes,
/// then a line that tells how many are not shown.
[[nodiscard]] std::vector<std::string> hex_dump(std::string_view bytes, std::size_t bytes_max);

/// "4f2a00": two digits for each byte.
[[nodiscard]] std::string hex(std::string_view bytes);

/// Whether "2.10.27" or "2.15.0-beta.2" is not older than `wanted`; no, if it is no version.
[[nodiscard]] bool version_at_least(std::string_view version, std::string_view wanted);

/// `subject` with its tokens at `places` (from 0) made `*`.
[[nodiscard]] std::string with_wildcards(std::string_view subject,
                                         std::initializer_list<std::size_t> places);

/// The tokens of a subject, still encoded.
[[nodiscard]] std::vector<std::string_view> tokens_of(std::string_view subject);

}  // namespace syncline::ctl
