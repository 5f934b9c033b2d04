#include "agent/core/quota_toml.h"

#include <string>

namespace syncline::agent {
namespace {

using std::chrono::seconds;

constexpr seconds kDay{86'400};

/// "06:30"; nothing if it is no time of day.
std::optional<Duration> time_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    for (const std::size_t digit : {0, 1, 3, 4}) {
        if (text[digit] < '0' || text[digit] > '9') return std::nullopt;
    }
    const int hours = (text[0] - '0') * 10 + text[1] - '0';
    const int minutes = (text[3] - '0') * 10 + text[4] - '0';
    if (hours > 23 || minutes > 59) return std::nullopt;
    return std::chrono::hours{hours} + std::chrono::minutes{minutes};
}

}  // namespace

QuotaWindow read_quota_window(TomlReader& table, QuotaWindow window) {
    const auto whole = std::chrono::duration_cast<seconds>(window.length);
    window.length = table.seconds("window_s", {1, 31 * kDay.count()}, whole);
    if (table.has("resets_at")) {
        const std::string text = table.text("resets_at", "");
        window.resets_at = time_of_day(text);
        if (!window.resets_at && !text.empty()) {
            table.problem("resets_at",
                          "must be a time of day in UTC such as \"06:30\", or \"\" for a window "
                          "that is rolling");
        }
    }
    if (window.resets_at && kDay % window.length != Duration{0}) {
        table.problem(table.has("resets_at") ? "resets_at" : "window_s",
                      "a window that ends at a time of day must divide the day, as 86400, 3600 or "
                      "60 seconds do; resets_at = \"\" makes it rolling");
    }
    return window;
}

}  // namespace syncline::agent
