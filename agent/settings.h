#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/core/mapping.h"
#include "agent/core/mass_change.h"
#include "agent/core/pacing.h"
#include "agent/core/quota.h"
#include "shared/base/timestamp.h"
#include "shared/model/ids.h"
#include "shared/policy/ask.h"

namespace syncline::agent {

/// A question that the platform answers, and what may be said when it does not.
struct AskSettings {
    AskForm form;
    Duration fresh{0};  ///< An answer is given again for so long without asking.
    Duration stale{0};  ///< And for so long where the platform does not answer.
    std::optional<Fields> fallback;
};

/// An operation that workflows may ask for.
struct OperationSettings {
    AskForm form;  ///< Its deadline is the longest time for the platform's answer.
    OnDoubt on_doubt = OnDoubt::kTell;
};

/// What steers an agent; agent_config.h reads it from TOML. Defaults stand here and nowhere else.
struct AgentSettings {
    PlatformId platform;
    std::vector<MappedObject> objects;
    std::string version;  ///< Of the program, for presence.
    std::string run;      ///< Of this process: tells two that share a copied store apart.

    struct Spool {
        std::uint64_t bytes = 256u << 20;            ///< Of entries without receipt.
        std::uint64_t receipted_bytes = 4ull << 30;  ///< Of entries kept after their receipt.
        std::uint64_t entries_max = 200'000;         ///< Without receipt, until reading pauses.
        std::uint64_t message_bytes = 1'000'000;     ///< The largest body of a message.
        Duration retention{std::chrono::hours{24}};  ///< Kept this long after the receipt.
        std::uint64_t rejects_max = 10'000;
    } spool;

    struct Reading {
        Duration poll{std::chrono::seconds{5}};
        std::uint32_t batch_records = 500;
        std::uint64_t fetches_max = 10'000;  ///< Records to be fetched, until reading pauses.
        /// After a write, a record that differs from what was read back is fetched, not believed.
        Duration settle{std::chrono::minutes{1}};
        RetrySchedule retry{std::chrono::seconds{1}, std::chrono::minutes{5}};
    } reading;

    struct Writing {
        std::uint32_t concurrency = 4;
        std::uint32_t window = 256;  ///< Commands taken from the stream and not finished.
        Budget budget;
        RetrySchedule retry{std::chrono::seconds{1}, std::chrono::minutes{5}};
        Breaker::Settings breaker;
        Duration denied_pause{std::chrono::seconds{60}};
        Duration throttle_max{std::chrono::minutes{15}};  ///< Longest pause that is believed.
    } writing;

    struct Publishing {
        std::uint32_t window = 256;  ///< Published and not acknowledged.
        RetrySchedule retry{std::chrono::milliseconds{500}, std::chrono::seconds{30}};
        RetrySchedule receipt{std::chrono::seconds{30}, std::chrono::minutes{10}};
        std::uint32_t probe = 64;  ///< Entries published again when a receipt does not come.
    } publishing;

    struct Asking {
        std::vector<AskSettings> asks;
        Breaker::Settings breaker{.failures_max = 5,
                                  .pause = {std::chrono::seconds{1}, std::chrono::seconds{30}}};
    } asking;

    struct Operating {
        std::vector<OperationSettings> operations;
        /// What became of an operation is known so long, and longer until the hub's receipt.
        Duration retention{std::chrono::days{90}};
    } operating;

    MassSettings breaker;
    Rate rate;
    QuotaSettings quota;
    Duration presence{std::chrono::seconds{10}};
    Duration watch{std::chrono::seconds{5}};  ///< How often the streams' identity is looked at.
};

}  // namespace syncline::agent
