#include "agent/connectors/rest/door.h"

#include <algorithm>
#include <utility>

#include "agent/connectors/rest/request.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::rest {
namespace {

std::unexpected<Failure> failed(ErrorClass meaning, Error error) {
    return std::unexpected<Failure>(Failure{meaning, std::move(error), {}});
}

std::unexpected<Failure> failed(Error error) {
    const ErrorClass meaning = error.kind == ErrorKind::kUnavailable ? ErrorClass::kRetry
                               : error.kind == ErrorKind::kDenied    ? ErrorClass::kDenied
                               : error.kind == ErrorKind::kAmbiguous ? ErrorClass::kUnknown
                               : error.kind == ErrorKind::kThrottled ? ErrorClass::kThrottle
                                                                     : ErrorClass::kPermanent;
    return failed(meaning, std::move(error));
}

bool starts_like_json(std::string_view body) {
    const auto first = body.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && body[first] != '<';
}

std::string shown(const HttpRequest& request) {
    const auto query = request.url.find('?');
    const auto host = request.url.find("://");
    const auto path = host == std::string::npos ? 0 : request.url.find('/', host + 3);
    if (path == std::string::npos) return request.method + " /";
    return request.method + " " +
           request.url.substr(path, query == std::string::npos ? query : query - path);
}

/// Whether `reply` says what must hold; else what is wrong.
Result<void> check(const std::vector<Condition>& holds, const Value& reply) {
    for (const Condition& condition : holds) {
        const Value* const found = at_path(reply, condition.path);
        const auto text = found == nullptr || found->is_null() ? Result<std::string>{"nothing"}
                                                               : scalar_text(*found);
        if (text && std::ranges::find(condition.values, *text) != condition.values.end()) continue;
        return fail(ErrorKind::kDenied, condition.otherwise + " (" + condition.path + " is " +
                                            (text ? *text : "no text") + ")");
    }
    return {};
}

}  // namespace

std::string origin_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    std::string origin{url.substr(0, url.find_first_of("/?#", scheme + 3))};
    std::ranges::transform(origin, origin.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return origin;
}

Result<std::string> page_url(const std::string& url, const std::string& list) {
    const std::string origin = origin_of(list);
    if (url.starts_with('/') && !url.starts_with("//")) return origin + url;
    // The reply's text decides where the token goes: only ever back to where it belongs.
    if (origin_of(url) == origin && url.find('@') == std::string::npos) return url;
    // A scheme ends with the first colon; "//" and "#" begin what is no path.
    const auto part = url.find_first_of("/?#:");
    const bool relative = part == std::string::npos ? !url.empty()
                          : part == 0               ? url[0] == '?'
                                                    : url[part] != ':';
    if (!relative) {
        return fail(ErrorKind::kUnsupported,
                    "the next page's URL leads to " + origin_of(url) + ", not to the platform");
    }
    const std::string path = list.substr(0, list.find('?'));
    if (url.starts_with('?')) return path + url;
    const auto folder = path.rfind('/');
    if (folder < origin.size()) return origin + "/" + url;  // That slash is the scheme's.
    return path.substr(0, folder + 1) + url;
}

Door::Answer Door::call(const RequestSpec& spec, const Variables& variables, Intent intent,
                        std::stop_token stop, const std::string& url) {
    auto rendered = render_request(settings().profile, spec, variables);
    if (!rendered) return failed(rendered.error());
    bool new_session = false;
    bool new_csrf = false;
    while (true) {
        const auto access = parts_.session->access(*parts_.http, stop);
        if (const auto told = parts_.session->take_server_date())
            note_date(told->first, told->second);
        if (!access) return failed(access.error());
        HttpRequest request = *rendered;
        request.changes_nothing = intent == Intent::kRead;  // A read may be by POST.
        request.headers.insert(request.headers.end(), access->headers.begin(),
                               access->headers.end());
        if (url.empty()) {
            request.url = access->base_url + request.url;
        } else {
            auto page = page_url(url, access->base_url + rendered->url);
            if (!page) return failed(page.error());
            request.url = std::move(*page);
        }
        if (const auto done = parts_.session->sign(request); !done) return failed(done.error());
        // Who is not known is told so before anything is sent that changes something.
        auto ready = parts_.session->protect(request, *access, *parts_.http, stop);
        const bool unknown = !ready && ready.error().kind == ErrorKind::kDenied;
        Answer answer = ready     ? attempt(request, {intent, spec.tells_each}, stop)
                        : unknown ? failed(ErrorClass::kAuth, ready.error())
                                  : failed(ready.error());
        if (!answer && answer.error().meaning == ErrorClass::kCsrf && !new_csrf) {
            parts_.session->drop_csrf(access->generation);
            new_csrf = true;
            continue;
        }
        if (answer || answer.error().meaning != ErrorClass::kAuth) return answer;
        // The platform refused before it did anything, so sending again is safe; but only once,
        // since some 401 stay whatever the token.
        const std::string why = answer.error().error.what;  // It names the request.
        if (std::exchange(new_session, true)) {
            parts_.session->deny(why + ", also when asked once more");
            return failed(ErrorClass::kDenied, {ErrorKind::kDenied, why});
        }
        if (const auto renewed = parts_.session->refused(access->generation); !renewed) {
            parts_.session->deny(why);
            return failed(ErrorClass::kDenied, {ErrorKind::kDenied, why});
        }
    }
}

Result<Door::Exchange> Door::exchange(HttpRequest request, std::stop_token stop) {
    const auto access = parts_.session->access(*parts_.http, stop);
    if (const auto told = parts_.session->take_server_date()) note_date(told->first, told->second);
    if (!access) return fail(access.error());
    request.changes_nothing = true;
    request.headers.insert(request.headers.end(), access->headers.begin(), access->headers.end());
    request.url = access->base_url + request.url;
    if (const auto done = parts_.session->sign(request); !done) return fail(done.error());
    auto response = parts_.http->send(request, stop);
    if (!response) return fail(response.error());
    return Exchange{std::move(*response), access->generation};
}

Error Door::refusal(const HttpRequest& request, const HttpResponse& response) {
    const auto json =
        starts_like_json(response.body) ? parse_json(response.body) : Result<Value>{Value{}};
    auto failure = judge(settings().profile.errors, response,
                         json && !json->is_null() ? &*json : nullptr, Intent::kRead);
    if (!failure) {
        return {ErrorKind::kUnavailable, shown(request) + ": HTTP " +
                                             std::to_string(response.status) +
                                             " with something else than was asked for"};
    }
    if (failure->meaning == ErrorClass::kThrottle) note_throttle(response);
    return {failure->error.kind, shown(request) + ": " + failure->error.what};
}

Door::Answer Door::attempt(const HttpRequest& request, Meant meant, std::stop_token stop) {
    const auto response = parts_.http->send(request, stop);
    const Duration arrived = parts_.clock.steady();
    if (!response) {
        return failed(response.error());
    }
    if (const auto date = response->date()) note_date(*date, arrived);
    return judged(request, *response, meant);
}

Door::Answer Door::judged(const HttpRequest& request, const HttpResponse& response, Meant meant) {
    const auto& [intent, tells_each] = meant;
    const Profile& profile = settings().profile;
    const bool json_like = starts_like_json(response.body);
    const auto json = json_like ? parse_json(response.body, {profile.response_bytes_max, 64})
                                : Result<Value>{Value{}};
    const bool success = response.status >= 200 && response.status < 300;
    std::optional<Failure> failure;
    if (!tells_each || !success) {
        failure = judge(profile.errors, response, json && json_like ? &*json : nullptr, intent);
    }
    if (failure) {
        if (failure->meaning == ErrorClass::kThrottle) note_throttle(response);
        failure->error.what = shown(request) + ": " + failure->error.what;
        return std::unexpected<Failure>(std::move(*failure));
    }
    const bool blank = response.body.find_first_not_of(" \t\r\n") == std::string::npos;
    if ((!json_like && !blank) || !json) {
        // 200 is no success: a sign-in page, or a reply that was cut while it was written.
        const std::string why = json_like ? json.error().what : "the reply is not JSON";
        return failed(ErrorClass::kUnknown,
                      {kind_of(ErrorClass::kUnknown, intent),
                       shown(request) + ": HTTP " + std::to_string(response.status) + ", " + why});
    }
    return Reply{response.status, *json, std::string{response.header("link")},
                 std::string{response.header("location")}, std::string{response.header("etag")}};
}

void Door::note_date(Timestamp date, Duration arrived) {
    date_ = date;
    date_at_ = arrived;
}

void Door::note_throttle(const HttpResponse& response) {
    const ErrorSpec& spec = settings().profile.errors;
    const Timestamp now = response.date().value_or(parts_.clock.now());
    auto pause = parse_retry_after(response.header("retry-after"), now, spec.pause_max);
    if (!pause && !spec.reset_header.empty()) {
        if (const auto number = Decimal::parse(response.header(spec.reset_header))) {
            const auto count = number->rounded(0).to_int64().value_or(0);
            const std::int64_t now_s = now.ns / 1'000'000'000;
            const std::int64_t left = spec.reset_is_unix ? count - now_s : count;
            const auto most =
                std::chrono::duration_cast<std::chrono::seconds>(spec.pause_max).count();
            pause = std::chrono::seconds{std::clamp<std::int64_t>(left, 0, most)};
        }
    }
    paused_until_ = parts_.clock.steady() + pause.value_or(spec.pause_default);
}

Duration Door::throttle_pause() const {
    return std::max(Duration{0}, paused_until_ - parts_.clock.steady());
}

Result<void> Door::probe(std::stop_token stop) {
    const Profile& profile = settings().profile;
    const Answer answer = call(profile.probe, {{"api", profile.api}}, Intent::kRead, stop);
    if (answer) return check(profile.probe_holds, answer->json);
    switch (answer.error().meaning) {
        case ErrorClass::kGone:
        case ErrorClass::kPermanent:
        case ErrorClass::kForbidden:
            if (profile.probe_holds.empty()) return {};  // It is there and knows us.
            return fail(ErrorKind::kDenied, answer.error().error.what);
        default: return fail(answer.error().error);
    }
}

Result<Timestamp> Door::server_now(std::stop_token stop) {
    if (!date_) {
        const auto asked = probe(stop);
        // A gateway that is busy tells the time all the same.
        const bool refused = !asked && asked.error().kind == ErrorKind::kDenied;
        if (!asked && (!date_ || refused)) return fail(asked.error());
    }
    if (!date_) {
        return fail(ErrorKind::kUnsupported,
                    "the platform sends no Date header, so that no window can be bounded");
    }
    const Timestamp now = *date_ + (parts_.clock.steady() - date_at_);
    const Duration difference = now - parts_.clock.now();
    const Duration most = settings().profile.clock_difference_max;
    if (difference > most || difference < -most) {
        return fail(ErrorKind::kUnsupported, "the platform's clock says " + to_string(now) +
                                                 ", ours " + to_string(parts_.clock.now()) +
                                                 ": one of them is wrong");
    }
    return now;
}

}  // namespace syncline::agent::rest
