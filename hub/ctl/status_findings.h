#pragma once

#include <map>
#include <vector>

#include "hub/ctl/cluster.h"
#include "hub/ctl/output.h"

namespace syncline::ctl {

/// What is wrong, or worth knowing, about a cluster: the findings of `status`. Pure.
[[nodiscard]] std::vector<Finding> judge(const Cluster& cluster);

/// The open exceptions in numbers. Those that are not material are counted apart.
struct Waiting {
    std::map<ExceptionSeverity, std::uint64_t> by_severity;
    std::uint64_t all = 0;
    std::uint64_t overdue = 0;
    std::uint64_t unassigned = 0;
    std::uint64_t immaterial = 0;
};
[[nodiscard]] Waiting waiting_of(const Cluster& cluster);

/// An agent that was not heard of for this long is silent; it announces itself every 10 s.
inline constexpr Duration kAgentSilent = std::chrono::seconds{30};
/// Inputs behind the mark from which on a partition counts as lagging.
inline constexpr std::uint64_t kLagMuch = 10'000;
/// Entries without receipt from which on a spool counts as filling: half of the default limit.
inline constexpr std::uint64_t kSpoolEntriesMuch = 100'000;
inline constexpr std::uint64_t kSpoolBytesMuch = 128u << 20;

}  // namespace syncline::ctl
