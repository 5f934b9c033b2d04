#include <string>
#include <utility>

#include "hub/api/api.h"
#include "hub/decision_page.h"
#include "shared/base/json.h"
#include "shared/base/log.h"

// How people come in and go: by a token, or by signing in elsewhere.

namespace syncline::hub {

using api::Problem;

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSignInCookie = "syncline_sign_in";

/// A browser sends it over plain HTTP to this machine alone.
bool is_plain(const HttpServer::Request& request) {
    return request.header("X-Forwarded-Proto") != "https" &&
           (request.peer == "127.0.0.1" || request.peer == "::1");
}

enum class Transport : std::uint8_t { kTls, kPlain };
std::string session_cookie(const std::string& value, Transport transport) {
    return std::string{Identity::kCookie} + "=" + value + "; Path=/; HttpOnly; SameSite=Strict" +
           (transport == Transport::kPlain ? "" : "; Secure");
}

Transport transport_of(const oidc::Settings& settings) {
    return settings.base.starts_with("https://") ? Transport::kTls : Transport::kPlain;
}

/// Of the sign-in alone. Lax: the provider's page leads back here, which Strict would not allow.
std::string sign_in_cookie(const oidc::Settings& settings, const std::string& value) {
    const auto host = settings.base.find("://") + 3;
    const std::string path = settings.base.substr(settings.base.find('/', host)) + "v1/oidc/";
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(oidc::Tickets::kLife).count();
    return std::string{kSignInCookie} + "=" + value + "; Path=" + path +
           "; Max-Age=" + std::to_string(value.empty() ? 0 : seconds) + "; HttpOnly; SameSite=Lax" +
           (transport_of(settings) == Transport::kPlain ? "" : "; Secure");
}

HttpServer::Reply led_to(std::string url) {
    HttpServer::Reply reply{.status = 303};
    reply.headers.emplace_back("Location", std::move(url));
    // The address that is left holds a code.
    reply.headers.emplace_back("Referrer-Policy", "no-referrer");
    return reply;
}

Problem problem_of(const Error& error) {
    int status = api::status_of(error.kind);
    if (error.kind == ErrorKind::kCorrupt) status = 502;
    if (error.kind == ErrorKind::kFull) status = 429;
    return {status, name_of(error.kind), error.what};
}

/// Programs get a problem, browsers a page that says the same.
HttpServer::Reply refused(const Problem& problem, bool is_browser, const std::string& base) {
    if (!is_browser) return api::reply_of(problem);
    return api::page_reply(problem.status, message_page("You are not signed in", problem.detail,
                                                        {base, "Back to the console"}));
}

bool wants_page(const HttpServer::Request& request) {
    return request.header("Accept").find("text/html") != std::string_view::npos;
}

const Problem& no_provider() {
    static const Problem problem{404, "not_found",
                                 "this hub knows no OpenID provider; see [api.oidc]"};
    return problem;
}

}  // namespace

void Api::tell_ways(const Request& asked) {
    Value::Map ways{{"token", !identity_.is_open()}, {"oidc", Value{}}};
    if (sign_in_->enabled()) {
        ways.insert_or_assign("oidc", Value::Map{{"name", sign_in_->settings().name}});
    }
    asked.answer(api::json_reply(200, to_json(Value{std::move(ways)})));
}

void Api::log_in(const HttpServer::Request& request, const Request& asked) {
    auto begun = identity_.begin(asked.call.text("token"), asked.client);
    if (!begun) {
        log::warning("a login was refused", {{"peer", asked.client}, {"error", begun.error()}});
        const ErrorKind kind = begun.error().kind;
        const int status = kind == ErrorKind::kDenied ? 401 : api::status_of(kind);
        HttpServer::Reply reply = api::reply_of(Problem{status, name_of(kind), begun.error().what});
        if (status == 429) reply.retry_after = 60s;
        return asked.answer(std::move(reply));
    }
    log::info("somebody logged in", {{"name", begun->person.name}, {"peer", asked.client}});
    HttpServer::Reply reply = api::json_reply(200, to_json(Value{api::session_of(begun->person)}));
    reply.headers.emplace_back(
        "Set-Cookie",
        session_cookie(begun->cookie, is_plain(request) ? Transport::kPlain : Transport::kTls));
    asked.answer(std::move(reply));
}

void Api::log_out(const HttpServer::Request& request, const Request& asked) {
    const std::string id_token = identity_.end(request.header("Cookie"));
    Value::Map said;
    if (!id_token.empty()) {
        const std::string url = sign_in_->logout_url(id_token);
        if (!url.empty()) said.emplace("sign_out", url);
    }
    HttpServer::Reply reply = api::json_reply(200, to_json(Value{std::move(said)}));
    reply.headers.emplace_back("Set-Cookie", session_cookie("", Transport::kPlain) + "; Max-Age=0");
    asked.answer(std::move(reply));
}

void Api::begin_sign_in(const HttpServer::Request& request, const Request& asked) {
    const oidc::Settings& settings = sign_in_->settings();
    if (!sign_in_->enabled()) return asked.answer(api::reply_of(no_provider()));
    if (!sign_ins_.take(asked.client).may) {
        return asked.answer(
            api::reply_of(Problem{429, "throttled", "too many sign-ins come from there"}));
    }
    sign_in_->begin(
        asked.call.text("to"), [&settings, answer = asked.answer, browser = wants_page(request)](
                                   const Result<oidc::SignIn::Begun>& begun) {
            if (!begun) {
                log::warning("a sign-in could not begin", {{"error", begun.error()}});
                return answer(refused(problem_of(begun.error()), browser, settings.base));
            }
            HttpServer::Reply reply = led_to(begun->url);
            reply.headers.emplace_back("Set-Cookie", sign_in_cookie(settings, begun->cookie));
            answer(std::move(reply));
        });
}

void Api::finish_sign_in(const HttpServer::Request& request, const Request& asked) {
    const oidc::Settings& settings = sign_in_->settings();
    if (!sign_in_->enabled()) return asked.answer(api::reply_of(no_provider()));
    const bool browser = wants_page(request);
    if (!sign_ins_.take(asked.client).may) {
        return asked.answer(refused({429, "throttled", "too many sign-ins come from there"},
                                    browser, settings.base));
    }
    const api::Call& call = asked.call;
    const oidc::SignIn::Answer came{
        .cookie = std::string{cookie_named(kSignInCookie, request.header("Cookie"))},
        .state = call.text("state"),
        .code = call.text("code"),
        .issuer = call.text("iss"),
        .error = call.text("error"),
        .about = call.text("error_description")};
    sign_in_->finish(came, [this, &settings, browser, answer = asked.answer,
                            peer = asked.client](Result<oidc::SignIn::Finished> finished) {
        auto begun =
            finished ? identity_.begin(std::move(finished->person), std::move(finished->id_token))
                     : Result<Identity::Session>{fail(finished.error())};
        if (!begun) {
            log::warning("a sign-in was refused", {{"peer", peer}, {"error", begun.error()}});
            HttpServer::Reply reply = refused(problem_of(begun.error()), browser, settings.base);
            reply.headers.emplace_back("Set-Cookie", sign_in_cookie(settings, ""));
            return answer(std::move(reply));
        }
        log::info("somebody signed in", {{"name", begun->person.name}, {"peer", peer}});
        HttpServer::Reply reply = led_to(settings.base + finished->to);
        reply.headers.emplace_back("Set-Cookie", sign_in_cookie(settings, ""));
        reply.headers.emplace_back("Set-Cookie",
                                   session_cookie(begun->cookie, transport_of(settings)));
        answer(std::move(reply));
    });
}

}  // namespace syncline::hub
