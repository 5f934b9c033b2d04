#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "agent/connectors/registry.h"
#include "agent/settings.h"
#include "shared/base/log.h"
#include "shared/base/result.h"
#include "shared/nats/nats_options.h"
#include "shared/telemetry/tracer.h"

namespace syncline::agent {

/// What an agent's file may say; configs/agent.toml lists it all.
struct AgentConfig {
    AgentSettings settings;
    std::filesystem::path store;  ///< The one file of this agent's own; relative to the file.
    nats::NatsOptions nats;
    log::Options log;
    telemetry::TracerSettings telemetry;
    ConnectorFactory connector;
    std::string connector_kind;  ///< "rest"
    PlatformLists lists;
    bool standby = false;  ///< Others of this platform run, of which one is active: see lease.h.
};

/// kInvalid: every problem of the file, one a line. Touches no network.
[[nodiscard]] Result<AgentConfig> load_agent_config(const std::filesystem::path& file,
                                                    const Clock& clock,
                                                    const MappingView& view = {});
[[nodiscard]] Result<AgentConfig> parse_agent_config(std::string_view text, std::string_view file,
                                                     const ConnectorContext& context);

}  // namespace syncline::agent
