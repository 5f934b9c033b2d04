#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/core/mapping.h"
#include "shared/base/secret.h"
#include "shared/base/timestamp.h"

namespace syncline::agent::exec {

/// What a program says that it can do, and what a configuration builds upon; README.md here.
struct Capabilities {
    bool can_fetch = false;
    bool has_marker = false;
    bool create_is_idempotent = false;
    bool waits_for_changes = false;
    friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

/// One variable of the program's environment: a text, or a secret that is loaded at each start.
struct Variable {
    std::string name;
    std::string text;
    Secret secret;  ///< Counts if it is configured.
};

/// `[connector]` with `kind = "exec"`, and the mapped objects.
struct Settings {
    std::vector<std::string> command;         ///< At least the program.
    std::filesystem::path working_directory;  ///< Absolute.
    std::vector<Variable> environment;        ///< Beside these it only has PATH.
    Capabilities capabilities;
    std::chrono::milliseconds start_timeout{10'000};  ///< `start_timeout_ms`, until it said hello.
    std::chrono::milliseconds timeout{30'000};        ///< `timeout_ms`, of one answer.
    Duration read_back_lag{0};                        ///< `read_back_lag_ms`.
    std::size_t line_bytes_max = 8u << 20;            ///< Of one answer.
    std::vector<std::string> questions;               ///< `[connector.asks]`, sorted.
    std::vector<OperationTraits> operations;          ///< `[connector.operations]`, sorted.
    std::vector<ObjectMapping> objects;
};

}  // namespace syncline::agent::exec
