#include "agent/connectors/rest/errors.h"

#include <algorithm>

#include "agent/core/value_path.h"

namespace syncline::agent::rest {
namespace {

constexpr std::size_t kShownMax = 400;
constexpr std::size_t kSearchedMax = 64u << 10;

/// The first scalar at one of `paths`.
std::string first_text(const Value* json, const std::vector<std::string>& paths) {
    if (json == nullptr) return {};
    for (const std::string& path : paths) {
        const Value* const found = at_path(*json, path);
        if (found == nullptr || found->is_null()) continue;
        if (const auto text = scalar_text(*found); text && !text->empty()) return *text;
    }
    return {};
}

bool fits(const ErrorRule& rule, int status, std::string_view code, std::string_view body) {
    const auto in_range = [&](const ErrorRule::Statuses& s) {
        return status >= s.from && status <= s.to;
    };
    const auto in_body = [&](const std::string& text) {
        return body.find(text) != std::string_view::npos;
    };
    return (rule.statuses.empty() || std::ranges::any_of(rule.statuses, in_range)) &&
           (rule.codes.empty() || std::ranges::find(rule.codes, code) != rule.codes.end()) &&
           (rule.texts.empty() || std::ranges::any_of(rule.texts, in_body));
}

ErrorClass by_status(int status) {
    switch (status) {
        case 401: return ErrorClass::kAuth;
        case 403: return ErrorClass::kForbidden;
        case 404:
        case 410: return ErrorClass::kGone;
        case 408:
        case 423:
        case 425: return ErrorClass::kRetry;
        case 409:
        case 412: return ErrorClass::kConflict;
        case 429: return ErrorClass::kThrottle;
        default: break;
    }
    // A redirect carried nothing out; it is mostly a sign-in or a maintenance page.
    if (status >= 300 && status < 400) return ErrorClass::kRetry;
    return status >= 400 && status < 500 ? ErrorClass::kPermanent : ErrorClass::kUnknown;
}

bool failed_inside(const ErrorSpec& spec, const Value* json) {
    if (json == nullptr) return false;
    for (const std::string& path : spec.inside_paths) {
        const Value* const found = at_path(*json, path);
        if (found != nullptr && !found->is_null()) return true;
    }
    const Value* const success =
        spec.success_path.empty() ? nullptr : at_path(*json, spec.success_path);
    return success != nullptr && success->get<bool>() != nullptr && !*success->get<bool>();
}

/// Printable, one line, cut: a gateway's page must not fill a log.
std::string shown(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, kShownMax)) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20 || byte >= 0x7f ? ' ' : c;
    }
    return out;
}

}  // namespace

ErrorKind kind_of(ErrorClass meaning, Intent intent) {
    const bool write = intent == Intent::kWrite;
    switch (meaning) {
        case ErrorClass::kRetry:
        case ErrorClass::kCsrf: return ErrorKind::kUnavailable;
        case ErrorClass::kUnknown: return write ? ErrorKind::kAmbiguous : ErrorKind::kUnavailable;
        case ErrorClass::kThrottle: return ErrorKind::kThrottled;
        case ErrorClass::kAuth:
        case ErrorClass::kDenied: return ErrorKind::kDenied;
        case ErrorClass::kForbidden: return write ? ErrorKind::kInvalid : ErrorKind::kDenied;
        case ErrorClass::kConflict: return ErrorKind::kConflict;
        case ErrorClass::kPermanent: return ErrorKind::kInvalid;
        case ErrorClass::kGone: return ErrorKind::kNotFound;
        case ErrorClass::kRestart: return ErrorKind::kUnavailable;
    }
    return ErrorKind::kInternal;
}

std::optional<Failure> judge(const ErrorSpec& spec, const HttpResponse& response, const Value* json,
                             Intent intent) {
    const bool success = response.status >= 200 && response.status < 300;
    if (success && !failed_inside(spec, json)) return std::nullopt;
    return failure_of(spec, response, json, intent);
}

Failure failure_of(const ErrorSpec& spec, const HttpResponse& response, const Value* json,
                   Intent intent) {
    const bool success = response.status >= 200 && response.status < 300;
    Failure failure;
    failure.code = first_text(json, spec.code_paths);
    failure.meaning = success ? ErrorClass::kUnknown : by_status(response.status);
    const std::string_view searched = std::string_view{response.body}.substr(0, kSearchedMax);
    for (const ErrorRule& rule : spec.rules) {
        if (fits(rule, response.status, failure.code, searched)) {
            failure.meaning = rule.meaning;
            break;
        }
    }
    // Nothing happened, and the platform says when to come back (RFC 9110, 10.2.3).
    const bool nothing = failure.meaning == ErrorClass::kRetry ||
                         (failure.meaning == ErrorClass::kUnknown && intent == Intent::kRead &&
                          response.status == 503);
    if (nothing && !response.header("retry-after").empty()) {
        failure.meaning = ErrorClass::kThrottle;
    }
    std::string why = first_text(json, spec.message_paths);
    if (why.empty()) why = std::string{response.header("location")};
    if (why.empty()) why = response.body;
    failure.error =
        Error{kind_of(failure.meaning, intent),
              "HTTP " + std::to_string(response.status) +
                  (failure.code.empty() ? "" : " " + shown(failure.code)) + ": " + shown(why)};
    return failure;
}

}  // namespace syncline::agent::rest
