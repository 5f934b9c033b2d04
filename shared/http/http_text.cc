#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "shared/http/client.h"

namespace syncline {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// True if the parameters after a link's URL name the relation `next`.
bool is_next(std::string_view parameters) {
    while (!parameters.empty()) {
        const auto end = parameters.find(';');
        const std::string_view one = trimmed(parameters.substr(0, end));
        if (one == "rel=next" || one == "rel=\"next\"") return true;
        if (end == std::string_view::npos) return false;
        parameters.remove_prefix(end + 1);
    }
    return false;
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string_view{} : std::string_view{at->second};
}

std::optional<Timestamp> HttpResponse::date() const {
    const auto time = parse_http_date(header("date"));
    return time ? std::optional{*time} : std::nullopt;
}

Result<Timestamp> parse_http_date(std::string_view text) {
    // "Sun, 06 Nov 1994 08:49:37 GMT": fixed columns, so it is rewritten as RFC 3339 and parsed.
    const auto bad = [&] {
        return fail(ErrorKind::kInvalid, "'" + std::string{text.substr(0, 64)} +
                                             "' is not an HTTP date (RFC 9110 5.6.7)");
    };
    if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
        text[16] != ' ' || text.substr(25) != " GMT") {
        return bad();
    }
    std::size_t month = 0;
    while (month < kMonths.size() && kMonths[month] != text.substr(8, 3)) ++month;
    if (month == kMonths.size()) return bad();
    const std::string number = std::to_string(month + 1);
    const std::string stamp = std::string{text.substr(12, 4)} + (month < 9 ? "-0" : "-") + number +
                              "-" + std::string{text.substr(5, 2)} + "T" +
                              std::string{text.substr(17, 8)} + "Z";
    const auto time = parse_timestamp(stamp);
    if (!time) return bad();
    return *time;
}

std::optional<Duration> parse_retry_after(std::string_view text, Timestamp now, Duration longest) {
    text = trimmed(text);
    std::uint64_t seconds = 0;
    const char* const end = text.data() + text.size();
    const auto [at, status] = std::from_chars(text.data(), end, seconds);
    if (!text.empty() && at == end) {
        const auto limit = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::seconds>(longest).count());
        if (status != std::errc{} || seconds >= limit) return longest;
        return std::chrono::seconds{seconds};
    }
    const auto when = parse_http_date(text);
    if (!when) return std::nullopt;
    return std::clamp(*when - now, Duration{0}, longest);
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    return out;
}

std::string next_link(std::string_view link_header) {
    while (true) {
        const auto open = link_header.find('<');
        if (open == std::string_view::npos) return {};
        const auto close = link_header.find('>', open);
        if (close == std::string_view::npos) return {};
        // The next link starts at a comma followed by '<': commas may stand inside a URL.
        auto end = link_header.find('<', close);
        if (end == std::string_view::npos) end = link_header.size();
        std::string_view parameters = trimmed(link_header.substr(close + 1, end - close - 1));
        if (!parameters.empty() && parameters.back() == ',') parameters.remove_suffix(1);
        if (is_next(parameters)) return std::string{link_header.substr(open + 1, close - open - 1)};
        link_header.remove_prefix(end);
    }
}

}  // namespace syncline
