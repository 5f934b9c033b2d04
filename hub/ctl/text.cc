#include "hub/ctl/text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "shared/base/utf8.h"

namespace syncline::ctl {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kHex = "0123456789abcdef";

/// Length of the well-formed UTF-8 sequence at the start; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (length > text.size()) return 0;
    return find_invalid_utf8(text.substr(0, length)) == std::string_view::npos ? length : 0;
}

/// Requires: `sequence` is one well-formed character.
char32_t code_point(std::string_view sequence) {
    const auto lead = static_cast<unsigned char>(sequence.front());
    constexpr std::array<unsigned char, 5> kLeadBits{0, 0x7F, 0x1F, 0x0F, 0x07};
    char32_t out = lead & kLeadBits[sequence.size()];
    for (const char c : sequence.substr(1)) {
        out = out << 6 | (static_cast<unsigned char>(c) & 0x3FU);
    }
    return out;
}

struct Range {
    char32_t first;
    char32_t last;
};

/// C0, DEL and C1; line and paragraph separators; marks that turn the direction of what follows.
constexpr std::array kDangerous{Range{0x00, 0x1F},     Range{0x7F, 0x9F},
                                Range{0x200E, 0x200F}, Range{0x2028, 0x202E},
                                Range{0x2066, 0x2069}, Range{0xFEFF, 0xFEFF}};
/// The combining blocks that names are likely to have.
constexpr std::array kNoWidth{Range{0x0300, 0x036F}, Range{0x0483, 0x0489}, Range{0x0591, 0x05BD},
                              Range{0x064B, 0x065F}, Range{0x200B, 0x200D}, Range{0x20D0, 0x20F0},
                              Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}};
/// Unicode's East Asian Width W and F, by block, and the emoji.
constexpr std::array kWide{
    Range{0x1100, 0x115F},   Range{0x2E80, 0x303E},   Range{0x3041, 0x33FF},
    Range{0x3400, 0x4DBF},   Range{0x4E00, 0x9FFF},   Range{0xA000, 0xA4CF},
    Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},
    Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F},
    Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1F9FF}, Range{0x20000, 0x3FFFD}};

bool in(const auto& ranges, char32_t c) {
    return std::ranges::any_of(ranges, [c](Range r) { return c >= r.first && c <= r.last; });
}

void append_escape(std::string& out, std::string_view bytes) {
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else {
            out += "\\x";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
}

std::size_t width_of(char32_t c) { return in(kNoWidth, c) ? 0 : in(kWide, c) ? 2 : 1; }

std::string amount(std::int64_t count, const char* unit) {
    return std::to_string(count) + " " + unit;
}

std::optional<std::array<unsigned, 3>> version_parts(std::string_view text) {
    std::array<unsigned, 3> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) {
            if (!text.starts_with('.')) return std::nullopt;
            text.remove_prefix(1);
        }
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parts[i]);
        if (error != std::errc{}) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    }
    return parts;
}

bool only_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Duration> unit_of(char c) {
    switch (c) {
        case 's': return seconds{1};
        case 'm': return minutes{1};
        case 'h': return hours{1};
        case 'd': return days{1};
        case 'w': return days{7};
        default: return std::nullopt;
    }
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const std::string_view part = text.substr(0, std::max<std::size_t>(length, 1));
        if (length == 0 || in(kDangerous, code_point(part))) {
            append_escape(out, part);
        } else {
            out += part;
        }
        text.remove_prefix(part.size());
    }
    return out;
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
        width += length == 1 ? 1 : width_of(code_point(text.substr(0, length)));
        text.remove_prefix(length);
    }
    return width;
}

std::string clipped(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string{text};
    constexpr std::string_view kCut = "...";
    const std::size_t room = width > kCut.size() ? width - kCut.size() : 0;
    std::size_t used = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        const std::size_t length = std::max<std::size_t>(utf8_length(text.substr(end)), 1);
        used += display_width(text.substr(end, length));
        if (used > room) break;
        end += length;
    }
    return std::string{text.substr(0, end)} + std::string{kCut.substr(0, width)};
}

std::string duration_text(Duration duration) {
    if (duration.count() < 0) return "-" + duration_text(-duration);
    const auto count = [&](auto unit) {
        return static_cast<std::int64_t>(
            std::chrono::duration_cast<decltype(unit)>(duration).count());
    };
    if (duration < seconds{1}) return amount(count(std::chrono::milliseconds{}), "ms");
    if (duration < minutes{2}) return amount(count(seconds{}), "s");
    if (duration < hours{2}) return amount(count(minutes{}), "min");
    if (duration < days{2}) {
        return amount(count(hours{}), "h") + " " + amount(count(minutes{}) % 60, "min");
    }
    return amount(count(days{}), "d");
}

std::string time_text(Timestamp time) {
    if (time.ns == 0) return "-";
    std::string text = to_string(time);
    text.resize(std::string_view{"2026-01-05T10:11:12"}.size());
    text[10] = ' ';
    return text + "Z";
}

std::string age_text(Timestamp time, Timestamp now) {
    if (time.ns == 0) return "never";
    const Duration age = now - time;
    if (age < -seconds{1}) return "in " + duration_text(-age);
    return duration_text(std::max(age, Duration{0})) + " ago";
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    if (bytes < 1024) return std::to_string(bytes) + " B";
    std::size_t unit = 0;
    std::uint64_t tenths = bytes * 10;
    if (bytes > UINT64_MAX / 10) tenths = UINT64_MAX;
    while (tenths >= 10'240 && unit + 1 < kUnits.size()) {
        tenths /= 1024;
        ++unit;
    }
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + kUnits[unit];
}

std::string count_text(std::uint64_t count, std::string_view one, std::string_view many) {
    return std::to_string(count) + " " + std::string{count == 1 ? one : many};
}

Result<Duration> parse_duration(std::string_view text) {
    const auto bad = [&] {
        return fail(ErrorKind::kInvalid,
                    "'" + printable(text) + "' is no duration; write 90s, 15m, 2h, 7d or 1d12h");
    };
    constexpr std::int64_t kSecondsMost = 100LL * 366 * 24 * 3600;
    std::int64_t total = 0;
    std::string_view rest = text;
    if (rest.empty()) return bad();
    while (!rest.empty()) {
        std::int64_t count = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
        if (error != std::errc{} || count < 0 || end == rest.data() + rest.size()) return bad();
        const auto unit = unit_of(*end);
        if (!unit || count > kSecondsMost) return bad();
        total += count * std::chrono::duration_cast<seconds>(*unit).count();
        if (total > kSecondsMost) return bad();
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
    }
    return Duration{seconds{total}};
}

Result<Timestamp> parse_moment(std::string_view text, Timestamp now) {
    if (text == "now") return now;
    if (auto ago = parse_duration(text)) return now - *ago;
    if (auto day = parse_date(text)) return Timestamp{Duration{days{day->days}}.count()};
    if (auto time = parse_timestamp(text)) return *time;
    return fail(ErrorKind::kInvalid,
                "'" + printable(text) +
                    "' is no time; write 2026-01-05T10:00:00Z, 2026-01-05, now, or how long ago: "
                    "15m, 2h, 7d");
}

Result<Point> parse_point(std::string_view text, Timestamp now) {
    if (only_digits(text)) {
        std::uint64_t sequence = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sequence);
        if (error == std::errc{} && end == text.data() + text.size()) return Point{sequence, {}};
    }
    auto time = parse_moment(text, now);
    if (!time) return fail(ErrorKind::kInvalid, time.error().what + "; or a stream sequence: 4711");
    return Point{std::nullopt, *time};
}

std::vector<std::string> hex_dump(std::string_view bytes, std::size_t bytes_max) {
    constexpr std::size_t kRow = 16;
    std::vector<std::string> lines;
    const std::string_view shown = bytes.substr(0, bytes_max);
    for (std::size_t at = 0; at < shown.size(); at += kRow) {
        std::string line(8, '0');
        for (std::size_t i = 0; i < 8; ++i) line[7 - i] = kHex[at >> (4 * i) & 15];
        line += " ";
        std::string text;
        for (std::size_t i = 0; i < kRow; ++i) {
            if (i == kRow / 2) line += ' ';
            if (at + i >= shown.size()) {
                line += "   ";
                continue;
            }
            const auto byte = static_cast<unsigned char>(shown[at + i]);
            line += ' ';
            line += kHex[byte >> 4];
            line += kHex[byte & 15];
            text += byte >= 0x20 && byte < 0x7F ? shown[at + i] : '.';
        }
        lines.push_back(line + "  |" + text + "|");
    }
    if (shown.size() < bytes.size()) {
        lines.push_back("(" + std::to_string(bytes.size() - shown.size()) + " bytes more)");
    }
    return lines;
}

std::string hex(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
    }
    return out;
}

bool version_at_least(std::string_view version, std::string_view wanted) {
    const auto found = version_parts(version);
    return found && found >= version_parts(wanted);
}

std::vector<std::string_view> tokens_of(std::string_view subject) {
    std::vector<std::string_view> tokens;
    for (;;) {
        const auto dot = subject.find('.');
        tokens.push_back(subject.substr(0, dot));
        if (dot == std::string_view::npos) return tokens;
        subject.remove_prefix(dot + 1);
    }
}

std::string with_wildcards(std::string_view subject, std::initializer_list<std::size_t> places) {
    std::string out;
    std::size_t place = 0;
    for (const std::string_view token : tokens_of(subject)) {
        if (place != 0) out += '.';
        const bool any = std::ranges::find(places, place++) != places.end();
        out += any ? std::string_view{"*"} : token;
    }
    return out;
}

}  // namespace syncline::ctl
