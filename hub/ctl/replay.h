#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/core/step.h"
#include "shared/policy/policy.h"

/// What recorded changes would lead to. Pure: the command reads, this decides.
namespace syncline::ctl {

enum class History : std::uint8_t {
    kAsStored,  ///< A change that the state has taken in already is a repetition: nothing.
    kForget,    ///< As if no change had been taken in yet.
};

/// What became of one change in memory.
struct Replayed {
    RecordKey record;
    EntityId entity;
    std::uint64_t sequence = 0;
    Revision rev;
    enum class Result : std::uint8_t {
        kRepeated,  ///< The state has it already.
        kNothing,   ///< It changes nothing.
        kDecided,   ///< It would be decided as `log` says.
    } result = Result::kNothing;
    std::optional<hub::LogEntry> log;
    std::vector<Command> commands;
};

/// Decides `change` on `state`, which becomes what would be stored.
[[nodiscard]] Replayed replay_one(const Policy& policy, hub::EntityState& state,
                                  const Change& change, const hub::Context& context,
                                  History history);

}  // namespace syncline::ctl
