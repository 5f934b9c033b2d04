#include "agent/connectors/sql/sql_config.h"

#include <algorithm>
#include <optional>

#include "agent/core/mapping_toml.h"

namespace syncline::agent::sql {
namespace {

constexpr TomlReader::Choice<MariadbTls> kMariadbTls[] = {
    {"disable", MariadbTls::kDisable},
    {"require", MariadbTls::kRequire},
    {"verify-full", MariadbTls::kVerifyFull},
};

/// So that the names of triggers, which begin with it, have room for the object's.
bool is_outbox_name(std::string_view name) {
    constexpr std::size_t kMost = 30;
    return !name.empty() && name.size() <= kMost && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

CommonConfig read_common(TomlReader& read) {
    CommonConfig config;
    config.lag = read.milliseconds("lag_ms", {1'000, 86'400'000}, config.lag);
    config.outbox_table = read.text("outbox_table", config.outbox_table);
    if (!is_outbox_name(config.outbox_table)) {
        read.problem("outbox_table", "must be 1 to 30 letters, digits and _");
    }
    config.statement_timeout =
        read.milliseconds("statement_timeout_ms", {100, 600'000}, config.statement_timeout);
    return config;
}

std::optional<std::chrono::minutes> parse_zone(std::string_view text) {
    using std::chrono::minutes;
    constexpr minutes kMost{13 * 60};
    if (text == "UTC") return minutes{0};
    const auto digit = [&](std::size_t at) { return text[at] - '0'; };
    const bool shaped = text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':' &&
                        std::ranges::all_of(std::string{text[1], text[2], text[4], text[5]},
                                            [](char c) { return c >= '0' && c <= '9'; });
    if (!shaped || digit(4) > 5) return std::nullopt;
    const minutes size{(digit(1) * 10 + digit(2)) * 60 + digit(4) * 10 + digit(5)};
    if (size > kMost) return std::nullopt;
    return text[0] == '-' ? -size : size;
}

/// A name that goes quoted into statements, triggers among them that a person runs.
void check_name(TomlReader& table, std::string_view key, const std::string& name) {
    const bool plain = std::ranges::none_of(name, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == '\'' || c == '`';
    });
    if (!plain) table.problem(key, "holds a quote, a backslash or a control character");
}

void check_column(TomlReader& table, std::string_view key, const std::string& name) {
    check_name(table, key, name);
    if (name.find('.') != std::string::npos) {
        table.problem(key, "names one column, so it has no dot: nothing inside a column is mapped");
    }
}

void check_object(TomlReader& table, const ObjectMapping& mapping, bool outbox) {
    check_name(table, "native", mapping.native);
    check_column(table, "key", mapping.key);
    check_column(table, "marker", mapping.marker);
    check_column(table, "changed", mapping.changed);
    TomlReader fields = table.table("fields");
    for (const FieldMapping& field : mapping.fields) {
        check_column(fields, field.field.text, field.path);
    }
    if (mapping.filter.find('?') != std::string::npos) {
        table.problem("filter", "must not hold a question mark, which stands for a parameter");
    }
    if (!outbox && mapping.changed.empty()) {
        table.problem("changed",
                      "is missing: name the column that is stamped with the moment of each change, "
                      "or set `outbox = true` and install what `syncline-agent triggers` prints");
    }
}

}  // namespace

MariadbConfig parse_mariadb_config(TomlReader& read) {
    MariadbConfig config;
    config.host = read.text("host");
    config.port = read.integer<std::uint16_t>("port", {1, 65'535}, config.port);
    config.database = read.text("database");
    check_name(read, "database", config.database);
    config.user = read.text("user");
    config.password = read.optional_secret("password");
    config.tls = read.choice("tls", kMariadbTls, config.tls);
    config.tls_ca = read.text("tls_ca", config.tls_ca);
    config.tls_certificate = read.text("tls_certificate", config.tls_certificate);
    config.tls_key = read.text("tls_key", config.tls_key);
    if (config.tls_certificate.empty() != config.tls_key.empty()) {
        read.problem(config.tls_key.empty() ? "tls_certificate" : "tls_key",
                     "needs the other one of tls_certificate and tls_key");
    }
    const auto zone = parse_zone(read.text("time_zone", "UTC"));
    if (zone) {
        config.zone = *zone;
    } else {
        read.problem("time_zone", "must be \"UTC\" or an offset such as \"+02:00\", at most 13 h");
    }
    config.common = read_common(read);
    config.connect_timeout =
        read.milliseconds("connect_timeout_ms", {100, 120'000}, config.connect_timeout);
    config.lock_timeout =
        read.milliseconds("lock_timeout_ms", {1'000, 600'000}, config.lock_timeout);
    return config;
}

SqliteConfig parse_sqlite_config(TomlReader& read, const std::filesystem::path& config_dir) {
    SqliteConfig config;
    config.file = read.text("file");
    if (config.file.is_relative()) config.file = config_dir / config.file;
    config.common = read_common(read);
    config.busy_timeout = read.milliseconds("busy_timeout_ms", {10, 600'000}, config.busy_timeout);
    return config;
}

std::vector<SqlObject> parse_sql_objects(TomlReader& objects, const ObjectDefaults& defaults) {
    MappingDefaults shared;
    shared.timestamp_decimals = 0;  // DATETIME and CURRENT_TIMESTAMP keep whole seconds.
    shared.changed_format = defaults.stamp_format;
    shared.timestamp_format = defaults.timestamp_format;
    std::vector<SqlObject> parsed;
    for (ObjectMapping& mapping : read_object_mappings(objects, shared)) {
        TomlReader table = objects.table(mapping.object.text);
        const bool outbox = table.boolean("outbox", false);
        check_object(table, mapping, outbox);
        parsed.push_back({std::move(mapping), outbox ? Detection::kOutbox : Detection::kStamp});
    }
    return parsed;
}

}  // namespace syncline::agent::sql
