#include "shared/policy/cron.h"

#include <bit>
#include <charconv>
#include <chrono>
#include <vector>

namespace syncline {
namespace {

constexpr std::int64_t kMinuteNs = 60'000'000'000;
constexpr std::int64_t kDayNs = 1'440 * kMinuteNs;
/// 29 February may be eight years away, round 2100.
constexpr std::int32_t kDaysBack = 9 * 366;

struct Part {
    const char* name;
    unsigned least;
    unsigned most;
};
constexpr Part kParts[] = {
    {"minute", 0, 59}, {"hour", 0, 23}, {"day", 1, 31}, {"month", 1, 12}, {"weekday", 0, 7}};

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    for (;;) {
        const auto at = text.find(separator);
        out.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return out;
        text.remove_prefix(at + 1);
    }
}

std::optional<unsigned> whole(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool all = error == std::errc{} && end == text.data() + text.size();
    return all && text.size() <= 2 ? std::optional{value} : std::nullopt;
}

/// One of the pieces between commas; nothing if it is none.
std::optional<std::uint64_t> bits_of(std::string_view piece, const Part& part) {
    const auto slash = piece.find('/');
    const std::string_view range = piece.substr(0, slash);
    unsigned step = 1;
    if (slash != std::string_view::npos) {
        const auto given = whole(piece.substr(slash + 1));
        if (!given || *given == 0) return std::nullopt;
        step = *given;
    }
    unsigned from = part.least;
    unsigned to = part.most;
    if (range != "*") {
        const auto dash = range.find('-');
        const auto first = whole(range.substr(0, dash));
        const bool open = dash == std::string_view::npos;
        const auto last = open ? first : whole(range.substr(dash + 1));
        if (!first || !last || *first < part.least || *last > part.most || *first > *last) {
            return std::nullopt;
        }
        if (open && slash != std::string_view::npos) return std::nullopt;  // `5/15`: from what on?
        from = *first;
        to = *last;
    }
    std::uint64_t bits = 0;
    for (unsigned value = from; value <= to; value += step) bits |= std::uint64_t{1} << value;
    return bits;
}

bool has(std::uint64_t bits, unsigned value) { return (bits >> value & 1) != 0; }

/// The greatest number of the set that is not above `most`.
std::optional<unsigned> greatest(std::uint64_t bits, unsigned most) {
    const std::uint64_t allowed = bits & (~std::uint64_t{0} >> (63 - most));
    if (allowed == 0) return std::nullopt;
    return static_cast<unsigned>(63 - std::countl_zero(allowed));
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
    std::vector<std::string_view> words;
    for (const std::string_view word : split(text, ' ')) {
        if (!word.empty()) words.push_back(word);
    }
    if (words.size() != std::size(kParts)) {
        return fail(ErrorKind::kInvalid,
                    "has " + std::to_string(words.size()) +
                        " parts; it takes five: minute, hour, day, month, weekday");
    }
    Cron cron;
    cron.text_ = std::string{text};
    std::uint64_t* const sets[] = {&cron.minutes_, &cron.hours_, &cron.days_, &cron.months_,
                                   &cron.weekdays_};
    for (std::size_t i = 0; i < words.size(); ++i) {
        for (const std::string_view piece : split(words[i], ',')) {
            const auto bits = bits_of(piece, kParts[i]);
            if (!bits) {
                return fail(ErrorKind::kInvalid, "has no " + std::string{kParts[i].name} +
                                                     " in \"" + std::string{piece} + "\": from " +
                                                     std::to_string(kParts[i].least) + " to " +
                                                     std::to_string(kParts[i].most));
            }
            *sets[i] |= *bits;
        }
    }
    if (has(cron.weekdays_, 7)) cron.weekdays_ |= 1;
    cron.any_day_ = words[2] == "*";
    cron.any_weekday_ = words[4] == "*";
    // All leap and common years with all weekdays are among these.
    if (!cron.latest(Timestamp{std::int64_t{20'000} * kDayNs})) {
        return fail(ErrorKind::kInvalid, "holds on no day");
    }
    return cron;
}

bool Cron::has_day(std::int32_t days) const {
    const std::chrono::sys_days date{std::chrono::days{days}};
    const std::chrono::year_month_day parts{date};
    if (!has(months_, static_cast<unsigned>(parts.month()))) return false;
    const bool day = has(days_, static_cast<unsigned>(parts.day()));
    const bool weekday = has(weekdays_, std::chrono::weekday{date}.c_encoding());
    if (any_day_ || any_weekday_) return day && weekday;
    return day || weekday;
}

std::optional<Timestamp> Cron::latest(Timestamp at) const {
    const std::int64_t minute = at.ns >= 0 ? at.ns / kMinuteNs : (at.ns + 1) / kMinuteNs - 1;
    const std::int64_t today = minute >= 0 ? minute / 1'440 : (minute + 1) / 1'440 - 1;
    for (std::int32_t back = 0; back < kDaysBack; ++back) {
        const auto day = static_cast<std::int32_t>(today - back);
        if (!has_day(day)) continue;
        const auto most = back == 0 ? static_cast<unsigned>(minute - today * 1'440) : 1'439U;
        auto hour = greatest(hours_, most / 60);
        if (!hour) continue;
        const bool last_hour = *hour == most / 60;
        auto in_hour = greatest(minutes_, last_hour ? most % 60 : 59);
        if (!in_hour) {  // Not yet in this hour: in the one before, if there is one today.
            if (*hour == 0) continue;
            hour = greatest(hours_, *hour - 1);
            in_hour = greatest(minutes_, 59);
        }
        if (!hour || !in_hour) continue;
        return Timestamp{day * kDayNs + (*hour * 60 + *in_hour) * kMinuteNs};
    }
    return std::nullopt;
}

}  // namespace syncline
