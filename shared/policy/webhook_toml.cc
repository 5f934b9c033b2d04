#include "shared/base/local_url.h"
#include "shared/base/mail_address.h"
#include "shared/policy/policy_toml.h"
#include "shared/policy/policy_toml_parts.h"

namespace syncline::reading {
namespace {

constexpr TomlReader::Range kTimeout{1, 120};
constexpr TomlReader::Range kDisableAfter{1, 24 * 365};

/// `order.confirmed`, `order.*` or `*`.
bool is_pattern(std::string_view event) {
    if (event == "*") return true;
    if (!event.ends_with(".*")) return is_event_name(event);
    return is_policy_name(event.substr(0, event.size() - 2));
}

/// What is the same whichever way it goes.
WebhookSpec read_subscription(TomlReader& in, const std::string& name) {
    WebhookSpec webhook;
    webhook.name = name;
    webhook.place = in.place();
    webhook.events = in.texts("events");
    for (const std::string& event : webhook.events) {
        if (is_pattern(event)) continue;
        in.problem("events", "`" + event + "` is no event: write order.confirmed, order.* or *");
    }
    webhook.timeout = in.seconds("timeout_s", kTimeout, std::chrono::seconds{15});
    const std::chrono::hours hours{
        in.integer("disable_after_h", kDisableAfter, std::int64_t{24 * 5})};
    webhook.disable_after = hours;
    return webhook;
}

}  // namespace

bool is_event_name(std::string_view event) {
    const auto dot = event.find('.');
    return dot != std::string_view::npos && is_policy_name(event.substr(0, dot)) &&
           is_policy_name(event.substr(dot + 1));
}

WebhookSpec read_webhook(TomlReader in, const std::string& name) {
    WebhookSpec webhook = read_subscription(in, name);
    webhook.url = in.text("url");
    const bool safe = webhook.url.starts_with("https://") || is_local_url(webhook.url, "http");
    if (!webhook.url.empty() && !safe) {
        in.problem("url",
                   "must begin with https://, so that nobody on the way can read or change what is "
                   "told (http:// only to 127.0.0.1 or localhost)");
    }
    webhook.secret = in.secret("secret");
    webhook.links = in.boolean("links", false);
    return webhook;
}

WebhookSpec read_mail(TomlReader in, const std::string& name) {
    WebhookSpec mail = read_subscription(in, name);
    mail.mail_to = in.texts("to");
    if (in.has("to") && mail.mail_to.empty()) in.problem("to", "must name at least one address");
    for (std::size_t i = 0; i < mail.mail_to.size(); ++i) {
        if (mail.mail_to[i] == kThoseAsked) {
            mail.links = true;
        } else if (!is_mail_address(mail.mail_to[i])) {
            in.problem("to", i, "is neither an address nor \"@asked\"");
        }
    }
    return mail;
}

}  // namespace syncline::reading
