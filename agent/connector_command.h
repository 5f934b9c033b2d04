#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace syncline::agent {

/// `syncline-agent connector test FILE`. In the agent, not in synclinectl: the connectors are
/// compiled into it, it reads this file anyway, and it runs where the program runs; nobody who
/// writes such a program needs a NATS for it.
struct ConnectorTest {
    std::filesystem::path file;    ///< The agent's own.
    std::string write;             ///< An object to make, change and delete a record of; or empty.
    std::vector<std::string> set;  ///< "FIELD=VALUE" of that record.
    bool as_json = false;
};

/// Prints a line for each check, or one JSON document, and says beforehand that it writes. The
/// program's exit code: 0 all hold, 1 some do not, 2 the file or the flags are not sound.
int run_connector_test(const ConnectorTest& test);

}  // namespace syncline::agent
