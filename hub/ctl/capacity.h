#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/timestamp.h"

/// How much of what an installation needs, from what it does and from costs that were measured.
namespace syncline::ctl {

/// One stream as it is: what comes in a day, and what is kept of it.
struct StreamLoad {
    std::string name;
    double messages = 0;  ///< That will be stored where nothing is kept by age.
    double bytes = 0;     ///< Stored now.
    double bytes_each = 0;
    double per_day = 0;  ///< Stored in a day, at the rate that was looked at.
    Duration keep{0};    ///< How long one is kept; 0: only the newest of each subject.
};

struct CapacityInputs {
    std::vector<StreamLoad> streams;
    double inputs_per_day = 0;
    double entities = 0;
    double growth = 1;  ///< So many times as much traffic and as many entities.
    double peak = 10;   ///< The busiest minute against the mean of the day.
    unsigned replicas = 1;
    std::uint64_t cached_entities = 131'072;  ///< `limits.cache_entities` of a hub.
};

/// What one unit costs; of memory the most that was ever taken while 100,000 were founded.
struct CapacityCosts {
    double hub_us_per_input;
    double server_us_per_input;
    double hub_bytes_per_entity;     ///< Of those in memory.
    double server_bytes_per_entity;  ///< Subjects of the server's index.
};
/// `tests/bench/run hub --runs 1`, 2026-11-30: two processors, NATS server 2.15.1, one copy.
inline constexpr CapacityCosts kMeasuredCosts{.hub_us_per_input = 42,
                                              .server_us_per_input = 77,
                                              .hub_bytes_per_entity = 13'800,
                                              .server_bytes_per_entity = 525};
/// Of a processor's time, what is left for what is not the daily run: take-overs, replays, GC.
inline constexpr double kBusyMost = 0.5;

struct StreamCapacity {
    std::string name;
    double now_bytes = 0;
    double bytes = 0;  ///< Once as much is kept as its age allows.
};

struct Capacity {
    double inputs_per_day = 0;
    double inputs_per_second_peak = 0;
    double entities = 0;
    double hub_inputs_per_second = 0;  ///< That one hub, with a processor of its own, decides.
    std::uint64_t hubs = 0;            ///< With one that may fail.
    double hub_memory = 0;             ///< Bytes, of each.
    double server_processors = 0;      ///< Of each server; every replica stores everything.
    double server_memory = 0;
    double server_disk = 0;
    std::vector<StreamCapacity> streams;
};

[[nodiscard]] Capacity plan_capacity(const CapacityInputs& inputs, const CapacityCosts& costs);

}  // namespace syncline::ctl
