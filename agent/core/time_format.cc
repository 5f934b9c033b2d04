#include "agent/core/time_format.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>

namespace syncline::agent {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::string_view kFractional = "%s.%f";
constexpr std::int32_t kDaysMax = 106'000;  // Timestamp covers the years 1680 to 2260.
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Parts {
    int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
    std::int64_t fraction_ns = 0;
    std::int64_t offset_s = 0;
};

/// A text that is read from the left.
struct Input {
    std::string_view rest;

    bool skip(char expected) {
        if (rest.empty() || rest.front() != expected) return false;
        rest.remove_prefix(1);
        return true;
    }
    bool number(std::size_t width, int& value) {
        if (rest.size() < width) return false;
        value = 0;
        for (const char c : rest.substr(0, width)) {
            if (c < '0' || c > '9') return false;
            value = value * 10 + (c - '0');
        }
        rest.remove_prefix(width);
        return true;
    }
    bool month(int& value) {
        for (std::size_t i = 0; i < kMonths.size(); ++i) {
            if (rest.starts_with(kMonths[i])) {
                value = static_cast<int>(i) + 1;
                rest.remove_prefix(3);
                return true;
            }
        }
        return false;
    }
    bool fraction(std::size_t width_max, std::int64_t& ns) {
        std::int64_t unit = kSecond / 10;
        std::size_t count = 0;
        for (ns = 0;
             count < width_max && !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
             ++count) {
            ns += (rest.front() - '0') * unit;
            unit /= 10;
            rest.remove_prefix(1);
        }
        return count > 0;
    }
    bool offset(std::int64_t& seconds) {
        if (skip('Z')) return true;
        const bool west = skip('-');
        if (!west && !skip('+')) return false;
        int hours = 0;
        int minutes = 0;
        if (!number(2, hours)) return false;
        skip(':');
        if (!number(2, minutes) || hours > 23 || minutes > 59) return false;
        seconds = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
        return true;
    }
};

bool read_directive(char directive, Input& input, Parts& parts) {
    switch (directive) {
        case 'Y': return input.number(4, parts.year);
        case 'm': return input.number(2, parts.month);
        case 'b': return input.month(parts.month);
        case 'd': return input.number(2, parts.day);
        case 'H': return input.number(2, parts.hour);
        case 'M': return input.number(2, parts.minute);
        case 'S': return input.number(2, parts.second);
        case 'L': return input.fraction(3, parts.fraction_ns);
        case 'f': return input.fraction(9, parts.fraction_ns);
        case 'z': return input.offset(parts.offset_s);
        case '%': return input.skip('%');
        default: return false;
    }
}

Result<Timestamp> read_count(std::string_view text, std::int64_t unit) {
    std::int64_t count = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (status != std::errc{} || end != text.data() + text.size() || text.empty() ||
        count > INT64_MAX / unit || count < INT64_MIN / unit) {
        return fail(ErrorKind::kInvalid,
                    "'" + std::string{text.substr(0, 64)} + "' is not a time since 1970");
    }
    return Timestamp{count * unit};
}

/// Seconds since 1970 with a fraction.
Result<Timestamp> read_fractional(std::string_view text) {
    const auto point = text.find('.');
    auto whole = read_count(text.substr(0, point), kSecond);
    if (!whole || point == std::string_view::npos) return whole;
    Input input{text.substr(point + 1)};
    std::int64_t fraction = 0;
    if (text.starts_with('-') || !input.fraction(9, fraction) || !input.rest.empty()) {
        return fail(ErrorKind::kInvalid,
                    "'" + std::string{text.substr(0, 64)} + "' is not a time since 1970");
    }
    return Timestamp{whole->ns + fraction};
}

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

}  // namespace

Result<void> check_time_format(std::string_view format) {
    if (format == "%s" || format == "%Q" || format == kFractional) return {};
    bool year = false;
    bool month = false;
    bool day = false;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') continue;
        const char directive = ++i < format.size() ? format[i] : '\0';
        if (std::string_view{"YmbdHMSLfz%"}.find(directive) == std::string_view::npos) {
            return fail(ErrorKind::kInvalid, "`" + std::string{format} + "`: %" +
                                                 std::string(directive != '\0' ? 1 : 0, directive) +
                                                 " is not known; %Y %m %b %d %H %M %S %L %f %z %% "
                                                 "are, and %s, %s.%f or %Q alone");
        }
        year = year || directive == 'Y';
        month = month || directive == 'm' || directive == 'b';
        day = day || directive == 'd';
    }
    if (!year || !month || !day) {
        return fail(ErrorKind::kInvalid, "`" + std::string{format} + "` names no day: %Y, %m, %d");
    }
    return {};
}

Result<Timestamp> read_time(std::string_view format, std::string_view text) {
    if (format == "%s") return read_count(text, kSecond);
    if (format == "%Q") return read_count(text, kSecond / 1000);
    if (format == kFractional) return read_fractional(text);
    const auto bad = [&] {
        return fail(ErrorKind::kInvalid, "'" + std::string{text.substr(0, 64)} +
                                             "' is not of the form `" + std::string{format} + "`");
    };
    Input input{text};
    Parts parts;
    constexpr std::string_view kFraction = ".%f";
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format.substr(i).starts_with(kFraction) && !input.rest.starts_with('.')) {
            // Python, among others, leaves out a fraction that is nought.
            i += kFraction.size() - 1;
        } else if (format[i] == '%' && i + 1 < format.size()) {
            if (!read_directive(format[++i], input, parts)) return bad();
        } else if (!input.skip(format[i])) {
            return bad();
        }
    }
    const std::chrono::year_month_day date{std::chrono::year{parts.year},
                                           std::chrono::month{static_cast<unsigned>(parts.month)},
                                           std::chrono::day{static_cast<unsigned>(parts.day)}};
    if (!input.rest.empty() || !date.ok() || parts.hour > 23 || parts.minute > 59 ||
        parts.second > 60) {
        return bad();
    }
    const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
    if (days < -kDaysMax || days > kDaysMax) return bad();
    const std::int64_t seconds =
        (parts.hour * 60 + parts.minute) * 60 + parts.second - parts.offset_s;
    return Timestamp{days * kDay + seconds * kSecond + parts.fraction_ns};
}

std::string write_time(std::string_view format, Timestamp time) {
    if (format == "%s") return std::to_string(floor_div(time.ns, kSecond));
    if (format == "%Q") return std::to_string(floor_div(time.ns, kSecond / 1000));
    if (format == kFractional) {
        const std::int64_t whole = floor_div(time.ns, kSecond);
        const std::string rest = std::to_string((time.ns - whole * kSecond) / 1'000 + 1'000'000);
        return std::to_string(whole) + "." + rest.substr(1);
    }
    const std::chrono::year_month_day date{
        std::chrono::sys_days{std::chrono::days{day_of(time).days}}};
    const std::int64_t rest = time.ns - start_of(day_of(time)).ns;
    const auto seconds = static_cast<int>(rest / kSecond);
    const auto fraction = static_cast<int>(rest % kSecond);
    std::string out;
    const auto digits = [&](std::size_t width, int value) {
        const std::string text = std::to_string(value);
        out.append(width > text.size() ? width - text.size() : 0, '0').append(text);
    };
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%' || i + 1 == format.size()) {
            out += format[i];
            continue;
        }
        switch (format[++i]) {
            case 'Y': digits(4, static_cast<int>(date.year())); break;
            case 'm': digits(2, static_cast<int>(static_cast<unsigned>(date.month()))); break;
            case 'b': out += kMonths[static_cast<unsigned>(date.month()) - 1]; break;
            case 'd': digits(2, static_cast<int>(static_cast<unsigned>(date.day()))); break;
            case 'H': digits(2, seconds / 3600); break;
            case 'M': digits(2, seconds / 60 % 60); break;
            case 'S': digits(2, seconds % 60); break;
            case 'L': digits(3, fraction / 1'000'000); break;
            case 'f': digits(6, fraction / 1'000); break;
            case 'z': out += "+0000"; break;
            default: out += format[i]; break;
        }
    }
    return out;
}

Date day_of(Timestamp time) { return Date{static_cast<std::int32_t>(floor_div(time.ns, kDay))}; }

Timestamp start_of(Date day) { return Timestamp{day.days * kDay}; }

}  // namespace syncline::agent
