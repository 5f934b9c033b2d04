#include "hub/ctl/security/installation.h"

#include <algorithm>
#include <array>

#include "shared/base/json.h"

namespace syncline::ctl::security {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kNameMost = 64;
constexpr std::array kRoles{nats::Role::kHub, nats::Role::kAgent, nats::Role::kOperator,
                            nats::Role::kViewer, nats::Role::kKeeper};

std::string text_of(const Value::Map& map, std::string_view key) {
    const auto found = map.find(key);
    const auto* text = found == map.end() ? nullptr : found->second.get<std::string>();
    return text == nullptr ? std::string{} : *text;
}

std::int64_t number_of(const Value::Map& map, std::string_view key) {
    const auto found = map.find(key);
    const auto* value = found == map.end() ? nullptr : found->second.get<std::int64_t>();
    return value == nullptr ? 0 : *value;
}

Timestamp time_of(const Value::Map& map, std::string_view key) {
    return parse_timestamp(text_of(map, key)).value_or(Timestamp{});
}

const Value::List& list_of(const Value::Map& map, std::string_view key) {
    static const Value::List none;
    const auto found = map.find(key);
    const auto* list = found == map.end() ? nullptr : found->second.get<Value::List>();
    return list == nullptr ? none : *list;
}

std::vector<std::string> texts_of(const Value::Map& map, std::string_view key) {
    std::vector<std::string> out;
    for (const Value& one : list_of(map, key)) {
        if (const auto* text = one.get<std::string>()) out.push_back(*text);
    }
    return out;
}

Value::List list_from(const std::vector<std::string>& texts) {
    return {texts.begin(), texts.end()};
}

Value key_value(const Key& key) {
    Value::Map out{{"number", static_cast<std::int64_t>(key.number)},
                   {"serial", key.serial},
                   {"not_after", to_string(key.not_after)}};
    if (!key.nkey.empty()) out.emplace("nkey", key.nkey);
    return out;
}

Value user_value(const User& user) {
    Value::List keys;
    for (const Key& key : user.keys) keys.push_back(key_value(key));
    Value::Map out{{"name", user.member.name},
                   {"role", nats::name_of(user.member.role)},
                   {"auth", name_of(user.auth)},
                   {"days", static_cast<std::int64_t>(user.days)},
                   {"next", static_cast<std::int64_t>(user.next)},
                   {"keys", std::move(keys)}};
    if (!user.member.platform.empty()) out.emplace("platform", user.member.platform.text);
    if (!user.member.actor.empty()) out.emplace("actor", user.member.actor);
    if (!user.member.lists.empty()) {
        Value::List lists;
        for (const ListName& list : user.member.lists) lists.emplace_back(list.text);
        out.emplace("lists", std::move(lists));
    }
    if (user.revoked()) out.emplace("revoked_at", to_string(user.revoked_at));
    return out;
}

std::optional<User> read_user(const Value& value) {
    const auto* map = value.get<Value::Map>();
    if (map == nullptr) return std::nullopt;
    User user;
    user.member.name = text_of(*map, "name");
    const std::string role = text_of(*map, "role");
    const auto* known =
        std::ranges::find(kRoles, role, [](auto one) { return nats::name_of(one); });
    const std::string auth = text_of(*map, "auth");
    const bool by_nkey = auth == name_of(Auth::kNkey);
    const bool sound = known != kRoles.end() && (by_nkey || auth == name_of(Auth::kCertificate));
    if (!sound || !check_name("name", user.member.name)) return std::nullopt;
    user.member.role = *known;
    user.auth = by_nkey ? Auth::kNkey : Auth::kCertificate;
    user.member.platform = PlatformId{text_of(*map, "platform")};
    user.member.actor = text_of(*map, "actor");
    for (std::string& list : texts_of(*map, "lists"))
        user.member.lists.emplace_back(std::move(list));
    user.days = static_cast<unsigned>(number_of(*map, "days"));
    user.next = static_cast<unsigned>(number_of(*map, "next"));
    user.revoked_at = time_of(*map, "revoked_at");
    for (const Value& one : list_of(*map, "keys")) {
        const auto* key = one.get<Value::Map>();
        if (key == nullptr) return std::nullopt;
        user.keys.push_back({.number = static_cast<unsigned>(number_of(*key, "number")),
                             .serial = text_of(*key, "serial"),
                             .not_after = time_of(*key, "not_after"),
                             .nkey = text_of(*key, "nkey")});
        if (user.keys.back().number == 0 || user.keys.back().number >= user.next) {
            return std::nullopt;
        }
    }
    const bool of_agent = user.member.role == nats::Role::kAgent;
    if (of_agent == user.member.platform.empty() || user.keys.empty()) return std::nullopt;
    return user;
}

std::string url_of(const std::string& host, const std::string& listen) {
    const bool bracketed = host.find(':') != std::string::npos;
    return "tls://" + (bracketed ? "[" + host + "]" : host) + listen.substr(listen.rfind(':'));
}

}  // namespace

const char* name_of(Auth auth) { return auth == Auth::kNkey ? "nkey" : "certificate"; }

User* Installation::find(std::string_view user) {
    const auto found =
        std::ranges::find(users, user, [](const User& one) { return one.member.name; });
    return found == users.end() ? nullptr : &*found;
}

const User* Installation::find(std::string_view user) const {
    return const_cast<Installation*>(this)->find(user);
}

std::vector<PlatformId> Installation::platforms() const {
    std::vector<PlatformId> out;
    for (const User& user : users) {
        if (!user.revoked() && !user.member.platform.empty()) out.push_back(user.member.platform);
    }
    return out;
}

std::string Installation::url() const { return url_of(hosts.front(), listen); }
std::string Installation::leaf_url() const { return url_of(hosts.front(), leaf_listen); }

std::string uri_of(const User& user, const Key& key) {
    return "syncline://users/" + user.member.name + "/" + std::to_string(key.number);
}

std::string to_text(const Installation& installation) {
    Value::List users;
    for (const User& user : installation.users) users.push_back(user_value(user));
    return to_json_lines(
               Value::Map{{"version", kVersion},
                          {"name", installation.name},
                          {"hosts", list_from(installation.hosts)},
                          {"listen", installation.listen},
                          {"leaf_listen", installation.leaf_listen},
                          {"place", installation.place},
                          {"server_place", installation.server_place},
                          {"days", static_cast<std::int64_t>(installation.days)},
                          {"authority_not_after", to_string(installation.authority_not_after)},
                          {"server_not_after", to_string(installation.server_not_after)},
                          {"users", std::move(users)}}) +
           "\n";
}

Result<Installation> parse_installation(std::string_view text) {
    const auto bad = [](const std::string& why) {
        return fail(ErrorKind::kCorrupt, "not a record of an installation: " + why);
    };
    const auto parsed = parse_json(text);
    if (!parsed) return bad(parsed.error().what);
    const auto* map = parsed->get<Value::Map>();
    if (map == nullptr) return bad("no object");
    if (number_of(*map, "version") != kVersion) return bad("of another version");
    Installation out{.name = text_of(*map, "name"),
                     .hosts = texts_of(*map, "hosts"),
                     .listen = text_of(*map, "listen"),
                     .leaf_listen = text_of(*map, "leaf_listen"),
                     .place = text_of(*map, "place"),
                     .server_place = text_of(*map, "server_place"),
                     .days = static_cast<unsigned>(number_of(*map, "days")),
                     .authority_not_after = time_of(*map, "authority_not_after"),
                     .server_not_after = time_of(*map, "server_not_after"),
                     .users = {}};
    if (out.hosts.empty() || out.listen.find(':') == std::string::npos || out.days == 0) {
        return bad("without the server's names, its port or the days");
    }
    for (const Value& one : list_of(*map, "users")) {
        auto user = read_user(one);
        if (!user) return bad("user " + std::to_string(out.users.size() + 1) + " is damaged");
        out.users.push_back(*std::move(user));
    }
    return out;
}

Result<void> check_name(std::string_view what, std::string_view name) {
    constexpr std::string_view kTaken =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const bool good = !name.empty() && name.size() <= kNameMost && !name.starts_with('-') &&
                      name.find_first_not_of(kTaken) == std::string_view::npos;
    if (good) return {};
    return fail(ErrorKind::kInvalid, std::string{what} + " '" + std::string{name} +
                                         "' must be up to 64 letters, digits, `-` and `_`");
}

}  // namespace syncline::ctl::security
