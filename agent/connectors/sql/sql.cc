#include "agent/connectors/sql/sql.h"

#include <algorithm>
#include <utility>

#include "agent/connectors/sql/sqlite_session.h"
#include "agent/connectors/sql/triggers.h"

namespace syncline::agent {
namespace {

sql::ObjectDefaults sqlite_defaults() {
    const std::string format{sql::kSqliteStampFormat};
    return {.stamp_format = format, .timestamp_format = format};
}

ConnectorFactory factory_of(sql::SqlSettings settings) {
    return [settings = std::move(settings)]() -> Result<std::unique_ptr<Connector>> {
        return std::make_unique<sql::SqlConnector>(settings);
    };
}

std::vector<sql::SqlObject> in_view(std::vector<sql::SqlObject> objects, const MappingView& view) {
    std::erase_if(objects,
                  [&](const sql::SqlObject& object) { return !view.has(object.mapping.object); });
    for (sql::SqlObject& object : objects) object.mapping.with_unmapped = view.with_unmapped;
    return objects;
}

bool any_outbox(const std::vector<sql::SqlObject>& objects) {
    return std::ranges::any_of(objects, [](const sql::SqlObject& object) {
        return object.detection == sql::Detection::kOutbox;
    });
}

TableColumn shown_column(const sql::Column& column) {
    TableColumn out{.name = column.name,
                    .is_unique = column.unique,
                    .is_counted = column.generated,
                    .is_usable = column.type != sql::ColumnType::kBytes};
    switch (column.type) {
        case sql::ColumnType::kBool: out.type = "bool"; break;
        case sql::ColumnType::kNumber: out.type = "decimal"; break;
        case sql::ColumnType::kDate: out.type = "date"; break;
        case sql::ColumnType::kTimestamp: out.type = "timestamp"; break;
        default: break;
    }
    return out;
}

Result<std::vector<TableColumn>> columns_of(const sql::SqlSettings& settings,
                                            const std::string& native,
                                            const std::stop_token& stop) {
    auto session = settings.open(stop);
    if (!session) return fail(session.error());
    const auto found = (*session)->describe(native, stop);
    if (!found) return fail(found.error());
    if (!*found) {
        return fail(ErrorKind::kNotFound,
                    "there is no table `" + native + "`, or the user may not see it");
    }
    if (!(*found)->problem.empty()) {
        return fail(ErrorKind::kInvalid, "`" + native + "` cannot be used: " + (*found)->problem);
    }
    std::vector<TableColumn> columns;
    for (const sql::Column& column : (*found)->columns) columns.push_back(shown_column(column));
    return columns;
}

}  // namespace

namespace sql {

SqlSettings mariadb_settings(const MariadbConfig& config, std::vector<SqlObject> objects,
                             const Clock& clock) {
    const MariadbTarget target{.host = config.host,
                               .port = config.port,
                               .database = config.database,
                               .user = config.user,
                               .password = config.password,
                               .tls = config.tls,
                               .tls_ca = config.tls_ca,
                               .tls_certificate = config.tls_certificate,
                               .tls_key = config.tls_key,
                               .zone = config.zone,
                               .connect_limit = config.connect_timeout,
                               .statement_limit = config.common.statement_timeout,
                               .lock_limit = config.lock_timeout};
    return {.open = [target, clock = &clock](
                        const std::stop_token& stop) { return open_mariadb(target, *clock, stop); },
            .objects = std::move(objects),
            .lag = config.common.lag,
            .outbox =
                sql_identifier(config.database) + "." + sql_identifier(config.common.outbox_table),
            .outbox_table = config.common.outbox_table,
            .clock = &clock};
}

SqlSettings sqlite_settings(const SqliteConfig& config, std::vector<SqlObject> objects,
                            const Clock& clock) {
    const SqliteTarget target{.file = config.file,
                              .busy_limit = config.busy_timeout,
                              .statement_limit = config.common.statement_timeout};
    return {.open = [target, clock = &clock](
                        const std::stop_token& stop) { return open_sqlite(target, *clock, stop); },
            .objects = std::move(objects),
            .lag = config.common.lag,
            .outbox = sql_identifier(config.common.outbox_table),
            .outbox_table = config.common.outbox_table,
            .clock = &clock};
}

}  // namespace sql

Result<ConnectorFactory> make_mariadb(TomlReader& connector, TomlReader& objects,
                                      const ConnectorContext& context) {
    const auto config = sql::parse_mariadb_config(connector);
    return factory_of(sql::mariadb_settings(
        config, in_view(sql::parse_sql_objects(objects, {}), context.view), context.clock));
}

Result<ConnectorFactory> make_sqlite(TomlReader& connector, TomlReader& objects,
                                     const ConnectorContext& context) {
    const auto config = sql::parse_sqlite_config(connector, context.config_dir);
    return factory_of(sql::sqlite_settings(
        config, in_view(sql::parse_sql_objects(objects, sqlite_defaults()), context.view),
        context.clock));
}

std::string print_mariadb_triggers(TomlReader& connector, TomlReader& objects,
                                   const ConnectorContext& context) {
    std::ignore = context;
    const auto config = sql::parse_mariadb_config(connector);
    const auto parsed = sql::parse_sql_objects(objects, {});
    if (!any_outbox(parsed)) return {};
    return sql::mariadb_triggers(parsed, config.database, config.common.outbox_table);
}

std::string print_sqlite_triggers(TomlReader& connector, TomlReader& objects,
                                  const ConnectorContext& context) {
    const auto config = sql::parse_sqlite_config(connector, context.config_dir);
    const auto parsed = sql::parse_sql_objects(objects, sqlite_defaults());
    if (!any_outbox(parsed)) return {};
    return sql::sqlite_triggers(parsed, config.common.outbox_table);
}

Result<std::vector<TableColumn>> mariadb_columns(TomlReader& connector, const std::string& native,
                                                 const ConnectorContext& context,
                                                 const std::stop_token& stop) {
    const auto config = sql::parse_mariadb_config(connector);
    return columns_of(sql::mariadb_settings(config, {}, context.clock), native, stop);
}

Result<std::vector<TableColumn>> sqlite_columns(TomlReader& connector, const std::string& native,
                                                const ConnectorContext& context,
                                                const std::stop_token& stop) {
    const auto config = sql::parse_sqlite_config(connector, context.config_dir);
    return columns_of(sql::sqlite_settings(config, {}, context.clock), native, stop);
}

}  // namespace syncline::agent
