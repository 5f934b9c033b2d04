#pragma once

#include "agent/connectors/registry.h"
#include "shared/base/result.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent {

/// `kind = "postgres"`: ConnectorKind::make. See README.md in this folder.
[[nodiscard]] Result<ConnectorFactory> make_postgres(TomlReader& connector, TomlReader& objects,
                                                     const ConnectorContext& context);

/// ConnectorKind::columns of the same.
[[nodiscard]] Result<std::vector<TableColumn>> postgres_columns(TomlReader& connector,
                                                                const std::string& native,
                                                                const ConnectorContext& context,
                                                                const std::stop_token& stop);

}  // namespace syncline::agent
