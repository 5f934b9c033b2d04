#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/ctl/cluster.h"

/// The checks of `doctor`, on what was read. Pure.
namespace syncline::ctl {

enum class Health : std::uint8_t { kOk, kWarn, kFail };
[[nodiscard]] const char* name_of(Health health);  ///< "ok", "warn", "FAIL".

struct Check {
    Health health = Health::kOk;
    std::string code;  ///< Stable: `doctor.stream_config`.
    std::string message;
    std::string hint;  ///< Empty if all is well.
};

/// A stream's configuration as the server tells it, and its consumers.
struct StreamDetail {
    std::string name;
    Announced config;
    struct Consumer {
        std::string name;
        bool durable = false;
        std::uint64_t pending = 0;
    };
    std::vector<Consumer> consumers;
    std::uint64_t consumers_total = 0;
};

[[nodiscard]] Check check_server_version(std::string_view version, int replicas);
/// Servers that hold copies, if there is more than one.
[[nodiscard]] std::vector<Check> check_replicas(const Cluster& cluster);
[[nodiscard]] Check check_clock(std::optional<Duration> ahead);
/// The stream against what Syncline would make; other limits than ours are no mistake.
[[nodiscard]] std::vector<Check> check_stream(const nats::StreamConfig& wanted,
                                              const StreamDetail& found);
[[nodiscard]] Check check_hubs(const Cluster& cluster);
[[nodiscard]] std::vector<Check> check_agents(const Cluster& cluster);
[[nodiscard]] std::vector<Check> check_marks(const Cluster& cluster);
[[nodiscard]] std::vector<Check> check_consumers(const StreamDetail& found);

}  // namespace syncline::ctl
