#pragma once

#include "agent/connectors/registry.h"
#include "shared/base/result.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent {

/// `kind = "postgres"`: ConnectorKind::make. See README.md in this folder.
[[nodiscard]] Result<ConnectorFactory> make_postgres(TomlReader& connector, TomlReader& objects,
                                                     const ConnectorContext& context);

}  // namespace syncline::agent
