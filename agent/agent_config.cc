#include "agent/agent_config.h"

#include <algorithm>
#include <array>

#include "agent/core/quota_toml.h"
#include "shared/base/nearest_name.h"
#include "shared/base/toml_reader.h"
#include "shared/nats/options_toml.h"
#include "shared/policy/policy_toml.h"

namespace syncline::agent {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

Duration milliseconds(TomlReader& table, std::string_view key, std::int64_t most, Duration value) {
    return table.milliseconds(key, {1, most},
                              std::chrono::duration_cast<std::chrono::milliseconds>(value));
}

void read_spool(TomlReader table, AgentSettings::Spool& spool) {
    spool.bytes = table.integer("bytes", {1 << 20, INT64_MAX}, spool.bytes);
    spool.receipted_bytes =
        table.integer("receipted_bytes", {1 << 20, INT64_MAX}, spool.receipted_bytes);
    spool.entries_max = table.integer("entries_max", {100, INT64_MAX}, spool.entries_max);
    spool.message_bytes = table.integer("message_bytes", {1'024, 1 << 20}, spool.message_bytes);
    spool.retention = milliseconds(table, "retention_ms", 90 * kDayMs, spool.retention);
    spool.rejects_max = table.integer("rejects_max", {1, INT64_MAX}, spool.rejects_max);
}

void read_reading(TomlReader table, AgentSettings::Reading& reading) {
    reading.batch_records = table.integer("batch_records", {1, 100'000}, reading.batch_records);
    reading.fetches_max = table.integer("fetches_max", {1, INT64_MAX}, reading.fetches_max);
    reading.settle = milliseconds(table, "settle_ms", kDayMs, reading.settle);
    reading.retry.first = milliseconds(table, "retry_first_ms", kDayMs, reading.retry.first);
    reading.retry.most = milliseconds(table, "retry_most_ms", kDayMs, reading.retry.most);
}

void read_writing(TomlReader table, AgentSettings::Writing& writing) {
    writing.concurrency = table.integer("concurrency", {1, 64}, writing.concurrency);
    writing.window = table.integer("window", {1, 65'536}, writing.window);
    writing.budget.attempts_max =
        table.integer("attempts_max", {1, 1'000}, writing.budget.attempts_max);
    writing.budget.time = milliseconds(table, "budget_ms", 30 * kDayMs, writing.budget.time);
    writing.retry.first = milliseconds(table, "retry_first_ms", kDayMs, writing.retry.first);
    writing.retry.most = milliseconds(table, "retry_most_ms", kDayMs, writing.retry.most);
    writing.denied_pause = milliseconds(table, "denied_pause_ms", kDayMs, writing.denied_pause);
    writing.throttle_max = milliseconds(table, "throttle_max_ms", kDayMs, writing.throttle_max);
}

void read_publishing(TomlReader table, AgentSettings::Publishing& publishing) {
    publishing.window = table.integer("window", {1, 65'536}, publishing.window);
    publishing.retry.first = milliseconds(table, "retry_first_ms", kDayMs, publishing.retry.first);
    publishing.retry.most = milliseconds(table, "retry_most_ms", kDayMs, publishing.retry.most);
    publishing.receipt.first =
        milliseconds(table, "receipt_timeout_ms", kDayMs, publishing.receipt.first);
    publishing.receipt.most =
        milliseconds(table, "receipt_timeout_most_ms", kDayMs, publishing.receipt.most);
    publishing.probe = table.integer("probe", {1, 10'000}, publishing.probe);
}

constexpr std::array kDirections{Direction::kIn, Direction::kOut};

/// What is left out is as in `limits`.
LaneLimits read_limits(TomlReader table, LaneLimits limits) {
    for (std::size_t kind = 0; kind < kMassKinds; ++kind) {
        const std::string name = name_of(static_cast<MassKind>(kind));
        MassLimit& limit = limits[kind];
        limit.on = table.boolean(name, limit.on);
        limit.count = table.integer(name + "_count", {1, INT64_MAX}, limit.count);
        limit.percent = table.integer(name + "_percent", {1, 100}, limit.percent);
    }
    return limits;
}

void read_breaker(TomlReader table, MassSettings& breaker) {
    breaker.window = milliseconds(table, "window_ms", 30 * kDayMs, breaker.window);
    breaker.percent_from = table.integer("percent_from", {1, INT64_MAX}, breaker.percent_from);
    for (const Direction direction : kDirections) {
        LaneLimits& limits = breaker.limits[static_cast<std::size_t>(direction)];
        limits = read_limits(table.table(name_of(direction)), limits);
    }
    TomlReader objects = table.table("objects");
    for (const std::string& name : objects.keys()) {
        TomlReader object = objects.table(name);
        auto& own = breaker.objects[ObjectName{name}];
        for (const Direction direction : kDirections) {
            const auto at = static_cast<std::size_t>(direction);
            own[at] = read_limits(object.table(name_of(direction)), breaker.limits[at]);
        }
    }
}

AskSettings read_ask(TomlReader in, const std::string& name) {
    AskSettings ask;
    if (!is_policy_name(name)) in.problem("", "is no name: small letters, digits and `_`");
    ask.form = read_ask_form(in, name);
    ask.fresh = in.milliseconds("cache_ms", {0, kDayMs}, std::chrono::milliseconds{0});
    ask.stale = in.milliseconds("stale_ms", {0, 30 * kDayMs}, std::chrono::milliseconds{0});
    if (auto fallback = in.optional_table("fallback")) {
        Value::Map map;
        for (const std::string& field : fallback->keys()) {
            switch (fallback->kind(field)) {
                case TomlReader::Kind::kBoolean:
                    map.emplace(field, fallback->boolean(field, false));
                    break;
                case TomlReader::Kind::kInteger:
                    map.emplace(field, fallback->integer(field, {}));
                    break;
                default: map.emplace(field, fallback->text(field));
            }
        }
        auto values = take_values(ask.form.output, Value{std::move(map)}, Unknown::kRefuse);
        if (!values) in.problem("fallback", values.error().what);
        if (values) ask.fallback = *std::move(values);
    }
    return ask;
}

void read_asking(TomlReader& root, AgentSettings::Asking& asking) {
    TomlReader asks = root.table("asks");
    for (const std::string& name : asks.keys()) {
        asking.asks.push_back(read_ask(asks.table(name), name));
    }
    TomlReader table = root.table("asking");
    asking.breaker.failures_max =
        table.integer("failures_max", {1, 1'000}, asking.breaker.failures_max);
    asking.breaker.pause.first =
        milliseconds(table, "pause_first_ms", kDayMs, asking.breaker.pause.first);
    asking.breaker.pause.most =
        milliseconds(table, "pause_most_ms", kDayMs, asking.breaker.pause.most);
}

void read_operating(TomlReader& root, AgentSettings::Operating& operating) {
    TomlReader operations = root.table("operations");
    for (const std::string& name : operations.keys()) {
        TomlReader in = operations.table(name);
        if (!is_policy_name(name)) in.problem("", "is no name: small letters, digits and `_`");
        operating.operations.push_back({.form = read_operation_form(in, name)});
    }
    TomlReader table = root.table("operating");
    operating.retention = table.milliseconds(
        "retention_ms", {kDayMs, 3'650 * kDayMs},
        std::chrono::duration_cast<std::chrono::milliseconds>(operating.retention));
}

void read_quota(TomlReader table, const ConnectorFactory& connector, QuotaSettings& quota) {
    // Not to be had of a file with problems, which are told anyway.
    if (const auto made = connector()) quota = (*made)->traits().quota;
    quota.limit = table.integer("limit", {0, 1'000'000'000'000}, quota.limit);
    quota.reserve_percent = table.integer("reserve_percent", {0, 99}, quota.reserve_percent);
    quota.reserve_calls =
        table.integer("reserve_calls", {0, 1'000'000'000'000}, quota.reserve_calls);
    if (quota.limit > 0 && quota.reserve_calls >= quota.limit) {
        table.problem("reserve_calls",
                      "leaves nothing of the limit of " + std::to_string(quota.limit) + " calls");
    }
    quota.window = read_quota_window(table, quota.window);
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

/// Every question needs a form, which hubs see, and a way to ask it, which the connector knows.
Result<void> check_asks(const AgentConfig& config) {
    const auto& asks = config.settings.asking.asks;
    if (asks.empty()) return {};
    const auto connector = config.connector();
    if (!connector) return fail(connector.error());
    const std::vector<std::string> known = (*connector)->questions();
    std::string wrong;
    for (const AskSettings& ask : asks) {
        if (std::ranges::find(known, ask.form.name) != known.end()) continue;
        wrong += (wrong.empty() ? "" : "\n") + to_string(ask.form.place) + ": `asks." +
                 ask.form.name + "` is asked in no way: [connector.asks." + ask.form.name +
                 "] is missing, or the connector answers no questions" +
                 did_you_mean(ask.form.name, known);
    }
    if (!wrong.empty()) return fail(ErrorKind::kInvalid, std::move(wrong));
    return {};
}

/// The same for operations; what is to be done with those in doubt, the connector knows.
Result<void> check_operations(AgentConfig& config) {
    auto& operations = config.settings.operating.operations;
    if (operations.empty()) return {};
    const auto connector = config.connector();
    if (!connector) return fail(connector.error());
    const std::vector<OperationTraits> known = (*connector)->operations();
    std::vector<std::string> names;
    for (const OperationTraits& one : known) names.push_back(one.name);
    std::string wrong;
    for (OperationSettings& operation : operations) {
        const std::string& name = operation.form.name;
        const auto found = std::ranges::find(known, name, &OperationTraits::name);
        if (found != known.end()) {
            operation.on_doubt = found->on_doubt;
            continue;
        }
        wrong += (wrong.empty() ? "" : "\n") + to_string(operation.form.place) + ": `operations." +
                 name + "` is carried out in no way: [connector.operations." + name +
                 "] is missing, or the connector carries out no operations" +
                 did_you_mean(name, names);
    }
    if (!wrong.empty()) return fail(ErrorKind::kInvalid, std::move(wrong));
    return {};
}

Result<AgentConfig> read_agent_config(TomlReader& root, const ConnectorContext& context) {
    AgentConfig config;
    AgentSettings& settings = config.settings;
    settings.platform = PlatformId{root.text("platform")};
    config.store = root.text("store");
    if (config.store.is_relative()) config.store = context.config_dir / config.store;
    config.nats.name = "syncline-agent/" + settings.platform.text;
    config.nats.io_buffer_bytes = 32U << 10;
    config.nats = nats::read_nats_options(root.table("nats"), config.nats);
    settings.reading.poll = milliseconds(root, "poll_ms", kDayMs, settings.reading.poll);
    config.standby = root.boolean("standby", config.standby);
    settings.presence = milliseconds(root, "presence_ms", kDayMs, settings.presence);
    settings.watch = milliseconds(root, "watch_ms", kDayMs, settings.watch);
    read_spool(root.table("spool"), settings.spool);
    read_reading(root.table("reading"), settings.reading);
    read_writing(root.table("writing"), settings.writing);
    read_publishing(root.table("publishing"), settings.publishing);
    read_breaker(root.table("breaker"), settings.breaker);
    read_asking(root, settings.asking);
    read_operating(root, settings.operating);
    TomlReader rate = root.table("rate");
    settings.rate.per_second = rate.integer("per_second", {0, 1'000'000}, settings.rate.per_second);
    settings.rate.burst = rate.integer("burst", {1, 1'000'000}, settings.rate.burst);
    read_log(root.table("log"), config.log);
    config.telemetry = telemetry::read_tracer_settings(root.table("telemetry"));
    auto connector = make_connector(root, context);
    if (connector) config.lists = make_lists(root, context);
    // Alone: what a connector did not come to read is not unknown.
    if (!connector) return fail(std::move(connector.error()));
    read_quota(root.table("quota"), *connector, settings.quota);
    if (auto done = root.finish(); !done) return fail(std::move(done.error()));
    config.connector = std::move(*connector);
    TomlReader objects = root.table("objects");
    config.settings.objects = mapped_objects(objects);
    config.connector_kind = root.table("connector").text("kind");
    if (auto checked = check_asks(config); !checked) return fail(std::move(checked.error()));
    if (auto checked = check_operations(config); !checked) {
        return fail(std::move(checked.error()));
    }
    return config;
}

}  // namespace

Result<AgentConfig> parse_agent_config(std::string_view text, std::string_view file,
                                       const ConnectorContext& context) {
    auto root = TomlReader::parse(text, file);
    if (!root) return fail(std::move(root.error()));
    return read_agent_config(*root, context);
}

Result<AgentConfig> load_agent_config(const std::filesystem::path& file, const Clock& clock,
                                      const MappingView& view) {
    auto root = TomlReader::load(file);
    if (!root) return fail(std::move(root.error()));
    const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
    // Profiles by name: beside the file, else where the package puts them.
    const std::filesystem::path shipped = "/usr/share/syncline/profiles";
    const std::filesystem::path near = folder / "profiles";
    return read_agent_config(*root,
                             {clock, folder, std::filesystem::exists(near) ? near : shipped, view});
}

}  // namespace syncline::agent
