#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/connectors/rest/settings.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "shared/http/client.h"

namespace syncline::agent::rest {

/// What one request is authenticated by.
struct Access {
    std::uint64_t generation = 0;  ///< Grows with each new token.
    std::string base_url;          ///< May have been changed by the token's reply.
    std::vector<std::pair<std::string, std::string>> headers;
};

/// Cookies by name.
using Cookies = std::map<std::string, std::string, std::less<>>;
/// Takes those of `Set-Cookie` headers, joined by commas; one without value is taken back.
/// Attributes are not looked at: a session is the platform's own, and is opened again when it ends.
void take_cookies(std::string_view headers, Cookies& cookies);
/// As a client sends them back.
[[nodiscard]] std::string cookie_text(const Cookies& cookies);

/// The session of one platform, shared by all its connectors: however many requests find their
/// token expired, one new token is fetched and the others wait for it. Refused credentials are not
/// tried again for `denied_pause`, so that no account is locked and no login quota is spent.
/// Secrets are loaded when they are needed, so a rotated one is found.
/// Threading: any thread. Lifetime: not longer than `clock`.
class Session {
public:
    Session(std::shared_ptr<const Settings> settings, const Clock& clock);

    /// Access for the next request; fetches a token by `http` if there is none that is valid.
    /// kDenied: credentials are missing or were refused. kUnavailable, kThrottled: the server of
    /// tokens cannot be used now.
    Result<Access> access(HttpClient& http, std::stop_token stop);

    /// Adds a signature to a request that is whole, where each is signed. kDenied: as access().
    Result<void> sign(HttpRequest& request) const;

    /// Adds what the platform wants against forgery to a request that changes something, if it
    /// wants it, within the session of `access`; asks for it by `http` if there is none. kDenied:
    /// the platform does not know us. Other errors as access().
    Result<void> protect(HttpRequest& request, const Access& access, HttpClient& http,
                         std::stop_token stop);
    /// The platform refused what protect() added to a request of the session of `generation`.
    void drop_csrf(std::uint64_t generation);

    /// The platform refused the access of `generation`. Success: a newer one may be asked for, or
    /// the request signed anew.
    /// kDenied: there is no newer one to be had.
    Result<void> refused(std::uint64_t generation);

    /// The credentials do not do: access() says so for `denied_pause`.
    void deny(const std::string& why);

    /// The server's clock, if a token's reply told it since the last call.
    std::optional<std::pair<Timestamp, Duration>> take_server_date();

private:
    struct Token {
        std::string text;
        std::string cookie;
        std::string base_url;
        std::optional<Duration> expires;  ///< By the steady clock.
    };

    Result<Access> fixed_access();
    Result<Token> fetch_token(HttpClient& http, std::stop_token stop);
    Result<HttpRequest> token_request();
    Result<void> add_assertion(std::string& form);
    /// The server's clock is not ours: what was signed by ours was of no use. Once.
    [[nodiscard]] bool clock_was_wrong(const HttpResponse& response);
    Result<Token> read_token(const HttpResponse& response);
    [[nodiscard]] Result<HttpRequest> login_request() const;
    struct Csrf {
        std::uint64_t generation = 0;  ///< Of the session that it belongs to.
        std::string token;             ///< Empty: there is none.
        std::string cookies;
    };
    [[nodiscard]] Result<Csrf> fetch_csrf(const Access& access, HttpClient& http,
                                          std::stop_token stop) const;
    [[nodiscard]] Result<Token> read_login(const HttpResponse& response) const;
    Result<Access> access_with_token() const;
    [[nodiscard]] bool valid() const;

    const std::shared_ptr<const Settings> settings_;
    const Clock& clock_;

    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool fetching_ = false;
    std::optional<Token> token_;
    std::uint64_t generation_ = 1;
    Csrf csrf_;
    std::string rotated_refresh_token_;  ///< A server may hand out a new one with each use.
    std::string denied_;                 ///< Why; empty if not.
    Duration denied_until_{0};
    std::optional<std::pair<Timestamp, Duration>> server_date_;
    Duration clock_ahead_{0};  ///< The server's, as far as assertions are concerned.
};

}  // namespace syncline::agent::rest
