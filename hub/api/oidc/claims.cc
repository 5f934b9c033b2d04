#include "hub/api/oidc/claims.h"

#include <algorithm>
#include <optional>
#include <set>

#include "shared/model/member.h"

namespace syncline::hub::oidc {
namespace {

/// How far the clocks of provider and hub may be apart.
constexpr std::int64_t kSkewSeconds = 60;
/// A sign-in takes no longer, nor may what comes of it be older.
constexpr std::int64_t kAgeMostSeconds = 600;
constexpr std::size_t kNameMost = 128;

std::unexpected<Error> no(const std::string& why) {
    return fail(ErrorKind::kDenied, "the ID token " + why);
}

std::optional<std::int64_t> seconds_in(const Value& claims, std::string_view name) {
    const Value* found = member(claims, name);
    const auto* number = found == nullptr ? nullptr : found->get<std::int64_t>();
    return number == nullptr ? std::nullopt : std::optional{*number};
}

/// One text, or a list of them.
std::set<std::string> texts_of(const Value* value) {
    std::set<std::string> out;
    if (value == nullptr) return out;
    if (const auto* text = value->get<std::string>()) out.insert(*text);
    if (const auto* list = value->get<Value::List>()) {
        for (const Value& one : *list) {
            if (const auto* text = one.get<std::string>()) out.insert(*text);
        }
    }
    return out;
}

const Value* at_path(const Value& claims, const std::vector<std::string>& path) {
    const Value* at = &claims;
    for (const std::string& name : path) {
        if (at != nullptr) at = member(*at, name);
    }
    return at;
}

std::string shown_path(const std::vector<std::string>& path) {
    std::string text;
    for (const std::string& name : path) text += (text.empty() ? "" : ".") + name;
    return text;
}

/// For whom it was made.
Result<void> check_audience(const Value& all, std::string_view client_id) {
    const std::set<std::string> audience = texts_of(member(all, "aud"));
    if (!audience.contains(std::string{client_id})) return no("is for somebody else (aud)");
    const Value* party = member(all, "azp");
    if (party == nullptr && audience.size() > 1) return no("is for several, and for whom? (azp)");
    if (party != nullptr && plain_text(*party) != client_id)
        return no("was made for another (azp)");
    return {};
}

Result<void> check_times(const Value& all, Timestamp at) {
    const std::int64_t now = at.ns / 1'000'000'000;
    const auto expires = seconds_in(all, "exp");
    const auto issued = seconds_in(all, "iat");
    if (!expires || !issued) return no("does not say when it was made and when it ends (iat, exp)");
    if (*expires <= now - kSkewSeconds) return no("has expired (exp)");
    if (*issued > now + kSkewSeconds) return no("is of the future (iat); are the clocks right?");
    if (*issued < now - kAgeMostSeconds - kSkewSeconds) return no("was made long ago (iat)");
    const Value* from = member(all, "nbf");
    if (from != nullptr && seconds_in(all, "nbf").value_or(INT64_MAX) > now + kSkewSeconds) {
        return no("does not count yet (nbf)");
    }
    return {};
}

}  // namespace

Result<void> check_claims(const Value::Map& claims, const Expected& expected) {
    const Value all{claims};
    if (text_member(all, "iss") != expected.issuer) return no("is of another issuer (iss)");
    if (auto fine = check_audience(all, expected.client_id); !fine) return fine;
    if (auto fine = check_times(all, expected.now); !fine) return fine;
    const std::string nonce = text_member(all, "nonce");
    if (nonce.empty() || nonce != expected.nonce) return no("is of another sign-in (nonce)");
    if (text_member(all, "sub").empty()) return no("does not say who it is about (sub)");
    return {};
}

Result<Person> person_of(const Value::Map& claims, const Settings& settings) {
    const Value all{claims};
    const Value* said = at_path(all, settings.person_claim);
    const auto* name = said == nullptr ? nullptr : said->get<std::string>();
    const bool fit =
        name != nullptr && !name->empty() && name->size() <= kNameMost &&
        std::ranges::all_of(*name, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
    if (!fit) {
        return fail(ErrorKind::kDenied, "the claim `" + shown_path(settings.person_claim) +
                                            "` names nobody; see `person_claim` of [api.oidc]");
    }
    // Whoever may type in an address of somebody else must not become them.
    const bool address = settings.person_claim == std::vector<std::string>{"email"};
    if (address && !flag_member(all, "email_verified")) {
        return fail(ErrorKind::kDenied, "the provider has not verified the address of " + *name);
    }
    const std::set<std::string> groups = texts_of(at_path(all, settings.groups_claim));
    for (const Grant& grant : settings.grants) {
        const bool fits = std::ranges::all_of(
            grant.groups, [&](const std::string& group) { return groups.contains(group); });
        if (!fits) continue;
        return Person{.name = *name,
                      .roles = grant.roles,
                      .objects = grant.objects,
                      .regions = grant.regions,
                      .sees_personal = grant.sees_personal};
    }
    return fail(ErrorKind::kDenied, *name + " is in no group that may do anything here");
}

}  // namespace syncline::hub::oidc
