#include "agent/connectors/rest/rest.h"

#include <algorithm>

#include "agent/connectors/rest/asker.h"
#include "agent/connectors/rest/door.h"
#include "agent/connectors/rest/push.h"
#include "agent/connectors/rest/quota.h"
#include "agent/connectors/rest/reader.h"
#include "agent/connectors/rest/writer.h"
#include "agent/core/mapping_toml.h"

namespace syncline::agent {
namespace {

using rest::AuthKind;
using rest::Profile;
using rest::Settings;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A Date leaves out the part of its second, and a window ends at a whole one.
constexpr Duration kDateSlack = seconds{2};

class RestConnector final : public Connector {
public:
    /// `meter` is the client among the parts.
    RestConnector(rest::Door::Parts parts, rest::MeteredClient& meter)
        : meter_(meter), door_(std::move(parts)), reader_(door_), writer_(door_), asker_(door_) {
        if (door_.settings().push) push_.emplace(door_);
    }

    Result<void> connect(std::stop_token stop) override { return door_.probe(stop); }
    Result<Batch> read(const Cursor& from, std::size_t max, std::stop_token stop) override {
        return reader_.read(from, max, stop);
    }
    Result<Pushed> listen(const std::string& position, std::stop_token stop) override {
        if (!push_) return Connector::listen(position, stop);
        return push_->listen(position, stop);
    }
    Result<std::optional<Record>> fetch(const ObjectName& object, const RecordId& id,
                                        std::stop_token stop) override {
        return writer_.fetch(object, id, stop);
    }
    Result<std::optional<Record>> find(const ObjectName& object, const EntityId& entity,
                                       std::stop_token stop) override {
        return writer_.find(object, entity, stop);
    }
    Result<Written> write(const Command& command, std::stop_token stop) override {
        return writer_.write(command, stop);
    }
    [[nodiscard]] std::size_t write_max(const Command& command) const override {
        return writer_.write_max(command);
    }
    Result<Each<Written>> write_all(const std::vector<Command>& commands,
                                    std::stop_token stop) override {
        return writer_.write_all(commands, stop);
    }
    [[nodiscard]] std::size_t fetch_max(const ObjectName& object,
                                        const RecordId& id) const override {
        return writer_.fetch_max(object, id);
    }
    Result<Each<std::optional<Record>>> fetch_all(const ObjectName& object,
                                                  const std::vector<RecordId>& ids,
                                                  std::stop_token stop) override {
        return writer_.fetch_all(object, ids, stop);
    }
    Result<Value> ask(const std::string& name, const Fields& input, std::stop_token stop) override {
        return asker_.ask(name, input, stop);
    }
    [[nodiscard]] std::vector<std::string> questions() const override {
        std::vector<std::string> names;
        for (const rest::AskSpec& ask : door_.settings().profile.asks) names.push_back(ask.name);
        return names;
    }
    Result<Value> operate(const OperationRequest& request, std::stop_token stop) override {
        return asker_.operate(request, stop);
    }
    Result<std::optional<Value>> find_operation(const OperationRequest& request,
                                                std::stop_token stop) override {
        return asker_.find_operation(request, stop);
    }
    [[nodiscard]] std::vector<OperationTraits> operations() const override {
        std::vector<OperationTraits> all;
        for (const rest::OperationSpec& one : door_.settings().profile.operations) {
            all.push_back({one.name, one.idempotent ? OnDoubt::kRepeat
                                     : one.find     ? OnDoubt::kLook
                                                    : OnDoubt::kTell});
        }
        return all;
    }
    [[nodiscard]] Duration throttle_pause() const override { return door_.throttle_pause(); }

    [[nodiscard]] CallCost take_cost() override { return meter_.take_cost(); }

    [[nodiscard]] Traits traits() const override {
        const Profile& profile = door_.settings().profile;
        const bool marked = std::ranges::all_of(
            door_.settings().objects, [](const ObjectMapping& o) { return !o.marker.empty(); });
        std::optional<Push> push;
        if (push_) {
            push = Push{.fetches_max = profile.push->fetches_max,
                        .read_after = profile.read.safety + profile.read.resolution + kDateSlack};
        }
        return {.create_is_idempotent = profile.has_upsert && marked,
                .has_marker = profile.has_find && marked,
                .waits_for_changes = false,
                .reads_ahead = true,
                .read_back_lag = profile.read_back_lag,
                .quota = {.limit = profile.quota.limit, .window = profile.quota.window},
                .push = push,
                .batch_max = writer_.batch_max()};
    }

private:
    rest::MeteredClient& meter_;
    rest::Door door_;
    rest::Reader reader_;
    rest::Writer writer_;
    rest::Asker asker_;
    std::optional<rest::PushSession> push_;
};

/// A profile by name, or the path of one.
std::filesystem::path profile_file(const std::string& profile, const ConnectorContext& context) {
    const std::filesystem::path path{profile};
    if (path.extension() == ".toml") return context.config_dir / path;
    return context.profile_dir / (profile + ".toml");
}

void read_credentials(TomlReader table, Settings& settings) {
    rest::AuthSpec& auth = settings.profile.auth;
    auth.kind = rest::read_auth_kind(table, auth.kind);
    auth.token_url = table.text("token_url", auth.token_url);
    auth.scope = table.text("scope", auth.scope);
    if (auth.fetches_token() && auth.token_url.empty()) {
        table.problem("kind", "needs a token_url, which the profile does not have");
    }
    if (auth.kind == AuthKind::kSession && auth.login.path.empty()) {
        table.problem("kind", "needs a login, which the profile does not have");
    }
    rest::Credentials& who = settings.credentials;
    const std::vector<rest::CredentialKey> needed = rest::credentials_of(auth.kind);
    const auto needs = [&](std::string_view key) {
        return std::ranges::find(needed, key, &rest::CredentialKey::key) != needed.end();
    };
    const auto text = [&](const char* key) {
        return needs(key) ? table.text(key) : table.text(key, "");
    };
    const auto secret = [&](const char* key) {
        return needs(key) ? table.secret(key) : table.optional_secret(key);
    };
    who.client_id = text("client_id");
    who.client_secret = secret("client_secret");
    who.token_id = text("token_id");
    who.realm = table.text("realm", "");
    who.username = text("username");
    who.password = secret("password");
    who.token = secret("token");
    who.refresh_token = secret("refresh_token");
    who.private_key = secret("private_key");
    who.private_key_password = secret("private_key_password");
    who.key_id = table.text("key_id", "");
    auth.jwt.audience = table.text("audience", auth.jwt.audience);
    if (auth.kind == AuthKind::kJwtBearer && auth.jwt.audience.empty()) {
        table.problem("audience", "must say whom the assertion is for; the profile does not");
    }
}

void read_push(TomlReader& connector, Settings& settings) {
    auto table = connector.optional_table("push");
    if (!table) return;
    settings.push = table->boolean("enabled", true);
    settings.push_channels = table->texts("channels", {});
    for (std::size_t i = 0; i < settings.push_channels.size(); ++i) {
        const std::string& channel = settings.push_channels[i];
        const bool fine = channel.starts_with('/') && !channel.starts_with("/meta/") &&
                          channel.find('*') == std::string::npos;
        if (!fine)
            table->problem("channels", i, "must be one channel, like \"/data/ChangeEvents\"");
    }
    if (!settings.profile.push) {
        connector.key_problem("push", "is nothing that the profile \"" + settings.profile.name +
                                          "\" knows how to do");
        settings.push = false;
    }
}

void read_settings(TomlReader& connector, Settings& settings) {
    Profile& profile = settings.profile;
    settings.base_url = connector.text("base_url");
    while (settings.base_url.ends_with('/')) settings.base_url.pop_back();
    const std::string& url = settings.base_url;
    const bool http = url.starts_with("https://") || url.starts_with("http://");
    if (!url.empty() && (!http || url.find_first_of("?#@ ") != std::string::npos)) {
        connector.problem("base_url", "must be like https://host[:port][/path]");
    }
    settings.proxy = connector.text("proxy", "");
    settings.ca_file = connector.text("ca_file", "");
    const auto whole = [](Duration d) { return std::chrono::duration_cast<seconds>(d); };
    profile.read.overlap = connector.seconds("overlap_s", {0, 86'400}, whole(profile.read.overlap));
    if (profile.read.overlap < profile.read_back_lag) {
        connector.problem("overlap_s", "must be at least the profile's read_back_lag_ms (" +
                                           std::to_string(profile.read_back_lag / milliseconds{1}) +
                                           "): a page may come from a replica that lags so far");
    }
    profile.read.safety = connector.seconds("safety_s", {0, 3'600}, whole(profile.read.safety));
    profile.deletes.overlap = profile.read.overlap;
    profile.deletes.safety = profile.read.safety;
    profile.read.page_max =
        connector.integer<std::uint32_t>("page_max", {1, 100'000}, profile.read.page_max);
    settings.batch_max =
        connector.integer<std::size_t>("batch_max", {1, 10'000}, settings.batch_max);
    profile.read.page_min = std::min(profile.read.page_min, profile.read.page_max);
    profile.timeout = connector.milliseconds(
        "timeout_ms", {10, 600'000}, std::chrono::duration_cast<milliseconds>(profile.timeout));
    read_credentials(connector.table("auth"), settings);
    read_push(connector, settings);
    rest::read_asks(connector.table("asks"), profile.asks);
    rest::read_operations(connector.table("operations"), profile.operations);
}

MappingDefaults defaults_of(const Profile& profile) {
    return {.key = profile.key,
            .marker = profile.marker,
            .marker_write_path = profile.marker_write_path,
            .changed = profile.changed,
            .changed_format = profile.changed_format,
            .text_only = profile.text_only,
            .trim = profile.trim,
            .false_is_null = profile.false_is_null,
            .may_create_with = true,
            .timestamp_format = profile.timestamp_format,
            .timestamp_decimals = profile.timestamp_decimals,
            .boxes = profile.boxes};
}

}  // namespace

std::vector<rest::CredentialKey> rest::credentials_of(AuthKind kind) {
    static constexpr CredentialKey kUser{"username", "user's name"};
    static constexpr CredentialKey kPassword{"password", "password", true};
    static constexpr CredentialKey kToken{"token", "token or key", true};
    static constexpr CredentialKey kClient{"client_id", "client's id"};
    static constexpr CredentialKey kClientSecret{"client_secret", "client's secret", true};
    switch (kind) {
        case AuthKind::kNone: return {};
        case AuthKind::kBasic:
        case AuthKind::kPassword:
        case AuthKind::kSession: return {kUser, kPassword};
        case AuthKind::kBearer:
        case AuthKind::kApiKey: return {kToken};
        case AuthKind::kClientCredentials: return {kClient, kClientSecret};
        case AuthKind::kJwtBearer:
            return {kClient,
                    {"username", "user's name, on whose behalf"},
                    {"private_key", "private key in PEM", true}};
        case AuthKind::kRefreshToken: return {kClient, {"refresh_token", "refresh token", true}};
        case AuthKind::kOauth1: return {kClient, kClientSecret, {"token_id", "token's id"}, kToken};
    }
    return {};
}

Result<rest::Profile> load_named_profile(const std::string& profile,
                                         const ConnectorContext& context) {
    const std::filesystem::path file = profile_file(profile, context);
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored)) return rest::load_profile(file);
    const bool is_path = file.extension() == ".toml" && profile.ends_with(".toml");
    const std::string places =
        is_path ? "a path is taken from the folder of the file that names it, " +
                      context.config_dir.string()
                : "a name is looked for in " + context.profile_dir.string() +
                      "; a profile elsewhere is named by its path, which ends in .toml";
    return fail(ErrorKind::kInvalid,
                "`connector.profile`: there is no " + file.string() + "; " + places);
}

std::unique_ptr<Connector> make_rest_connector(std::shared_ptr<const Settings> settings,
                                               std::shared_ptr<rest::Session> session,
                                               std::unique_ptr<HttpClient> http,
                                               const Clock& clock) {
    auto metered =
        std::make_unique<rest::MeteredClient>(std::move(http), settings->profile.quota, clock);
    rest::MeteredClient& meter = *metered;
    return std::make_unique<RestConnector>(
        rest::Door::Parts{std::move(settings), std::move(session), std::move(metered), clock},
        meter);
}

Result<std::shared_ptr<const Settings>> read_rest_settings(TomlReader& connector,
                                                           TomlReader& objects,
                                                           const ConnectorContext& context) {
    auto settings = std::make_shared<Settings>();
    auto profile = load_named_profile(connector.text("profile"), context);
    if (!profile) return fail(profile.error());
    settings->profile = std::move(*profile);
    read_settings(connector, *settings);
    settings->objects = read_object_mappings(objects, defaults_of(settings->profile), context.view);
    for (const ObjectMapping& object : settings->objects) {
        const bool upserts = settings->profile.has_upsert && !object.marker.empty();
        if (!upserts || object.created_with.empty()) continue;
        objects.table(object.object.text)
            .problem("create",
                     "would be set again by each upsert, which is how this profile "
                     "creates; leave out the marker or this table");
    }
    return settings;
}

Result<ConnectorFactory> make_rest(TomlReader& connector, TomlReader& objects,
                                   const ConnectorContext& context) {
    auto read = read_rest_settings(connector, objects, context);
    if (!read) return fail(read.error());
    std::shared_ptr<const Settings> settings = *std::move(read);
    auto session = std::make_shared<rest::Session>(settings, context.clock);
    const Clock& clock = context.clock;
    return [settings, session, &clock]() -> Result<std::unique_ptr<Connector>> {
        CurlClient::Options options;
        options.connect_timeout = settings->profile.connect_timeout;
        options.response_bytes_max = settings->profile.response_bytes_max;
        options.proxy = settings->proxy;
        options.ca_file = settings->ca_file;
        return make_rest_connector(settings, session, std::make_unique<CurlClient>(options), clock);
    };
}

}  // namespace syncline::agent
