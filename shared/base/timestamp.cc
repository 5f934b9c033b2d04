#include "shared/base/timestamp.h"

#include <charconv>
#include <cstdio>
#include <ctime>
#include <tuple>

namespace syncline {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

/// Reads exactly `width` digits at `at` and moves on; -1 if they are not digits.
int digits(std::string_view text, std::size_t& at, std::size_t width) {
    if (at + width > text.size()) return -1;
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
        const char c = text[at + i];
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    at += width;
    return value;
}

bool skip(std::string_view text, std::size_t& at, char expected) {
    if (at >= text.size() || text[at] != expected) return false;
    ++at;
    return true;
}

/// The day at `at` as days since the epoch; false if there is none.
bool read_day(std::string_view text, std::size_t& at, std::int32_t& days) {
    const int year = digits(text, at, 4);
    if (year < 0 || !skip(text, at, '-')) return false;
    const int month = digits(text, at, 2);
    if (month < 0 || !skip(text, at, '-')) return false;
    const int day = digits(text, at, 2);
    if (day < 0) return false;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) return false;
    days = static_cast<std::int32_t>(std::chrono::sys_days{date}.time_since_epoch().count());
    return true;
}

/// The fraction after the seconds, in nanoseconds; digits past the ninth are dropped.
std::int64_t read_fraction(std::string_view text, std::size_t& at) {
    std::int64_t value = 0;
    std::int64_t unit = kSecond / 10;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        value += (text[at] - '0') * unit;
        unit /= 10;
        ++at;
    }
    return value;
}

/// The offset from UTC at `at` in seconds; false if there is none or it is not the last thing.
bool read_offset(std::string_view text, std::size_t& at, std::int64_t& offset_s) {
    offset_s = 0;
    if (skip(text, at, 'Z') || skip(text, at, 'z')) return at == text.size();
    const bool west = at < text.size() && text[at] == '-';
    if (!west && (at >= text.size() || text[at] != '+')) return false;
    ++at;
    const int hours = digits(text, at, 2);
    std::ignore = skip(text, at, ':');  // Some vendors write +0000.
    const int minutes = digits(text, at, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
    offset_s = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
    return at == text.size();
}

}  // namespace

std::string to_string(Date date) {
    const std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::days{date.days}}};
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(day.year()),
                  static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
    return text;
}

std::string to_string(Timestamp time) {
    std::int64_t days = time.ns / kDay;
    std::int64_t rest = time.ns % kDay;
    if (rest < 0) {
        rest += kDay;
        --days;
    }
    const std::int64_t seconds = rest / kSecond;
    const std::int64_t fraction = rest % kSecond;
    char text[48];
    std::snprintf(text, sizeof text, "%sT%02d:%02d:%02d",
                  to_string(Date{static_cast<std::int32_t>(days)}).c_str(),
                  static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60),
                  static_cast<int>(seconds % 60));
    std::string out = text;
    if (fraction != 0) {
        std::snprintf(text, sizeof text, ".%09lld", static_cast<long long>(fraction));
        out += text;
        while (out.back() == '0') out.pop_back();
    }
    return out + "Z";
}

std::string http_date(Timestamp time) {
    const std::time_t seconds = time.ns / kSecond;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

Result<Date> parse_date(std::string_view text) {
    std::size_t at = 0;
    Date date;
    if (!read_day(text, at, date.days) || at != text.size()) {
        return fail(ErrorKind::kInvalid, "'" + std::string{text} + "' is not a day (YYYY-MM-DD)");
    }
    return date;
}

Result<Timestamp> parse_timestamp(std::string_view text) {
    const auto bad = [&](const char* why) {
        return fail(ErrorKind::kInvalid,
                    "'" + std::string{text} + "' is not an RFC 3339 time: " + why);
    };
    std::size_t at = 0;
    std::int32_t days = 0;
    if (!read_day(text, at, days)) return bad("no such day");
    if (!skip(text, at, 'T') && !skip(text, at, 't') && !skip(text, at, ' ')) return bad("no time");
    const int hour = digits(text, at, 2);
    const bool first_colon = skip(text, at, ':');
    const int minute = digits(text, at, 2);
    const bool second_colon = skip(text, at, ':');
    const int second = digits(text, at, 2);
    if (!first_colon || !second_colon || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60) {
        return bad("no such time of day");
    }
    const std::int64_t fraction = skip(text, at, '.') ? read_fraction(text, at) : 0;
    std::int64_t offset_s = 0;
    if (!read_offset(text, at, offset_s)) return bad("no time zone (Z or +hh:mm)");
    if (days < -106'000 || days > 106'000) return bad("outside the years 1680 to 2260");
    const std::int64_t seconds = hour * 3600 + minute * 60 + second - offset_s;
    return Timestamp{days * kDay + seconds * kSecond + fraction};
}

}  // namespace syncline
