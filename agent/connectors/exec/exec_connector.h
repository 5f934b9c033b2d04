#pragma once

#include <memory>

#include "agent/connectors/connector.h"
#include "agent/connectors/exec/settings.h"
#include "agent/connectors/exec/stderr_log.h"
#include "agent/connectors/registry.h"
#include "shared/base/clock.h"

namespace syncline::agent {

/// A platform behind a program of any language, which is spoken to over its standard input and
/// output; README.md here has the protocol. Each connector runs a program of its own, started by
/// connect() and, where one has ended since, by the next call; it ends with the connector. A read
/// from a program that does not answer as it should is kUnavailable, a write kAmbiguous, and the
/// program is killed with its process group. `clock` must outlive the connector.
/// Threading: as Connector; `sink` takes lines of standard error on the calling thread.
[[nodiscard]] std::unique_ptr<Connector> make_exec_connector(
    std::shared_ptr<const exec::Settings> settings, const Clock& clock, exec::StderrLog::Sink sink);

/// From the readers of `[connector]` and `[objects]`; problems are noted there. Starts nothing.
[[nodiscard]] exec::Settings read_exec_settings(TomlReader& connector, TomlReader& objects,
                                                const ConnectorContext& context);

/// The entry of the registry.
Result<ConnectorFactory> make_exec(TomlReader& connector, TomlReader& objects,
                                   const ConnectorContext& context);

}  // namespace syncline::agent
