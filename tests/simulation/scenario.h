#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/planted.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

struct RunOptions {
    std::uint64_t seed = 1;
    Planted planted = Planted::kNone;
    std::string with;     ///< Faults that happen in any case.
    std::string without;  ///< Beginnings of the faults that do not happen, with blanks between.
    bool brief = false;   ///< People and faults for a minute, instead of several.
    bool trace = false;   ///< Keep the lines for a timeline.
    bool print = false;   ///< Print every line as it happens.
};

/// What became of one world.
struct RunResult {
    std::uint64_t seed = 0;
    std::vector<Violation> violations;
    std::vector<std::string> faults;
    std::vector<std::string> timeline;  ///< Only with RunOptions::trace.
    std::string setup;                  ///< One line for people.
    std::uint64_t hash = 0;
    std::uint64_t events = 0;
    std::uint64_t edits = 0;
    std::uint64_t effects = 0;   ///< Applied by Syncline on platforms.
    std::uint64_t injected = 0;  ///< Faults that struck as such, beside the rates.
    std::uint64_t deaths = 0;
    Duration simulated{0};
};

/// Runs the world of one seed: people and faults for some minutes, then everything heals, then
/// everything must come to rest and be right.
[[nodiscard]] RunResult run_world(const RunOptions& options);

}  // namespace syncline::sim
