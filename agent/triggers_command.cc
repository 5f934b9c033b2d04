#include "agent/triggers_command.h"

#include <cstdio>

#include "agent/agent_config.h"
#include "agent/connectors/registry.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent {

int run_triggers_command(const std::filesystem::path& file, const Clock& clock) {
    const auto complain = [](const Error& error) {
        std::fprintf(stderr, "syncline-agent: %s\n", error.what.c_str());
        return 2;
    };
    // All of the file's problems first: what is printed is run in a database.
    if (const auto sound = load_agent_config(file, clock); !sound) return complain(sound.error());
    auto root = TomlReader::load(file);
    if (!root) return complain(root.error());
    const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
    const auto sql = connector_triggers(*root, {clock, folder, folder});
    if (!sql) return complain(sql.error());
    std::fputs(sql->c_str(), stdout);
    return 0;
}

}  // namespace syncline::agent
