#pragma once

#include <string>

#include "agent/connectors/registry.h"
#include "agent/connectors/sql/sql_config.h"
#include "agent/connectors/sql/sql_connector.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent {

/// `kind = "mariadb"` and `kind = "sqlite"`: ConnectorKind::make. See README.md in this folder.
[[nodiscard]] Result<ConnectorFactory> make_mariadb(TomlReader& connector, TomlReader& objects,
                                                    const ConnectorContext& context);
[[nodiscard]] Result<ConnectorFactory> make_sqlite(TomlReader& connector, TomlReader& objects,
                                                   const ConnectorContext& context);

/// ConnectorKind::triggers of the same.
[[nodiscard]] std::string print_mariadb_triggers(TomlReader& connector, TomlReader& objects,
                                                 const ConnectorContext& context);
[[nodiscard]] std::string print_sqlite_triggers(TomlReader& connector, TomlReader& objects,
                                                const ConnectorContext& context);

/// ConnectorKind::columns of the same.
[[nodiscard]] Result<std::vector<TableColumn>> mariadb_columns(TomlReader& connector,
                                                               const std::string& native,
                                                               const ConnectorContext& context,
                                                               const std::stop_token& stop);
[[nodiscard]] Result<std::vector<TableColumn>> sqlite_columns(TomlReader& connector,
                                                              const std::string& native,
                                                              const ConnectorContext& context,
                                                              const std::stop_token& stop);

namespace sql {

/// What a connector needs. `clock` outlives it.
[[nodiscard]] SqlSettings mariadb_settings(const MariadbConfig& config,
                                           std::vector<SqlObject> objects, const Clock& clock);
[[nodiscard]] SqlSettings sqlite_settings(const SqliteConfig& config,
                                          std::vector<SqlObject> objects, const Clock& clock);

/// How SQLite's CURRENT_TIMESTAMP writes a moment.
inline constexpr std::string_view kSqliteStampFormat = "%Y-%m-%d %H:%M:%S";

}  // namespace sql
}  // namespace syncline::agent
