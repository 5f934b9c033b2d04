#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace syncline::agent {

/// `syncline-agent init`.
struct InitOptions {
    std::string profile;                ///< Name or path; empty: asked for, or --connector.
    std::string connector;              ///< Kind; empty: `rest`, or asked for.
    std::vector<std::string> settings;  ///< KEY=VALUE. If there are any, nothing is asked.
    std::filesystem::path profiles;     ///< Folder of the profiles; empty: as an agent would look.
    std::filesystem::path output;       ///< Empty: PLATFORM.toml.
    bool force = false;                 ///< A file that is there is replaced.
    bool list = false;                  ///< Only says which profiles and connectors there are.
    bool probe = false;                 ///< `probe` follows.
};

/// Asks what an agent's file needs, writes it with comments, and makes sure that an agent would
/// take it. Reads answers from standard input, a line each. The program's exit code: 0 it is
/// written, 1 it cannot be written, or what --probe found; 2 an answer or an option is wrong, or
/// the file is there already: nothing is written.
int run_init_command(const InitOptions& options);

}  // namespace syncline::agent
