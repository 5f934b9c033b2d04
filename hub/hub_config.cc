#include "hub/hub_config.h"

#include <algorithm>
#include <set>

#include "shared/base/ip_address.h"
#include "shared/base/mail_address.h"
#include "shared/base/toml_reader.h"
#include "shared/nats/options_toml.h"

namespace syncline::hub {
namespace {

Duration milliseconds(TomlReader& table, std::string_view key, std::int64_t most, Duration value) {
    return table.milliseconds(key, {1, most},
                              std::chrono::duration_cast<std::chrono::milliseconds>(value));
}

void read_limits(TomlReader table, HubOptions& options) {
    options.window = table.integer("window", {16, 65'536}, options.window);
    options.fold_max = table.integer("fold_max", {1, 1'024}, options.fold_max);
    options.cache_entities =
        table.integer("cache_entities", {1'000, 50'000'000}, options.cache_entities);
    options.warm_up = table.boolean("warm_up", options.warm_up);
    options.mark_interval = milliseconds(table, "mark_interval_ms", 10'000, options.mark_interval);
    options.presence_interval =
        milliseconds(table, "presence_interval_ms", 60'000, options.presence_interval);
    options.presence_timeout =
        milliseconds(table, "presence_timeout_ms", 600'000, options.presence_timeout);
    options.watch_interval =
        milliseconds(table, "watch_interval_ms", 60'000, options.watch_interval);
    options.retry_wait = milliseconds(table, "retry_wait_ms", 60'000, options.retry_wait);
    options.resend_wait = milliseconds(table, "resend_wait_ms", 60'000, options.resend_wait);
    if (options.presence_timeout < options.presence_interval * 2) {
        table.problem("presence_timeout_ms", "must be at least twice `presence_interval_ms`");
    }
}

void read_streams(TomlReader table, nats::StreamOptions& streams) {
    streams.partitions = table.integer("partitions", {1, 4'096}, streams.partitions);
    streams.replicas = table.integer("replicas", {1, 5}, streams.replicas);
    if (streams.replicas % 2 == 0) table.problem("replicas", "must be 1, 3 or 5");
    streams.keep_inputs_days =
        table.integer("keep_inputs_days", {2, 3'650}, streams.keep_inputs_days);
    streams.keep_events_days =
        table.integer("keep_events_days", {1, 3'650}, streams.keep_events_days);
    streams.keep_log_days = table.integer("keep_log_days", {1, 36'500}, streams.keep_log_days);
    streams.bytes_max = table.integer("bytes_max", {-1, INT64_MAX}, streams.bytes_max);
}

void read_log(TomlReader table, log::Options& options) {
    static constexpr TomlReader::Choice<log::Level> kLevels[] = {{"debug", log::Level::kDebug},
                                                                 {"info", log::Level::kInfo},
                                                                 {"warning", log::Level::kWarning},
                                                                 {"error", log::Level::kError}};
    static constexpr TomlReader::Choice<log::Format> kFormats[] = {
        {"auto", log::Format::kAuto}, {"text", log::Format::kText}, {"json", log::Format::kJson}};
    options.level = table.choice("level", kLevels, options.level);
    options.format = table.choice("format", kFormats, options.format);
}

bool is_digest(std::string_view text) {
    return text.size() == 64 && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
           });
}

/// As it stands in logs and subjects, and in the roles of a policy.
bool is_person_name(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '-' || c == '_';
    });
}

TokenSettings read_token(TomlReader& table) {
    TokenSettings token;
    token.name = table.text("name");
    if (!is_person_name(token.name)) {
        table.problem("name", "must be 1 to 64 letters, digits, `.`, `-` and `_`");
    }
    token.sha256 = table.text("sha256", "");
    token.token = table.optional_secret("token");
    if (token.sha256.empty() == !token.token.configured()) {
        table.problem("sha256", "or `token` must be there, and not both: synclinectl token new");
    }
    if (!token.sha256.empty() && !is_digest(token.sha256)) {
        table.problem("sha256", "must be 64 hexadecimal digits: synclinectl token new");
    }
    token.roles = read_roles(table);
    token.objects = table.texts("objects", {});
    token.regions = table.texts("regions", {});
    const std::string expires = table.text("expires", "");
    if (!expires.empty()) {
        const auto time = parse_timestamp(expires);
        if (!time) table.problem("expires", "must be a time: 2027-01-31T00:00:00Z");
        token.expires = time.value_or(Timestamp{});
    }
    token.sees_personal =
        table.boolean("personal", token.roles.names() != Roles{Role::kViewer}.names());
    return token;
}

void read_api(TomlReader table, ApiSettings& api) {
    api.port = table.integer("port", {0, 65'535}, api.port);
    api.address = table.text("address", api.address);
    api.token = table.optional_secret("token");
    api.per_second = table.integer("per_second", {1, 10'000}, api.per_second);
    api.proxies = table.texts("proxies", {});
    if (!std::ranges::all_of(api.proxies, is_ip_address)) {
        table.problem("proxies", "must be IP addresses, as the hub sees them");
    }
    std::set<std::string> names{"api", "local"};
    for (TomlReader& one : table.tables("tokens")) {
        api.tokens.push_back(read_token(one));
        if (!names.insert(api.tokens.back().name).second) {
            one.problem("name", "is there twice, or stands for nobody in particular");
        }
    }
    api.oidc = oidc::read_settings(table.table("oidc"));
    const bool loopback = api.address == "127.0.0.1" || api.address == "::1";
    if (!loopback && !api.token.configured() && api.tokens.empty() && !api.oidc.enabled()) {
        table.problem("address", "is open to others, so it needs a `token` that they must know");
    }
}

void read_links(TomlReader table, LinkSettings& links) {
    links.base = table.text("base", "");
    const bool web = links.base.starts_with("https://") || links.base.starts_with("http://");
    if (!links.base.empty() && !web) {
        table.problem("base", "is where people's browsers find this hub: write https://...");
    }
    links.key = table.optional_secret("key");
    if (!links.base.empty() && !links.key.configured()) {
        table.problem("key", "is missing: links are signed with it");
    }
}

void read_webhooks(TomlReader table, AddressGuard& targets) {
    const std::vector<std::string> allow = table.texts("allow", {});
    for (std::size_t i = 0; i < allow.size(); ++i) {
        const auto allowed = targets.allow(allow[i]);
        if (!allowed) table.problem("allow", i, "is wrong: " + allowed.error().what);
    }
}

void read_mail(TomlReader table, SmtpSettings& mail) {
    mail.server = table.text("server", "");
    const bool smtp = mail.server.starts_with("smtp://") || mail.server.starts_with("smtps://");
    if (!mail.server.empty() && !smtp) {
        table.problem("server", "must begin with smtps:// or smtp://");
    }
    mail.from = table.text("from", "");
    if (!mail.server.empty() && !is_mail_address(mail.from)) {
        table.problem("from", "is no address: write syncline@example.com");
    }
    mail.user = table.text("user", "");
    mail.password = table.optional_secret("password");
    mail.ca_file = table.text("ca_file", "");
    if (mail.user.empty() == mail.password.configured()) {
        table.problem("user", "and `password` belong together");
    }
}

Result<HubConfig> read_hub_config(TomlReader& root) {
    HubConfig config;
    config.nats.name = "syncline-hub";
    config.id = root.text("id", "");
    config.policy = root.text("policy", "");
    config.nats = nats::read_nats_options(root.table("nats"), config.nats);
    read_streams(root.table("streams"), config.streams);
    read_limits(root.table("limits"), config.options);
    read_log(root.table("log"), config.log);
    read_api(root.table("api"), config.api);
    read_links(root.table("links"), config.links);
    if (!config.links.base.empty() && config.api.port == 0) {
        root.problem("links", "need the `[api]`, which answers them");
    }
    read_webhooks(root.table("webhooks"), config.webhook_targets);
    read_mail(root.table("mail"), config.mail);
    config.telemetry = telemetry::read_tracer_settings(root.table("telemetry"));
    config.metrics_port = root.integer("metrics_port", {0, 65'535}, config.metrics_port);
    if (auto done = root.finish(); !done) return fail(std::move(done.error()));
    return config;
}

}  // namespace

Result<HubConfig> parse_hub_config(std::string_view text, std::string_view file) {
    auto root = TomlReader::parse(text, file);
    if (!root) return fail(std::move(root.error()));
    return read_hub_config(*root);
}

Result<HubConfig> load_hub_config(const std::filesystem::path& file) {
    auto root = TomlReader::load(file);
    if (!root) return fail(std::move(root.error()));
    auto config = read_hub_config(*root);
    if (config && !config->policy.empty() && std::filesystem::path{config->policy}.is_relative()) {
        config->policy = (file.parent_path() / config->policy).string();
    }
    return config;
}

}  // namespace syncline::hub
