#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "shared/base/clock.h"
#include "shared/base/result.h"

namespace syncline::hub::oidc {

/// One sign-in on its way. All of it is made from the cookie, which the browser keeps, by a key,
/// which the hub keeps: nothing is remembered for who never comes back, however many begin.
struct Ticket {
    std::string cookie;
    std::string state;     ///< Goes round by the provider; fits this cookie only.
    std::string nonce;     ///< The same, in the ID token.
    std::string verifier;  ///< PKCE (RFC 7636); never leaves the hub but to the token endpoint.
    std::string to;        ///< Where the browser goes then: "#/exceptions".
    Timestamp until;       ///< It counts no longer.

    [[nodiscard]] std::string challenge() const;  ///< S256.
};

/// Makes tickets, of which each leads to somebody once at most. Threading: any.
class Tickets {
public:
    static constexpr Duration kLife = std::chrono::minutes{10};

    explicit Tickets(const Clock& clock) : clock_(clock) {}
    /// kUnavailable: the system has no random bytes.
    Result<void> open();

    /// `to` that is no place in the console is left out.
    [[nodiscard]] Result<Ticket> make(std::string_view to) const;
    /// The ticket that a browser brings back. kDenied: none of ours, another browser's, too old, or
    /// used before.
    [[nodiscard]] Result<Ticket> find(std::string_view cookie, std::string_view state);
    /// It has led to somebody, and counts no more. Only then is it remembered: who brings back no
    /// code of the provider's takes up no room. kDenied: it was used before. kFull: too many have
    /// signed in lately.
    Result<void> use(const Ticket& ticket);

private:
    static constexpr std::size_t kUsedMost = 10'000;
    [[nodiscard]] Ticket ticket_of(std::string cookie) const;

    const Clock& clock_;
    std::string key_;
    std::mutex mutex_;
    std::map<std::string, Timestamp, std::less<>> used_;  ///< By state, until when it would count.
};

}  // namespace syncline::hub::oidc
