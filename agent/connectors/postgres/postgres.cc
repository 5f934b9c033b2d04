#include "agent/connectors/postgres/postgres.h"

#include "agent/connectors/postgres/postgres_connector.h"
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

}  // namespace syncline::agent
