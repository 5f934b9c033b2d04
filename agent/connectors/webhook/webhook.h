#pragma once

#include "agent/connectors/registry.h"
#include "shared/base/result.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent {

/// `kind = "webhook"`: ConnectorKind::make. See README.md in this folder. `[connector.write]`, if
/// it is there, is the connector of another kind that fetches and writes.
[[nodiscard]] Result<ConnectorFactory> make_webhook(TomlReader& connector, TomlReader& objects,
                                                    const ConnectorContext& context);

}  // namespace syncline::agent
