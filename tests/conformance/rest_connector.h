#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "agent/connectors/registry.h"
#include "shared/base/clock.h"
#include "tests/support/node_server.h"

namespace syncline::test {

/// A connector by an agent's TOML, with the profiles that we ship.
inline std::unique_ptr<agent::Connector> connector_from(const std::string& text) {
    static const SystemClock clock;
    auto root = TomlReader::parse(text, "agent.toml");
    if (!root) throw std::runtime_error(root.error().what);
    const std::filesystem::path source{SYNCLINE_SOURCE_DIR};
    const agent::ConnectorContext context{clock, source, source / "configs" / "profiles"};
    const auto factory = agent::make_connector(*root, context);
    if (!factory) throw std::runtime_error(factory.error().what);
    if (const auto done = root->finish(); !done) throw std::runtime_error(done.error().what);
    auto connector = (*factory)();
    if (!connector) throw std::runtime_error(connector.error().what);
    return std::move(*connector);
}

/// `{ file = "..." }` of a secret.
inline std::string secret_in(const NodeServer& server, const std::string& name,
                             const std::string& value) {
    const auto file = server.folder() / name;
    std::ofstream{file} << value;
    return "{ file = \"" + file.string() + "\" }";
}

}  // namespace syncline::test
