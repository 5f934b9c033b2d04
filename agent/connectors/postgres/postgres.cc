#include "agent/connectors/postgres/postgres.h"

#include "agent/connectors/postgres/postgres_config.h"
#include "agent/connectors/postgres/postgres_connector.h"
#include "agent/connectors/postgres/table.h"
#include "agent/core/mapping_toml.h"

namespace syncline::agent {

Result<ConnectorFactory> make_postgres(TomlReader& connector, TomlReader& objects,
                                       const ConnectorContext& context) {
    constexpr int kTimestampDecimals = 6;  // PostgreSQL keeps microseconds.
    return ConnectorFactory{
        [config = postgres::parse_postgres_config(connector),
         mappings = read_object_mappings(objects, {.timestamp_decimals = kTimestampDecimals},
                                         context.view),
         clock = &context.clock] { return postgres::make_postgres(config, mappings, *clock); }};
}

namespace {

TableColumn shown_column(const postgres::Column& column) {
    using postgres::SqlType;
    TableColumn out{.name = column.name, .is_unique = column.unique};
    switch (column.type) {
        case SqlType::kBool: out.type = "bool"; break;
        case SqlType::kDecimal:
        case SqlType::kFloat: out.type = "decimal"; break;
        case SqlType::kDate: out.type = "date"; break;
        case SqlType::kTimestamp:
        case SqlType::kTimestampTz: out.type = "timestamp"; break;
        case SqlType::kArray: out.type = "string"; break;
        case SqlType::kJson: out.is_usable = false; break;
        default: break;
    }
    return out;
}

}  // namespace

Result<std::vector<TableColumn>> postgres_columns(TomlReader& connector, const std::string& native,
                                                  const ConnectorContext& context,
                                                  const std::stop_token& stop) {
    const auto config = postgres::parse_postgres_config(connector);
    const auto target = postgres::connection_target(config, postgres::Role::kSql);
    if (!target) return fail(target.error());
    auto session = postgres::Session::open(*target, context.clock, stop);
    if (!session) return fail(session.error());
    const auto found = postgres::all_columns(*session, native, stop);
    if (!found) return fail(found.error());
    std::vector<TableColumn> columns;
    for (const postgres::Column& column : *found) columns.push_back(shown_column(column));
    return columns;
}

}  // namespace syncline::agent
