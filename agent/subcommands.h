#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "agent/connector_command.h"
#include "agent/init/init_command.h"
#include "agent/probe_command.h"

namespace syncline::agent {

/// `syncline-agent check FILE`: says whether an agent would take it, or every problem. The exit
/// code.
[[nodiscard]] int check_agent_file(const std::filesystem::path& file);

/// What `syncline-agent` does beside running as an agent, for people: each by a word of its own.
class Subcommands {
public:
    /// `app` must outlive this.
    explicit Subcommands(CLI::App& app);
    Subcommands(const Subcommands&) = delete;
    Subcommands& operator=(const Subcommands&) = delete;

    /// After parsing: was one asked for?
    [[nodiscard]] bool any() const;
    /// The program's exit code.
    int run() const;

private:
    struct Subcommand {
        CLI::App* app;
        std::function<int()> run;
    };
    void add_cases(CLI::App& app);
    void add_connector_test(CLI::App& app);
    void add_init(CLI::App& app);
    void add_check(CLI::App& app);
    void add_probe(CLI::App& app);
    void add_triggers(CLI::App& app);
    int run_probe();

    std::vector<Subcommand> all_;
    std::vector<std::filesystem::path> case_files_;
    bool cases_as_json_ = false;
    ConnectorTest connector_test_;
    InitOptions init_;
    std::filesystem::path check_file_;
    std::filesystem::path probe_file_;
    ProbeOptions probe_options_;
    std::string probe_write_;  ///< OBJECT/RECORD.
    bool probe_as_json_ = false;
    std::filesystem::path triggers_file_;
};

}  // namespace syncline::agent
