#include "hub/api/oidc/ticket.h"

#include <algorithm>
#include <charconv>

#include "hub/api/identity.h"
#include "shared/base/base64.h"
#include "shared/base/sha256.h"

namespace syncline::hub::oidc {
namespace {

constexpr std::size_t kToMost = 500;
constexpr std::size_t kCookieMost = 1'024;
constexpr std::size_t kSecretBytes = 32;

/// A place in the console, and nothing that could lead out of it.
bool is_place(std::string_view to) {
    return to.starts_with("#/") && to.size() <= kToMost &&
           std::ranges::all_of(to, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

struct CookieParts {
    std::int64_t until = 0;
    std::string to;
};
/// "<random>.<nanoseconds>.<to>"; whether it is ours says the state.
Result<CookieParts> parts_of(std::string_view cookie) {
    CookieParts parts;
    const auto first = cookie.find('.');
    const auto last = cookie.rfind('.');
    const bool shaped =
        cookie.size() <= kCookieMost && first != std::string_view::npos && last > first;
    const char* const from = cookie.data() + (shaped ? first + 1 : 0);
    const char* const end = cookie.data() + (shaped ? last : 0);
    const auto [at, error] = std::from_chars(from, end, parts.until);
    auto to = parse_base64url(shaped ? cookie.substr(last + 1) : "");
    if (!shaped || error != std::errc{} || at != end || !to) {
        return fail(ErrorKind::kDenied, "this browser has begun no sign-in here; begin again");
    }
    parts.to = *std::move(to);
    return parts;
}

std::unexpected<Error> used_before() {
    return fail(ErrorKind::kDenied, "this answer was used before; begin again");
}

}  // namespace

std::string Ticket::challenge() const { return base64url(bytes_of(sha256({verifier}))); }

Result<void> Tickets::open() {
    auto key = random_text(kSecretBytes);
    if (!key) return fail(key.error());
    key_ = *std::move(key);
    return {};
}

Ticket Tickets::ticket_of(std::string cookie) const {
    const auto made = [&](std::string_view what) {
        return base64url(bytes_of(hmac_sha256(key_, std::string{what} + "\n" + cookie)));
    };
    Ticket ticket{.cookie = {},
                  .state = made("state"),
                  .nonce = made("nonce"),
                  .verifier = made("verifier"),
                  .to = {},
                  .until = {}};
    ticket.cookie = std::move(cookie);
    return ticket;
}

Result<Ticket> Tickets::make(std::string_view to) const {
    const auto random = random_text(kSecretBytes);
    if (!random) return fail(random.error());
    const std::string place{is_place(to) ? to : ""};
    Ticket ticket = ticket_of(*random + "." + std::to_string((clock_.now() + kLife).ns) + "." +
                              base64url(place));
    ticket.to = place;
    return ticket;
}

Result<Ticket> Tickets::find(std::string_view cookie, std::string_view state) {
    auto parts = parts_of(cookie);
    if (!parts) return fail(parts.error());
    Ticket ticket = ticket_of(std::string{cookie});
    if (!is_same_text(ticket.state, state)) {
        return fail(ErrorKind::kDenied, "this answer is of another sign-in; begin again");
    }
    const Timestamp now = clock_.now();
    if (Timestamp{parts->until} <= now) {
        return fail(ErrorKind::kDenied, "the sign-in has taken too long; begin again");
    }
    {
        const std::lock_guard lock{mutex_};
        if (used_.contains(ticket.state)) return used_before();
    }
    ticket.to = std::move(parts->to);
    ticket.until = Timestamp{parts->until};
    return ticket;
}

Result<void> Tickets::use(const Ticket& ticket) {
    const Timestamp now = clock_.now();
    const std::lock_guard lock{mutex_};
    if (used_.size() >= kUsedMost) {
        std::erase_if(used_, [&](const auto& one) { return one.second <= now; });
    }
    if (used_.size() >= kUsedMost) {
        return fail(ErrorKind::kFull, "too many have signed in just now; try again later");
    }
    if (!used_.emplace(ticket.state, ticket.until).second) return used_before();
    return {};
}

}  // namespace syncline::hub::oidc
