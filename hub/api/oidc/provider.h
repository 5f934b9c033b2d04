#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "hub/api/oidc/jws.h"
#include "hub/api/oidc/settings.h"
#include "hub/api/oidc/ticket.h"
#include "shared/base/clock.h"
#include "shared/http/client.h"

namespace syncline::hub::oidc {

/// An OpenID provider as we need it: discovery, authorization code with PKCE, keys. What it says of
/// itself is asked once an hour; its keys every ten minutes, and when a token names one that is not
/// known, though only so often: whoever can make us ask must not make us ask for ever.
///
/// Errors of all: kUnavailable: it is away, slow, or not well. kCorrupt: what it answers is nothing
/// that such a provider says. kDenied: it, or we, refuse.
/// Threading: one at a time, but logout_url().
class Provider {
public:
    /// For all that one sign-in asks of it.
    static constexpr Duration kDeadline = std::chrono::seconds{10};

    /// `settings` must outlive it, with the secret loaded.
    Provider(const Settings& settings, const Clock& clock, std::unique_ptr<HttpClient> http)
        : settings_(settings), clock_(clock), http_(std::move(http)) {}

    /// Where a browser signs in.
    [[nodiscard]] Result<std::string> sign_in_url(const Ticket& ticket, std::stop_token stop);
    /// The same if that is known without asking. Any thread.
    [[nodiscard]] std::optional<std::string> known_sign_in_url(const Ticket& ticket);

    struct Identified {
        Value::Map claims;
        std::string id_token;
    };
    /// Who has signed in: the code is exchanged, the ID token checked. A code counts once, which
    /// the provider sees to.
    [[nodiscard]] Result<Identified> redeem(const std::string& code, const Ticket& ticket,
                                            std::stop_token stop);
    /// Is `iss` of an answer (RFC 9207) the one that it must be?
    [[nodiscard]] Result<void> check_answer(const std::string& issuer, std::stop_token stop);

    /// Where a browser ends its session at the provider; empty: it offers nothing, or was never
    /// asked.
    [[nodiscard]] std::string logout_url(const std::string& id_token) const;

private:
    struct Discovered {
        std::string authorization;
        std::string token;
        std::string keys;
        std::string end_session;
        bool secret_in_body = false;
        bool names_itself = false;  ///< In each answer.
    };
    struct Watch {
        Duration until;
        std::stop_token stop;
    };
    Watch watch(std::stop_token stop) const { return {clock_.steady() + kDeadline, stop}; }

    Result<HttpResponse> send(HttpRequest request, const Watch& watch);
    Result<Value> get_json(const std::string& url, const Watch& watch);
    std::optional<Discovered> fresh();
    Result<Discovered> discovered(const Watch& watch);
    [[nodiscard]] std::string sign_in_url_at(const Discovered& at, const Ticket& ticket) const;
    Result<Discovered> discover(const Watch& watch);
    Result<std::string> exchange(const Discovered& at, const std::string& code,
                                 const Ticket& ticket, const Watch& watch);
    Result<void> fetch_keys(const Discovered& at, const Watch& watch);
    Result<void> verify(const Discovered& at, const Jws& jws, const Watch& watch);
    bool may_ask_again();

    const Settings& settings_;
    const Clock& clock_;
    std::unique_ptr<HttpClient> http_;
    mutable std::mutex mutex_;  ///< Of the next two.
    std::optional<Discovered> discovered_;
    Duration discovered_at_{0};
    std::optional<KeySet> keys_;
    Duration keys_at_{0};
    std::deque<Duration> asked_again_;  ///< When keys were asked for because one was not known.
};

}  // namespace syncline::hub::oidc
