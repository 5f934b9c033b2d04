#include "agent/connectors/rest/quota.h"

#include <algorithm>
#include <charconv>

#include "agent/core/quota_toml.h"

namespace syncline::agent::rest {
namespace {

struct NumberName {
    std::string_view name;
    QuotaForm::Number number;
};
constexpr NumberName kNumbers[] = {{"used", QuotaForm::Number::kUsed},
                                   {"limit", QuotaForm::Number::kLimit},
                                   {"remaining", QuotaForm::Number::kRemaining},
                                   {"reset_s", QuotaForm::Number::kResetSeconds},
                                   {"reset_unix", QuotaForm::Number::kResetUnix}};

bool is_of_a_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

void note(QuotaForm::Number number, std::uint64_t value, Timestamp now, QuotaTold& told) {
    constexpr std::uint64_t kLatest = 253'402'300'799;  // The year 9999.
    const auto length = std::chrono::seconds{std::min(value, kLatest)};
    // Also where a clock is wrong, a window that has ended has no end before now.
    const auto since_now = std::chrono::seconds{length.count() - now.ns / 1'000'000'000};
    constexpr std::chrono::hours kLongest{24 * 366};
    switch (number) {
        case QuotaForm::Number::kUsed: told.used = value; break;
        case QuotaForm::Number::kLimit: told.limit = value; break;
        case QuotaForm::Number::kRemaining: told.remaining = value; break;
        case QuotaForm::Number::kResetSeconds:
            if (length < kLongest) told.resets_in = length;
            break;
        case QuotaForm::Number::kResetUnix:
            if (since_now < kLongest) told.resets_in = std::max(std::chrono::seconds{0}, since_now);
            break;
    }
}

}  // namespace

Result<QuotaForm> QuotaForm::parse(std::string_view text) {
    QuotaForm form;
    while (!text.empty()) {
        const auto open = text.find('{');
        if (open == std::string_view::npos) break;  // What follows the last number says nothing.
        const auto close = text.find('}', open);
        const std::string_view name =
            close == std::string_view::npos ? "" : text.substr(open + 1, close - open - 1);
        const auto* const known = std::ranges::find(kNumbers, name, &NumberName::name);
        if (known == std::end(kNumbers)) {
            return fail(ErrorKind::kInvalid,
                        "`{" + std::string{name} +
                            "}` must be one of {used}, {limit}, {remaining}, {reset_s} (seconds "
                            "until the window ends), {reset_unix}");
        }
        if (open == 0 && !form.pieces_.empty()) {
            return fail(ErrorKind::kInvalid, "has two numbers with nothing between them");
        }
        form.pieces_.push_back({std::string{text.substr(0, open)}, known->number});
        text.remove_prefix(close + 1);
    }
    if (!form.pieces_.empty()) return form;
    return fail(
        ErrorKind::kInvalid,
        "names no number; write for example \"{remaining}\" or \"api-usage={used}/{limit}\"");
}

void QuotaForm::read(std::string_view value, Timestamp now, QuotaTold& told) const {
    const std::string& before = pieces_.front().before;
    for (std::size_t at = 0; at < value.size(); ++at) {
        at = value.find(before, at);
        if (at == std::string_view::npos) return;
        // `per-app-api-usage=` is not `api-usage=`, and the 2 of 12 is no number.
        if (at > 0 && is_of_a_word(value[at - 1])) continue;
        if (read_at(value.substr(at), now, told)) return;
    }
}

bool QuotaForm::read_at(std::string_view value, Timestamp now, QuotaTold& told) const {
    QuotaTold all = told;
    for (const Piece& piece : pieces_) {
        if (!value.starts_with(piece.before)) return false;
        value.remove_prefix(piece.before.size());
        std::uint64_t number = 0;
        const char* const end = value.data() + value.size();
        const auto [next, error] = std::from_chars(value.data(), end, number);
        if (error != std::errc{}) return false;
        note(piece.number, number, now, all);
        value.remove_prefix(static_cast<std::size_t>(next - value.data()));
    }
    told = all;
    return true;
}

QuotaSpec read_quota(TomlReader table) {
    QuotaSpec spec;
    spec.limit = table.integer("limit", {0, 1'000'000'000'000}, spec.limit);
    spec.window = read_quota_window(table, spec.window);
    TomlReader headers = table.table("headers");
    for (const std::string& name : headers.keys()) {
        auto form = QuotaForm::parse(headers.text(name));
        if (!form) {
            headers.problem(name, form.error().what);
            continue;
        }
        std::string lower = name;
        std::ranges::transform(lower, lower.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        spec.headers.emplace_back(std::move(lower), *std::move(form));
    }
    return spec;
}

Result<HttpResponse> MeteredClient::send(const HttpRequest& request, std::stop_token stop) {
    ++cost_.calls;  // Whether it arrived is not known of each; too many do no harm.
    auto response = client_->send(request, stop);
    if (!response) return response;
    const Timestamp now = response->date().value_or(clock_.now());
    for (const auto& [name, form] : spec_.headers) {
        form.read(response->header(name), now, cost_.told);
    }
    return response;
}

}  // namespace syncline::agent::rest
