#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/ctl/session.h"
#include "shared/policy/policy.h"
#include "shared/policy/policy_version.h"

/// The versions of the policy as the bucket `sync_policy` has them.
namespace syncline::ctl {

struct StoredVersion {
    PolicyVersion version;
    std::optional<PolicyStart> start;  ///< Version 1 needs none.
    std::vector<PolicyApproval> approvals;
    std::string refused;  ///< Why its activation was; empty: it was not.

    [[nodiscard]] bool was_in_force() const { return start.has_value() || version.number == 1; }
    /// How many different people want it.
    [[nodiscard]] std::size_t wanted_by() const;
};

struct PolicyHistory {
    std::map<std::uint64_t, StoredVersion> versions;

    /// The one in force; null: there is none.
    [[nodiscard]] const StoredVersion* active() const;
    /// The one that was in force before it; null: none was.
    [[nodiscard]] const StoredVersion* before_active() const;
    /// The number that the next version gets: above every one that hubs have relied on, also if the
    /// bucket has lost it.
    [[nodiscard]] std::uint64_t next_number() const;
    /// The newest version that the bucket is known to have had; see read_relied_on().
    std::uint64_t relied_on = 0;
};
/// kNotFound: there is no bucket: nothing is installed. kCorrupt: an entry cannot be read.
[[nodiscard]] Result<PolicyHistory> read_history(Session& session);
/// Adds what the marks of partitions rely on, for who is to number a version.
[[nodiscard]] Result<void> read_relied_on(Session& session, PolicyHistory& history);

/// The files of a version. kCorrupt: one is missing.
[[nodiscard]] Result<std::vector<PolicyFile>> read_files(Session& session,
                                                         const PolicyVersion& version);
/// The policy of a version, with its number. kUnsupported: this program cannot read it.
[[nodiscard]] Result<Policy> read_policy(Session& session, const PolicyVersion& version);
/// Stores the files that the bucket lacks. kTooLarge names the file that no message holds.
[[nodiscard]] Result<void> store_files(Session& session, const std::vector<PolicyFile>& files);
/// Writes them into a new or empty directory. kConflict: it is not empty; kDenied: it cannot be
/// written.
[[nodiscard]] Result<void> write_files(const std::string& directory,
                                       const std::vector<PolicyFile>& files);

}  // namespace syncline::ctl
