#include "agent/connectors/webhook/webhook_config.h"

#include <charconv>
#include <set>
#include <string_view>

namespace syncline::agent::webhook {
namespace {

constexpr TomlReader::Choice<SignatureScheme> kSchemes[] = {
    {"standard", SignatureScheme::kStandard},    {"github", SignatureScheme::kGithub},
    {"hubspot_v3", SignatureScheme::kHubspotV3}, {"zendesk", SignatureScheme::kZendesk},
    {"frappe", SignatureScheme::kFrappe},
};

/// "127.0.0.1:8090", "[::1]:8090".
void read_listen(TomlReader& read, HttpServer::Settings& server) {
    const std::string listen = read.text("listen");
    const std::size_t colon = listen.rfind(':');
    std::uint16_t port = 0;
    bool good = colon != std::string::npos && colon > 0;
    if (good) {
        const std::string_view digits = std::string_view{listen}.substr(colon + 1);
        const char* end = digits.data() + digits.size();
        const auto done = std::from_chars(digits.data(), end, port);
        good = !digits.empty() && done.ec == std::errc{} && done.ptr == end;
    }
    if (!good) {
        if (!listen.empty())
            read.problem("listen",
                         "must be an IP address and a port, as in "
                         "127.0.0.1:8090");
        return;
    }
    server.address = listen.substr(0, colon);
    if (server.address.starts_with('[') && server.address.ends_with(']')) {
        server.address = server.address.substr(1, server.address.size() - 2);
    }
    server.port = port;
}

Condition read_condition(TomlReader& read, std::string_view key) {
    Condition condition;
    if (auto table = read.optional_table(key)) {
        condition.path = table->text("path");
        condition.values = table->texts("values");
    }
    return condition;
}

Route read_route(TomlReader& read) {
    Route route;
    route.path = read.text("path");
    if (!route.path.empty() &&
        (route.path.front() != '/' || route.path.find_first_of("?# ") != std::string::npos)) {
        read.problem("path", "must start with / and have no query");
    }
    route.object = ObjectName{read.text("object")};
    route.shape.items = read.text("items", route.shape.items);
    route.shape.record = read.text("record", route.shape.record);
    route.shape.complete = read.boolean("complete", route.shape.complete);
    route.shape.deleted_when = read_condition(read, "deleted_when");
    route.shape.accept_when = read_condition(read, "accept_when");
    route.scheme = read.choice("signature", kSchemes);
    route.key = read.secret("key");
    route.next_key = read.optional_secret("next_key");
    route.window = read.seconds("window_s", {1, 86'400}, route.window);
    return route;
}

}  // namespace

WebhookConfig parse_webhook_config(TomlReader& read) {
    WebhookConfig config;
    HttpServer::Settings& server = config.server;
    read_listen(read, server);
    config.public_url = read.text("public_url", config.public_url);
    server.threads = read.integer<unsigned>("threads", {1, 64}, server.threads);
    server.connections_max =
        read.integer<std::size_t>("connections_max", {1, 65'536}, server.connections_max);
    server.body_bytes_max =
        read.integer<std::uint64_t>("body_bytes_max", {1'024, 64 << 20}, server.body_bytes_max);
    server.header_bytes_max =
        read.integer<std::uint32_t>("header_bytes_max", {1'024, 1 << 20}, server.header_bytes_max);
    server.idle_timeout =
        read.milliseconds("idle_timeout_ms", {100, 3'600'000}, server.idle_timeout);
    server.header_timeout =
        read.milliseconds("header_timeout_ms", {100, 600'000}, server.header_timeout);
    server.body_timeout = read.milliseconds("body_timeout_ms", {100, 600'000}, server.body_timeout);
    server.reply_timeout =
        read.milliseconds("reply_timeout_ms", {100, 600'000}, server.reply_timeout);
    config.queue.events =
        read.integer<std::size_t>("queue_events", {1, 1'000'000}, config.queue.events);
    config.queue.bytes =
        read.integer<std::size_t>("queue_bytes", {1 << 20, 1 << 30}, config.queue.bytes);
    config.retry_after = read.seconds("retry_after_s", {1, 3'600}, config.retry_after);
    std::set<std::string> paths;
    for (TomlReader& table : read.tables("route")) {
        Route route = read_route(table);
        if (!paths.insert(route.path).second) table.problem("path", "is there twice");
        if (route.scheme == SignatureScheme::kHubspotV3 && config.public_url.empty()) {
            table.problem("signature", "needs `public_url` in [connector], which is signed too");
        }
        server.paths.push_back(route.path);
        config.routes.push_back(std::move(route));
    }
    if (config.routes.empty()) read.problem("route", "must be there at least once");
    return config;
}

}  // namespace syncline::agent::webhook
