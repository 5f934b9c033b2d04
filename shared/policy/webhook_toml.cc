#include "shared/policy/policy_toml.h"
#include "shared/policy/policy_toml_parts.h"

namespace syncline::reading {
namespace {

constexpr TomlReader::Range kTimeout{1, 120};
constexpr TomlReader::Range kDisableAfter{1, 24 * 365};

/// Does the URL stay on this machine?
bool is_local(std::string_view url) {
    for (const std::string_view host : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
        if (!url.starts_with(host)) continue;
        const std::string_view rest = url.substr(host.size());
        if (rest.empty() || rest.front() == ':' || rest.front() == '/') return true;
    }
    return false;
}

/// `order.confirmed`, `order.*` or `*`.
bool is_pattern(std::string_view event) {
    if (event == "*") return true;
    const auto dot = event.find('.');
    if (dot == std::string_view::npos) return false;
    const std::string name{event.substr(dot + 1)};
    return is_policy_name(std::string{event.substr(0, dot)}) &&
           (name == "*" || is_policy_name(name));
}

}  // namespace

WebhookSpec read_webhook(TomlReader in, const std::string& name) {
    WebhookSpec webhook;
    webhook.name = name;
    webhook.place = in.place();
    webhook.url = in.text("url");
    const bool safe = webhook.url.starts_with("https://") || is_local(webhook.url);
    if (!webhook.url.empty() && !safe) {
        in.problem("url",
                   "must begin with https://, so that nobody on the way can read or change what is "
                   "told (http:// only to 127.0.0.1 or localhost)");
    }
    webhook.events = in.texts("events");
    for (const std::string& event : webhook.events) {
        if (is_pattern(event)) continue;
        in.problem("events", "`" + event + "` is no event: write order.confirmed, order.* or *");
    }
    webhook.secret = in.secret("secret");
    webhook.timeout = in.seconds("timeout_s", kTimeout, std::chrono::seconds{15});
    const std::chrono::hours hours{
        in.integer("disable_after_h", kDisableAfter, std::int64_t{24 * 5})};
    webhook.disable_after = hours;
    return webhook;
}

}  // namespace syncline::reading
