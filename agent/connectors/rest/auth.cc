#include "agent/connectors/rest/auth.h"

#include <algorithm>
#include <iterator>
#include <random>

#include "agent/connectors/rest/errors.h"
#include "agent/connectors/rest/jwt.h"
#include "agent/connectors/rest/oauth1.h"
#include "agent/connectors/rest/request.h"
#include "agent/core/value_path.h"
#include "shared/base/base64.h"
#include "shared/base/json.h"

namespace syncline::agent::rest {
namespace {

/// The value of a secret as it is now.
Result<std::string> revealed(const Secret& secret, const char* name) {
    if (!secret.configured()) {
        return fail(ErrorKind::kDenied, std::string{"[connector.auth] has no `"} + name + "`");
    }
    Secret loaded = secret;
    if (const auto done = loaded.load(); !done) {
        return fail(ErrorKind::kDenied, std::string{"`"} + name + "`: " + done.error().what);
    }
    return std::string{loaded.reveal()};
}

void add_field(std::string& form, std::string_view name, std::string_view value) {
    form += (form.empty() ? "" : "&") + std::string{name} + "=" + percent_encode(value);
}

constexpr std::string_view kReplyPrefix = "reply.";

std::string cookies_in(std::string_view headers) {
    Cookies cookies;
    take_cookies(headers, cookies);
    return cookie_text(cookies);
}

/// Less is no reason to sign again.
constexpr Duration kClockTolerance = std::chrono::seconds{5};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

std::string random_nonce() {
    std::random_device device;
    std::string nonce;
    for (int i = 0; i < 4; ++i) nonce += std::to_string(device());
    return nonce;
}

}  // namespace

void take_cookies(std::string_view headers, Cookies& cookies) {
    while (!headers.empty()) {
        const auto comma = headers.find(", ");
        const std::string_view one = headers.substr(0, comma);
        headers = comma == std::string_view::npos ? std::string_view{} : headers.substr(comma + 2);
        const std::string_view pair = one.substr(0, one.find(';'));
        const auto equals = pair.find('=');
        // The comma of a date parts it, too; what follows is no name.
        if (equals == std::string_view::npos || pair.substr(0, equals).contains(' ')) continue;
        cookies.insert_or_assign(std::string{pair.substr(0, equals)},
                                 std::string{pair.substr(equals + 1)});
    }
}

std::string cookie_text(const Cookies& cookies) {
    std::string out;
    for (const auto& [name, value] : cookies) {
        if (value.empty()) continue;  // It is taken back.
        out += (out.empty() ? "" : "; ") + name + "=" + value;
    }
    return out;
}

Session::Session(std::shared_ptr<const Settings> settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock) {}

Result<Access> Session::fixed_access() {
    const AuthSpec& auth = settings_->profile.auth;
    const Credentials& who = settings_->credentials;
    Access access{generation_, settings_->base_url, {}};
    if (auth.kind == AuthKind::kNone || auth.kind == AuthKind::kOauth1) return access;
    const bool basic = auth.kind == AuthKind::kBasic;
    const auto secret = revealed(basic ? who.password : who.token, basic ? "password" : "token");
    if (!secret) return fail(secret.error());
    switch (auth.kind) {
        case AuthKind::kBasic:
            access.headers.emplace_back("Authorization",
                                        "Basic " + base64(who.username + ":" + *secret));
            break;
        case AuthKind::kBearer:
            access.headers.emplace_back("Authorization", "Bearer " + *secret);
            break;
        default: access.headers.emplace_back(auth.header, auth.prefix + *secret); break;
    }
    return access;
}

bool Session::valid() const {
    return token_ && (!token_->expires || clock_.steady() < *token_->expires);
}

Result<Access> Session::access_with_token() const {
    const AuthSpec& auth = settings_->profile.auth;
    Access access{generation_, token_->base_url, {}};
    if (auth.kind != AuthKind::kSession) {
        access.headers.emplace_back("Authorization", "Bearer " + token_->text);
        return access;
    }
    if (!token_->text.empty()) access.headers.emplace_back(auth.header, auth.prefix + token_->text);
    if (!token_->cookie.empty()) access.headers.emplace_back("Cookie", token_->cookie);
    return access;
}

Result<Access> Session::access(HttpClient& http, std::stop_token stop) {
    std::unique_lock lock{mutex_};
    // Whoever waits is bounded by the fetch it waits for, which has a time limit.
    changed_.wait(lock, stop, [&] { return !fetching_; });
    if (stop.stop_requested()) return fail(ErrorKind::kUnavailable, "stopped");
    if (!denied_.empty() && clock_.steady() < denied_until_) {
        return fail(ErrorKind::kDenied, denied_);
    }
    denied_.clear();
    if (!settings_->profile.auth.is_fetched()) return fixed_access();
    if (valid()) return access_with_token();
    fetching_ = true;
    lock.unlock();
    auto token = fetch_token(http, stop);
    lock.lock();
    fetching_ = false;
    changed_.notify_all();
    if (!token) {
        if (token.error().kind == ErrorKind::kDenied) {
            denied_ = token.error().what;
            denied_until_ = clock_.steady() + settings_->profile.auth.denied_pause;
        }
        return fail(token.error());
    }
    token_ = std::move(*token);
    ++generation_;
    return access_with_token();
}

// Two connections may both ask: each token holds with the cookies that came with it.
Result<void> Session::protect(HttpRequest& request, const Access& access, HttpClient& http,
                              std::stop_token stop) {
    const AuthSpec& auth = settings_->profile.auth;
    if (auth.csrf.path.empty() || request.method == "GET" || request.method == "HEAD") return {};
    Csrf csrf;
    {
        const std::lock_guard lock{mutex_};
        csrf = csrf_;
    }
    if (csrf.token.empty() || csrf.generation != access.generation) {
        auto fetched = fetch_csrf(access, http, stop);
        if (!fetched) return fail(fetched.error(), "csrf");
        csrf = std::move(*fetched);
        const std::lock_guard lock{mutex_};
        if (access.generation == generation_) csrf_ = csrf;
    }
    request.headers.emplace_back(auth.csrf_header, csrf.token);
    if (csrf.cookies.empty()) return {};
    const auto cookie = std::ranges::find(request.headers, "Cookie", [](const auto& header) {
        return std::string_view{header.first};
    });
    if (cookie == request.headers.end()) {
        request.headers.emplace_back("Cookie", csrf.cookies);
    } else {
        cookie->second += "; " + csrf.cookies;
    }
    return {};
}

Result<Session::Csrf> Session::fetch_csrf(const Access& access, HttpClient& http,
                                          std::stop_token stop) const {
    const Profile& profile = settings_->profile;
    const AuthSpec& auth = profile.auth;
    auto asked = render_request(profile, auth.csrf, {{"api", profile.api}});
    if (!asked) return fail(asked.error());
    asked->url = access.base_url + asked->url;
    asked->headers.insert(asked->headers.end(), access.headers.begin(), access.headers.end());
    if (auto done = sign(*asked); !done) return fail(done.error());
    const auto response = http.send(*asked, stop);
    if (!response) return fail(ErrorKind::kUnavailable, response.error().what);
    // The reply may be an error of its own and hold the token all the same.
    const std::string_view token = response->header(lower(auth.csrf_header));
    if (token.empty()) {
        return fail(response->status == 401 ? ErrorKind::kDenied : ErrorKind::kUnavailable,
                    "HTTP " + std::to_string(response->status) + " without " + auth.csrf_header);
    }
    return Csrf{access.generation, std::string{token}, cookies_in(response->header("set-cookie"))};
}

void Session::drop_csrf(std::uint64_t generation) {
    const std::lock_guard lock{mutex_};
    if (csrf_.generation == generation) csrf_ = {};
}

Result<void> Session::refused(std::uint64_t generation) {
    const std::lock_guard lock{mutex_};
    if (generation != generation_) return {};  // Somebody has fetched a newer one meanwhile.
    // The next signature has a nonce of its own. The one that was refused may have been taken by
    // the same request, sent before on a kept connection that turned out to be dead.
    if (settings_->profile.auth.kind == AuthKind::kOauth1) return {};
    if (!settings_->profile.auth.is_fetched()) {
        return fail(ErrorKind::kDenied, "the platform refused the credentials");
    }
    token_.reset();
    return {};
}

void Session::deny(const std::string& why) {
    const std::lock_guard lock{mutex_};
    token_.reset();
    denied_ = why + "; the next try is in " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                                 settings_->profile.auth.denied_pause)
                                 .count()) +
              " s";
    denied_until_ = clock_.steady() + settings_->profile.auth.denied_pause;
}

std::optional<std::pair<Timestamp, Duration>> Session::take_server_date() {
    const std::lock_guard lock{mutex_};
    return std::exchange(server_date_, std::nullopt);
}

Result<HttpRequest> Session::token_request() {
    const AuthSpec& auth = settings_->profile.auth;
    const Credentials& who = settings_->credentials;
    HttpRequest request;
    request.method = "POST";
    request.url =
        auth.token_url.starts_with('/') ? settings_->base_url + auth.token_url : auth.token_url;
    request.timeout = settings_->profile.timeout;
    request.headers = {{"Accept", "application/json"},
                       {"Content-Type", "application/x-www-form-urlencoded"}};
    std::string form;
    if (auth.kind == AuthKind::kClientCredentials) {
        add_field(form, "grant_type", "client_credentials");
    } else if (auth.kind == AuthKind::kPassword) {
        const auto password = revealed(who.password, "password");
        if (!password) return fail(password.error());
        add_field(form, "grant_type", "password");
        add_field(form, "username", who.username);
        add_field(form, "password", *password);
    } else if (auth.kind == AuthKind::kJwtBearer) {
        if (auto added = add_assertion(form); !added) return fail(added.error());
    } else {
        auto refresh = Result<std::string>{rotated_refresh_token_};
        if (refresh->empty()) refresh = revealed(who.refresh_token, "refresh_token");
        if (!refresh) return fail(refresh.error());
        add_field(form, "grant_type", "refresh_token");
        add_field(form, "refresh_token", *refresh);
    }
    if (!auth.scope.empty()) add_field(form, "scope", auth.scope);
    std::string secret;
    if (who.client_secret.configured() || auth.kind == AuthKind::kClientCredentials) {
        const auto loaded = revealed(who.client_secret, "client_secret");
        if (!loaded) return fail(loaded.error());
        secret = *loaded;
    }
    if (auth.client_in_body || secret.empty()) {
        // An assertion says it, too; not every server wants to be told twice.
        const bool told = auth.kind == AuthKind::kJwtBearer && secret.empty();
        if (!who.client_id.empty() && !told) add_field(form, "client_id", who.client_id);
        if (!secret.empty()) add_field(form, "client_secret", secret);
    } else {
        request.headers.emplace_back("Authorization",
                                     "Basic " + base64(who.client_id + ":" + secret));
    }
    request.body = std::move(form);
    return request;
}

Result<void> Session::add_assertion(std::string& form) {
    const AuthSpec& auth = settings_->profile.auth;
    const Credentials& who = settings_->credentials;
    const auto key = revealed(who.private_key, "private_key");
    if (!key) return fail(key.error());
    std::string password;
    if (who.private_key_password.configured()) {
        const auto loaded = revealed(who.private_key_password, "private_key_password");
        if (!loaded) return fail(loaded.error());
        password = *loaded;
    }
    const auto whole = [](Timestamp time) { return time.ns / 1'000'000'000; };
    const Timestamp now = clock_.now() + clock_ahead_;
    Value::Map claims{{"iss", who.client_id},
                      {"sub", who.username},
                      {"aud", auth.jwt.audience},
                      {"exp", whole(now + auth.jwt.lifetime)},
                      {"iat", whole(now - kClockTolerance)}};
    for (const auto& [name, value] : auth.jwt.claims) claims.emplace(name, value);
    const auto assertion = sign_jwt(claims, *key, password, who.key_id);
    if (!assertion) return fail(assertion.error());
    add_field(form, "grant_type", kJwtBearerGrant);
    add_field(form, "assertion", *assertion);
    return {};
}

bool Session::clock_was_wrong(const HttpResponse& response) {
    if (settings_->profile.auth.kind != AuthKind::kJwtBearer) return false;
    const auto date = response.date();
    if (!date) return false;
    const Duration most = settings_->profile.clock_difference_max;
    const Duration ahead = *date - clock_.now();
    if (ahead > most || ahead < -most) return false;
    // A Date has whole seconds, and was written a moment ago.
    const Duration change = ahead - std::exchange(clock_ahead_, ahead);
    const bool refused = response.status == 400 || response.status == 401;
    return refused && (change > kClockTolerance || change < -kClockTolerance);
}

Result<Session::Token> Session::fetch_token(HttpClient& http, std::stop_token stop) {
    const bool logs_in = settings_->profile.auth.kind == AuthKind::kSession;
    const auto request = logs_in ? login_request() : token_request();
    if (!request) return fail(request.error());
    auto response = http.send(*request, stop);
    if (response && clock_was_wrong(*response)) {
        const auto corrected = token_request();
        if (!corrected) return fail(corrected.error());
        response = http.send(*corrected, stop);
    }
    if (!response) {
        // A token that was issued and lost does no harm: the next one replaces it.
        const ErrorKind kind = response.error().kind == ErrorKind::kAmbiguous
                                   ? ErrorKind::kUnavailable
                                   : response.error().kind;
        return fail(kind, (logs_in ? "login: " : "token: ") + response.error().what);
    }
    const Duration arrived = clock_.steady();
    if (const auto date = response->date()) {
        const std::lock_guard lock{mutex_};
        server_date_ = {*date, arrived};
    }
    return logs_in ? read_login(*response) : read_token(*response);
}

Result<HttpRequest> Session::login_request() const {
    const Credentials& who = settings_->credentials;
    const auto password = revealed(who.password, "password");
    if (!password) return fail(password.error());
    const Profile& profile = settings_->profile;
    auto request =
        render_request(profile, profile.auth.login,
                       {{"api", profile.api}, {"username", who.username}, {"password", *password}});
    // Its own text would show the password.
    if (!request) {
        return fail(ErrorKind::kDenied,
                    "login: the username or the password cannot be written into the request");
    }
    request->url = settings_->base_url + request->url;
    return request;
}

Result<Session::Token> Session::read_login(const HttpResponse& response) const {
    const Profile& profile = settings_->profile;
    const auto json = parse_json(response.body, {.bytes_max = 1u << 20});
    const Value* const reply = json ? &*json : nullptr;
    if (const auto failure = judge(profile.errors, response, reply, Intent::kRead)) {
        constexpr ErrorClass kForGood[] = {ErrorClass::kAuth, ErrorClass::kDenied,
                                           ErrorClass::kForbidden, ErrorClass::kPermanent,
                                           ErrorClass::kGone};
        const bool for_good = std::ranges::find(kForGood, failure->meaning) != std::end(kForGood);
        return fail(for_good ? ErrorKind::kDenied : ErrorKind::kUnavailable,
                    "login: " + failure->error.what);
    }
    if (!json && !profile.auth.session.empty()) {
        return fail(ErrorKind::kUnavailable, "login: the reply is not JSON");
    }
    Variables variables{{"username", settings_->credentials.username}};
    for (const std::string& name : profile.auth.session.names(kReplyPrefix)) {
        const std::string path = name.substr(kReplyPrefix.size());
        std::string text = reply == nullptr ? std::string{} : text_at(*reply, path);
        if (text.empty()) {
            return fail(ErrorKind::kDenied, "login: the reply holds no `" + path +
                                                "`: are username and password right?");
        }
        variables.insert_or_assign(name, std::move(text));
    }
    const auto session = profile.auth.session.render(variables, Context::kHeader);
    if (!session) return fail(ErrorKind::kDenied, "login: its reply cannot be sent in a header");
    Token token{.base_url = settings_->base_url};
    token.text = profile.auth.session_base64 ? base64(*session) : *session;
    if (profile.auth.cookies) {
        token.cookie = cookies_in(response.header("set-cookie"));
        if (token.cookie.empty())
            return fail(ErrorKind::kDenied, "login: the reply sets no cookie");
    }
    return token;
}

Result<void> Session::sign(HttpRequest& request) const {
    if (settings_->profile.auth.kind != AuthKind::kOauth1) return {};
    const Credentials& who = settings_->credentials;
    const auto consumer = revealed(who.client_secret, "client_secret");
    if (!consumer) return fail(consumer.error());
    const auto token = revealed(who.token, "token");
    if (!token) return fail(token.error());
    const Oauth1Keys keys{who.realm, who.client_id, *consumer, who.token_id, *token};
    request.headers.emplace_back("Authorization", oauth1_header(keys, request.method, request.url,
                                                                random_nonce(), clock_.now()));
    return {};
}

Result<Session::Token> Session::read_token(const HttpResponse& response) {
    const AuthSpec& auth = settings_->profile.auth;
    const auto json = parse_json(response.body, {.bytes_max = 1u << 20});
    const std::string status = "token: HTTP " + std::to_string(response.status);
    if (response.status < 200 || response.status > 299) {
        // RFC 6749 5.2; the description never repeats a credential.
        const std::string why =
            json ? text_at(*json, "error") + " " + text_at(*json, "error_description") : "";
        const bool for_now = response.status == 408 || response.status == 429 ||
                             response.status >= 500 || response.status < 400;
        return fail(for_now ? ErrorKind::kUnavailable : ErrorKind::kDenied,
                    status + " " + why.substr(0, 300));
    }
    if (!json) return fail(ErrorKind::kUnavailable, status + ": " + json.error().what);
    Token token{
        .text = text_at(*json, auth.token_path), .cookie = {}, .base_url = settings_->base_url};
    if (token.text.empty()) {
        return fail(ErrorKind::kUnavailable, status + " without `" + auth.token_path + "`");
    }
    if (const std::string url = text_at(*json, auth.base_url_path); !url.empty()) {
        token.base_url = url.ends_with('/') ? url.substr(0, url.size() - 1) : url;
    }
    if (const auto left = Decimal::parse(text_at(*json, auth.expires_path))) {
        if (const auto whole = left->rounded(0).to_int64()) {
            // A token about to end is used up to its end: asking again may give the same one.
            const Duration life = std::chrono::seconds{std::clamp<std::int64_t>(*whole, 0, 86'400)};
            token.expires = clock_.steady() +
                            (life > auth.expiry_margin * 2 ? life - auth.expiry_margin : life);
        }
    }
    if (const std::string rotated = text_at(*json, "refresh_token"); !rotated.empty()) {
        rotated_refresh_token_ = rotated;
    }
    return token;
}

}  // namespace syncline::agent::rest
