#include "hub/api/oidc/provider.h"

#include <algorithm>

#include "hub/api/oidc/claims.h"
#include "hub/ctl/text.h"
#include "shared/base/base64.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/model/member.h"

namespace syncline::hub::oidc {
namespace {

using namespace std::chrono_literals;

constexpr Duration kDiscoveryFresh = 1h;
constexpr Duration kKeysFresh = 10min;
/// So often within so long an unknown key is asked for.
constexpr std::size_t kAgainMost = 5;
constexpr Duration kAgainWindow = 5min;
constexpr std::size_t kShownMost = 200;

std::string form(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    std::string out;
    for (const auto& [name, value] : fields) {
        if (!out.empty()) out += '&';
        out += std::string{name} + "=" + percent_encode(value);
    }
    return out;
}

std::string with_query(std::string url, const std::string& query) {
    return url + (url.find('?') == std::string::npos ? "?" : "&") + query;
}

/// What somebody else's server says, for a log and a page.
std::string shown(std::string_view text) { return ctl::printable(text.substr(0, kShownMost)); }

std::unexpected<Error> no_provider(const std::string& what) {
    return fail(ErrorKind::kCorrupt, "the provider's discovery document " + what);
}

/// An absent list says nothing against it.
bool offers(const Value& document, std::string_view list, std::string_view one, bool if_absent) {
    const Value* found = member(document, list);
    const auto* texts = found == nullptr ? nullptr : found->get<Value::List>();
    if (texts == nullptr) return if_absent;
    return std::ranges::find(*texts, Value{one}) != texts->end();
}

}  // namespace

Result<HttpResponse> Provider::send(HttpRequest request, const Watch& watch) {
    request.timeout = watch.until - clock_.steady();
    request.changes_nothing = true;
    request.headers.emplace_back("Accept", "application/json");
    if (request.timeout <= 0s) {
        return fail(ErrorKind::kUnavailable, "the provider takes too long; try again");
    }
    auto response = http_->send(request, watch.stop);
    if (response) return response;
    return fail(ErrorKind::kUnavailable,
                "the provider does not answer: " + shown(response.error().what));
}

Result<Value> Provider::get_json(const std::string& url, const Watch& watch) {
    const auto response = send({.url = url}, watch);
    if (!response) return fail(response.error());
    if (response->status != 200) {
        return fail(ErrorKind::kUnavailable,
                    "the provider answers " + std::to_string(response->status) + " at " + url);
    }
    auto json = parse_json(response->body);
    if (json && json->get<Value::Map>() != nullptr) return json;
    return fail(ErrorKind::kCorrupt, "the provider answers no JSON object at " + url);
}

Result<Provider::Discovered> Provider::discover(const Watch& watch) {
    std::string base = settings_.issuer;
    if (base.ends_with('/')) base.pop_back();
    const auto document = get_json(base + "/.well-known/openid-configuration", watch);
    if (!document) return fail(document.error());
    // Else one provider could speak for another (OpenID Connect Discovery 1.0, 4.3).
    if (text_member(*document, "issuer") != settings_.issuer) {
        return no_provider("is of the issuer `" + shown(text_member(*document, "issuer")) +
                           "`, not of `" + settings_.issuer + "`");
    }
    Discovered found{
        .authorization = text_member(*document, "authorization_endpoint"),
        .token = text_member(*document, "token_endpoint"),
        .keys = text_member(*document, "jwks_uri"),
        .end_session = text_member(*document, "end_session_endpoint"),
        .names_itself = flag_member(*document, "authorization_response_iss_parameter_supported")};
    for (const std::string& url : {found.authorization, found.token, found.keys}) {
        // In plain text only on this machine, and there only by a provider that is there, too.
        const bool here = settings_.issuer.starts_with("http://");
        if (!is_safe_url(url) || (!here && !url.starts_with("https://")))
            return no_provider("names an endpoint that is not safe to use");
    }
    if (!is_safe_url(found.end_session)) found.end_session.clear();
    if (!offers(*document, "code_challenge_methods_supported", "S256", true)) {
        return no_provider("does not offer PKCE by S256");
    }
    constexpr std::string_view kMethods = "token_endpoint_auth_methods_supported";
    if (settings_.client_secret.configured() &&
        !offers(*document, kMethods, "client_secret_basic", true)) {
        if (!offers(*document, kMethods, "client_secret_post", false)) {
            return no_provider("offers no login of a client by a secret");
        }
        found.secret_in_body = true;
    }
    return found;
}

std::optional<Provider::Discovered> Provider::fresh() {
    const std::lock_guard lock{mutex_};
    const bool is_fresh = discovered_ && clock_.steady() - discovered_at_ < kDiscoveryFresh;
    return is_fresh ? discovered_ : std::nullopt;
}

Result<Provider::Discovered> Provider::discovered(const Watch& watch) {
    if (auto known = fresh()) return *std::move(known);
    auto found = discover(watch);
    if (!found) return found;
    const std::lock_guard lock{mutex_};
    discovered_ = *found;
    discovered_at_ = clock_.steady();
    return found;
}

Result<std::string> Provider::sign_in_url(const Ticket& ticket, std::stop_token stop) {
    const auto at = discovered(watch(stop));
    if (!at) return fail(at.error());
    return sign_in_url_at(*at, ticket);
}

std::optional<std::string> Provider::known_sign_in_url(const Ticket& ticket) {
    const auto at = fresh();
    return at ? std::optional{sign_in_url_at(*at, ticket)} : std::nullopt;
}

std::string Provider::sign_in_url_at(const Discovered& at, const Ticket& ticket) const {
    std::string scopes;
    for (const std::string& scope : settings_.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
    return with_query(at.authorization, form({{"response_type", "code"},
                                              {"client_id", settings_.client_id},
                                              {"redirect_uri", settings_.redirect_uri()},
                                              {"scope", scopes},
                                              {"state", ticket.state},
                                              {"nonce", ticket.nonce},
                                              {"code_challenge", ticket.challenge()},
                                              {"code_challenge_method", "S256"}}));
}

Result<void> Provider::check_answer(const std::string& issuer, std::stop_token stop) {
    if (!issuer.empty() && issuer != settings_.issuer) {
        return fail(ErrorKind::kDenied, "the answer is of another provider (iss)");
    }
    if (!issuer.empty()) return {};
    const auto at = discovered(watch(stop));
    if (!at) return fail(at.error());
    if (at->names_itself) {
        return fail(ErrorKind::kDenied, "the answer does not say of which provider it is (iss)");
    }
    return {};
}

Result<std::string> Provider::exchange(const Discovered& at, const std::string& code,
                                       const Ticket& ticket, const Watch& watch) {
    HttpRequest request{.method = "POST",
                        .url = at.token,
                        .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                        .body = form({{"grant_type", "authorization_code"},
                                      {"code", code},
                                      {"redirect_uri", settings_.redirect_uri()},
                                      {"code_verifier", ticket.verifier}})};
    const std::string_view secret = settings_.client_secret.reveal();
    if (secret.empty() || at.secret_in_body) {
        request.body += "&" + form({{"client_id", settings_.client_id}});
    }
    if (!secret.empty() && at.secret_in_body) {
        request.body += "&" + form({{"client_secret", secret}});
    }
    if (!secret.empty() && !at.secret_in_body) {
        // RFC 6749 2.3.1: both are encoded as in a form before they are put together.
        request.headers.emplace_back(
            "Authorization",
            "Basic " + base64(percent_encode(settings_.client_id) + ":" + percent_encode(secret)));
    }
    const auto response = send(std::move(request), watch);
    if (!response) return fail(response.error());
    const auto json = parse_json(response->body);
    if (response->status == 200 && json && !text_member(*json, "id_token").empty()) {
        return text_member(*json, "id_token");
    }
    const std::string error = json ? shown(text_member(*json, "error")) : std::string{};
    if (error == "invalid_grant") {
        return fail(ErrorKind::kDenied, "the provider does not take the code (any more)");
    }
    if (!error.empty()) {
        return fail(ErrorKind::kUnavailable,
                    "the provider refuses this hub: " + error + "; see [api.oidc]");
    }
    if (response->status == 200) {
        return fail(ErrorKind::kCorrupt, "the provider's token endpoint gives no ID token");
    }
    return fail(ErrorKind::kUnavailable,
                "the provider's token endpoint answers " + std::to_string(response->status));
}

Result<void> Provider::fetch_keys(const Discovered& at, const Watch& watch) {
    const auto json = get_json(at.keys, watch);
    if (!json) return fail(json.error());
    auto keys = KeySet::parse(to_json(*json));
    if (!keys) return fail(ErrorKind::kCorrupt, "the provider's keys: " + keys.error().what);
    keys_ = *std::move(keys);
    keys_at_ = clock_.steady();
    return {};
}

bool Provider::may_ask_again() {
    const Duration now = clock_.steady();
    while (!asked_again_.empty() && now - asked_again_.front() > kAgainWindow) {
        asked_again_.pop_front();
    }
    if (asked_again_.size() >= kAgainMost) return false;
    asked_again_.push_back(now);
    return true;
}

Result<void> Provider::verify(const Discovered& at, const Jws& jws, const Watch& watch) {
    const bool fresh = keys_ && clock_.steady() - keys_at_ < kKeysFresh;
    if (!fresh) {
        if (auto got = fetch_keys(at, watch); !got) return got;
    }
    auto good = keys_->verify(jws);
    const bool unknown = !good && good.error().kind == ErrorKind::kNotFound;
    if (unknown && fresh && may_ask_again()) {
        log::info("a token names a key that is not known; the provider is asked",
                  {{"key", shown(jws.key_id)}});
        if (auto got = fetch_keys(at, watch); !got) return got;
        good = keys_->verify(jws);
    }
    if (good) return good;
    return fail(ErrorKind::kDenied, good.error().what);
}

Result<Provider::Identified> Provider::redeem(const std::string& code, const Ticket& ticket,
                                              std::stop_token stop) {
    const Watch until = watch(stop);
    const auto at = discovered(until);
    if (!at) return fail(at.error());
    auto token = exchange(*at, code, ticket, until);
    if (!token) return fail(token.error());
    auto jws = parse_jws(*token);
    if (!jws) return fail(ErrorKind::kDenied, jws.error().what);
    if (auto good = verify(*at, *jws, until); !good) return fail(good.error());
    const Expected expected{.issuer = settings_.issuer,
                            .client_id = settings_.client_id,
                            .nonce = ticket.nonce,
                            .now = clock_.now()};
    if (auto good = check_claims(jws->claims, expected); !good) return fail(good.error());
    return Identified{std::move(jws->claims), *std::move(token)};
}

std::string Provider::logout_url(const std::string& id_token) const {
    const std::lock_guard lock{mutex_};
    if (!discovered_ || discovered_->end_session.empty()) return {};
    return with_query(discovered_->end_session, form({{"client_id", settings_.client_id},
                                                      {"post_logout_redirect_uri", settings_.base},
                                                      {"id_token_hint", id_token}}));
}

}  // namespace syncline::hub::oidc
