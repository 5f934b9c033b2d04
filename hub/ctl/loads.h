#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/ctl/cluster.h"
#include "hub/ctl/output.h"

/// Full reads of platforms that agents have under way, by their presence. Pure.
namespace syncline::ctl {

/// One that is under way: a first load, a full read that was asked for, or a backfill.
struct Load {
    std::string platform;
    std::string what;  ///< "first load", "full read", "backfill", "dry run".
    std::uint64_t read = 0;
    std::optional<std::uint64_t> total;  ///< Where the platform can be asked.
    std::uint64_t per_second = 0;
    Timestamp began_at;
    bool waits = false;  ///< For something else to end.
};
[[nodiscard]] std::vector<Load> loads_of(const Presence& agent);

/// "[########------------]  40 %"; empty if the total is not known.
[[nodiscard]] std::string progress_bar(const Load& load);
/// Until it is done by the rate of now: "3 min"; "-" if that cannot be told.
[[nodiscard]] std::string remaining_text(const Load& load);
/// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);
/// All of it in one line, for a terminal that shows it again and again.
[[nodiscard]] std::string line_of(const Load& load);

/// A table, if there is any.
void show_loads(Output& out, const Cluster& cluster);

}  // namespace syncline::ctl
