#pragma once

#include <memory>

#include "agent/connectors/connector.h"
#include "agent/connectors/file/settings.h"
#include "agent/connectors/registry.h"
#include "shared/base/clock.h"

namespace syncline::agent {

/// CSV, JSONL and fixed-width files that somebody drops in a folder, and JSONL files with what the
/// platform shall hold in another: the way into systems that know nothing but files. README.md here
/// tells the formats. A drop holds no state, so there is no full read, no fetch() and no find().
/// Durability: a file leaves the inbox only after stored() said that its last row is durable here;
/// a command's file is synced before write() returns, under a name that repeating overwrites.
[[nodiscard]] std::unique_ptr<Connector> make_file_connector(file::Settings settings,
                                                             const Clock& clock);

/// The entry of the registry.
Result<ConnectorFactory> make_file(TomlReader& connector, TomlReader& objects,
                                   const ConnectorContext& context);

}  // namespace syncline::agent
