#include "hub/api/identity.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include "shared/base/base64.h"
#include "shared/base/sha256.h"

namespace syncline::hub {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kBearer = "Bearer ";
constexpr Duration kSessionIdle = 30min;
constexpr Duration kSessionMost = 12h;
constexpr std::size_t kSessionsMost = 1'024;
constexpr std::size_t kPeersMost = 4'096;
constexpr Duration kTryWindow = 1min;
constexpr unsigned kTriesMost = 10;
constexpr std::size_t kRandomBytes = 32;

constexpr std::array kRoles{Role::kViewer, Role::kOperator, Role::kApprover, Role::kArchitect,
                            Role::kAdmin};

std::string digest_of(std::string_view text) { return bytes_of(sha256({text})); }

Result<std::string> bytes_of_hex(std::string_view text) {
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        const int high = digit(text[i]);
        const int low = digit(text[i + 1]);
        if (high < 0 || low < 0) break;
        out += static_cast<char>(high * 16 + low);
    }
    if (text.size() != 64 || out.size() != 32) {
        return fail(ErrorKind::kInvalid, "a SHA-256 is 64 hexadecimal digits");
    }
    return out;
}

}  // namespace

const char* name_of(Role role) {
    switch (role) {
        case Role::kViewer: return "viewer";
        case Role::kOperator: return "operator";
        case Role::kApprover: return "approver";
        case Role::kArchitect: return "architect";
        case Role::kAdmin: return "admin";
    }
    return "?";
}

std::optional<Role> role_named(std::string_view name) {
    for (const Role role : kRoles) {
        if (name == name_of(role)) return role;
    }
    return std::nullopt;
}

void Roles::add(Role role) {
    const auto with = [&](Role one) { bits_ = static_cast<std::uint8_t>(bits_ | bit(one)); };
    with(role);
    with(Role::kViewer);
    if (role == Role::kArchitect) with(Role::kOperator);
    if (role == Role::kAdmin) {
        for (const Role each : kRoles) with(each);
    }
}

std::vector<std::string> Roles::names() const {
    std::vector<std::string> out;
    for (const Role role : kRoles) {
        if (has(role)) out.emplace_back(name_of(role));
    }
    return out;
}

bool Person::may_see(std::string_view object) const {
    return objects.empty() || std::ranges::find(objects, object) != objects.end();
}

Roles read_roles(TomlReader& table) {
    const std::vector<std::string> names = table.texts("roles");
    if (names.empty()) table.problem("roles", "must name one at least");
    Roles roles;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (const auto role = role_named(names[i])) {
            roles.add(*role);
        } else {
            table.problem("roles", i, "must be viewer, operator, approver, architect or admin");
        }
    }
    return roles;
}

bool is_same_text(std::string_view one, std::string_view other) {
    if (one.size() != other.size()) return false;
    unsigned differences = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        differences |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i]);
    }
    return differences == 0;
}

Result<std::string> random_text(std::size_t bytes) {
    std::string random(bytes, '\0');
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
        return fail(ErrorKind::kUnavailable, "the system gives no random bytes");
    }
    return base64url(random);
}

std::string_view cookie_named(std::string_view name, std::string_view header) {
    while (!header.empty()) {
        std::string_view pair = header.substr(0, header.find(';'));
        header.remove_prefix(std::min(pair.size() + 1, header.size()));
        while (pair.starts_with(' ')) pair.remove_prefix(1);
        const auto equals = pair.find('=');
        if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
            return pair.substr(equals + 1);
        }
    }
    return {};
}

Result<void> Identity::open(const Secret& single, const std::vector<TokenSettings>& tokens,
                            Others others) {
    tokens_.clear();
    others_ = others;
    if (single.configured()) {
        Secret token = single;
        if (auto loaded = token.load(); !loaded) return fail(loaded.error(), "api.token");
        Person person{.name = "api", .roles = {Role::kAdmin}, .sees_personal = true};
        person.is_anybody = true;
        tokens_.push_back({digest_of(token.reveal()), std::move(person), {}});
    }
    for (const TokenSettings& one : tokens) {
        Result<std::string> hash = bytes_of_hex(one.sha256);
        if (one.token.configured()) {
            Secret token = one.token;
            if (auto loaded = token.load(); !loaded) {
                return fail(loaded.error(), "api.tokens " + one.name);
            }
            hash = digest_of(token.reveal());
        }
        if (!hash) return fail(hash.error(), "api.tokens " + one.name);
        tokens_.push_back({*hash,
                           {.name = one.name,
                            .roles = one.roles,
                            .objects = one.objects,
                            .regions = one.regions,
                            .sees_personal = one.sees_personal},
                           one.expires});
    }
    for (Token& token : tokens_) token.person.key = "token " + token.person.name;
    return {};
}

/// All are compared, so that how long it takes says nothing of which it is.
std::optional<std::size_t> Identity::token_of(std::string_view token) const {
    const std::string hash = digest_of(token);
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        if (is_same_text(tokens_[i].hash, hash)) found = i;
    }
    if (!found) return std::nullopt;
    const Timestamp expires = tokens_[*found].expires;
    return expires.ns != 0 && expires <= clock_.now() ? std::nullopt : found;
}

bool Identity::is_over(const Running& session) const {
    const Duration now = clock_.steady();
    return now - session.used > kSessionIdle || now - session.begun > kSessionMost ||
           (session.expires.ns != 0 && session.expires <= clock_.now());
}

Result<Person> Identity::who(const Credentials& credentials) {
    if (is_open()) {
        Person person{.name = "local", .roles = {Role::kAdmin}, .sees_personal = true};
        person.is_anybody = true;
        person.key = "peer " + std::string{credentials.peer};
        return person;
    }
    if (credentials.authorization.starts_with(kBearer)) {
        const auto token = token_of(credentials.authorization.substr(kBearer.size()));
        if (token) return tokens_[*token].person;
        return fail(ErrorKind::kDenied, "there is no such token, or its time is over");
    }
    const std::string_view cookie = cookie_named(kCookie, credentials.cookie);
    if (cookie.empty()) {
        return fail(ErrorKind::kDenied, "send the token: Authorization: Bearer <token>");
    }
    const std::string id = digest_of(cookie);
    const std::lock_guard lock{mutex_};
    const auto at = sessions_.find(id);
    if (at == sessions_.end() || is_over(at->second)) {
        if (at != sessions_.end()) sessions_.erase(at);
        return fail(ErrorKind::kDenied, "the session is over; log in again");
    }
    at->second.used = clock_.steady();
    Person person = at->second.person;
    person.csrf = at->second.csrf;
    person.key = "session " + hexadecimal(id).substr(0, 16);
    return person;
}

void Identity::make_room() {
    std::erase_if(sessions_, [&](const auto& one) { return is_over(one.second); });
    while (sessions_.size() >= kSessionsMost) {
        sessions_.erase(std::ranges::min_element(sessions_, {},
                                                 [](const auto& one) { return one.second.used; }));
    }
}

bool Identity::may_try(std::string_view peer) {
    const auto at = tries_.find(peer);
    if (at == tries_.end()) return true;
    if (clock_.steady() - at->second.since > kTryWindow) {
        tries_.erase(at);
        return true;
    }
    return at->second.failed < kTriesMost;
}

void Identity::note_failure(std::string_view peer) {
    const Duration now = clock_.steady();
    if (tries_.size() >= kPeersMost) {
        std::erase_if(tries_, [&](const auto& one) { return now - one.second.since > kTryWindow; });
    }
    if (tries_.size() >= kPeersMost) return;
    Tries& tries = tries_.try_emplace(std::string{peer}, Tries{now, 0}).first->second;
    ++tries.failed;
}

Result<Identity::Session> Identity::begin(std::string_view token, std::string_view peer) {
    if (is_open()) return fail(ErrorKind::kConflict, "nobody needs to log in here");
    const std::lock_guard lock{mutex_};
    if (!may_try(peer)) {
        return fail(ErrorKind::kThrottled, "too many wrong tokens came from there; wait a minute");
    }
    const auto known = token_of(token);
    if (!known) {
        note_failure(peer);
        return fail(ErrorKind::kDenied, "there is no such token, or its time is over");
    }
    return begin(Running{.person = tokens_[*known].person, .expires = tokens_[*known].expires});
}

Result<Identity::Session> Identity::begin(Person person, std::string proof) {
    const bool taken = person.name == "api" || person.name == "local" ||
                       std::ranges::any_of(tokens_, [&](const Token& token) {
                           return token.person.name == person.name;
                       });
    if (taken) {
        return fail(ErrorKind::kDenied, "the name " + person.name + " is that of a token here");
    }
    const std::lock_guard lock{mutex_};
    return begin(Running{.person = std::move(person), .proof = std::move(proof)});
}

/// With the mutex held.
Result<Identity::Session> Identity::begin(Running session) {
    auto cookie = random_text(kRandomBytes);
    auto csrf = random_text(kRandomBytes);
    if (!cookie) return fail(cookie.error());
    if (!csrf) return fail(csrf.error());
    make_room();
    session.csrf = *std::move(csrf);
    session.begun = clock_.steady();
    session.used = session.begun;
    Person person = session.person;
    person.csrf = session.csrf;
    sessions_[digest_of(*cookie)] = std::move(session);
    return Session{*std::move(cookie), std::move(person)};
}

std::string Identity::end(std::string_view cookie) {
    const std::string_view id = cookie_named(kCookie, cookie);
    if (id.empty()) return {};
    const std::lock_guard lock{mutex_};
    auto ended = sessions_.extract(digest_of(id));
    return ended.empty() ? std::string{} : std::move(ended.mapped().proof);
}

}  // namespace syncline::hub
