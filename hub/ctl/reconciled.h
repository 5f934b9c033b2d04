#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "hub/core/reconciliation.h"
#include "hub/ctl/output.h"
#include "hub/ctl/session.h"

/// What the newest reconciliations came to, over all partitions.
namespace syncline::ctl {

/// A platform's records of one object.
struct ReconciledView {
    PlatformId platform;
    ObjectName object;
    std::set<ReconcileRequest> requests;  ///< One, but while a run is under way.
    std::uint64_t partitions = 0;         ///< That have a result of the newest request.
    Timestamp began_at;                   ///< Of the newest request.
    Timestamp compared_at;                ///< The last partition's.
    hub::ReconciledObject sum;            ///< Of the newest request; `verified_through`: the least.
    std::vector<std::pair<Partition, Drift>> drifts;
    std::set<Partition> differing;  ///< Partitions of which the hub does not know the same.
};

/// Sorted by object, then platform. `partitions`: how many there are.
[[nodiscard]] std::vector<ReconciledView> gather(const std::vector<hub::Reconciliation>& all,
                                                 std::uint16_t partitions);

/// Up to when both sides of an object are proven to hold what they should.
struct VerifiedPair {
    ObjectName object;
    PlatformId one;
    PlatformId other;
    Timestamp through;  ///< 0: never.
};
[[nodiscard]] std::vector<VerifiedPair> pairs_of(const std::vector<ReconciledView>& views);

/// A table of them, and `pairs` for JSON.
void show_pairs(Output& out, const std::vector<ReconciledView>& views);

/// kNotFound: no such stream. What cannot be decoded is in `damaged`.
[[nodiscard]] Result<std::vector<hub::Reconciliation>> read_reconciliations(
    Session& session, std::vector<std::string>& damaged);

}  // namespace syncline::ctl
