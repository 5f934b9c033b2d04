#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "shared/nats/link.h"
#include "tests/simulation/sim_executor.h"

namespace syncline::sim {

/// Bugs that can be planted, to see the checkers catch them: a checker counts only after that. Each
/// sits in a wrapper of an interface of the product or in a layer of the simulator, so the product
/// has no switches for them. planted.cc says what each does.
enum class Planted : std::uint8_t {
    kNone,
    kDropCas,
    kDropKeyCas,
    kStateNotStored,
    kExceptionLost,
    kIgnoreAmnesia,
    kNoResend,
    kReceiptBeforeMark,
    kTrimOnAck,
    kCommandLost,
    kAnyGeneration,
    kEchoForgotten,
    kBlindRetry,
    kAmbiguousIsFailure,
    kAmbiguousIsSuccess,
    kFindMisses,
    kNoOverlap,
    kCursorAhead,
    kDeleteIgnored,
    kLyingSync,
    kNonOwnerAccepted,
};

struct PlantedBug {
    Planted bug;
    std::string_view name;
    std::string_view what;
    std::uint32_t seeds;      ///< Within how many it must be caught.
    std::string_view faults;  ///< Kinds that such a world has besides its own; by blanks.
};

[[nodiscard]] std::span<const PlantedBug> planted_bugs();
[[nodiscard]] const PlantedBug* find_planted(std::string_view name);
[[nodiscard]] const PlantedBug* find_planted(Planted bug);

/// A command's true generation and fence, where a planted bug has hidden them: in its trace.
[[nodiscard]] std::string disguise(std::uint64_t generation, std::uint64_t fence);
[[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>> undisguise(
    const std::string& trace);

/// Which program a link is for.
enum class Role : std::uint8_t { kHub, kAgent };

/// A link that has the bug; null if the bug is not in links of that role.
[[nodiscard]] std::unique_ptr<nats::Link> plant_link(Planted bug, Role role, World& world,
                                                     nats::Link& inner);
/// An executor that has the bug, or is as it should be.
[[nodiscard]] std::unique_ptr<SimExecutor> plant_executor(Planted bug, World& world,
                                                          Platform& platform, Ticket ticket);
/// The policy that hubs are given.
[[nodiscard]] std::string plant_policy(Planted bug, std::string text);

}  // namespace syncline::sim
