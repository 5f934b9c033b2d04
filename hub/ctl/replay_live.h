#pragma once

#include <cstdint>
#include <string>

#include "hub/ctl/program.h"

namespace syncline::ctl {

/// Which entities hubs are to decide again, and how fast.
struct LiveReplay {
    // Those that recorded changes are about,
    std::string from = "24h";
    std::string to = "now";
    std::string platform;  ///< Of these three, what is empty does not matter.
    std::string object;
    std::string record;
    std::string exception;  ///< or that have such an exception open: its kind, `*` for any text.
    std::string reason;
    double rate = 100;  ///< Entities a second.
    std::uint64_t show = 20;
    bool yes = false;  ///< Else it is only shown what would come of it.
};

/// Has the hubs decide again what they leave alone about these entities, by the policy and the
/// values of now, and take again the inputs that exceptions keep.
[[nodiscard]] Result<Exit> replay_live(Program& program, const LiveReplay& options);

}  // namespace syncline::ctl
