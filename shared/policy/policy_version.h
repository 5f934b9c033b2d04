#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/policy/policy_toml.h"

/// Versions of the policy as the bucket `sync_policy` keeps them, in JSON. Numbers count from 1;
/// version 1 rules from the first input on, every later one from its activation on.
namespace syncline {

/// What a version is made of. Written once and never altered.
struct PolicyVersion {
    std::uint64_t number = 0;
    std::string name;  ///< Of the policy.
    std::string hash;  ///< policy_hash() of all its files.
    struct File {
        std::string name;
        std::string hash;  ///< policy_hash() of this one; names its entry in the bucket.
        friend bool operator==(const File&, const File&) = default;
    };
    std::vector<File> files;
    std::uint64_t base = 0;  ///< The version in force when it was made; 0: none.
    /// Whose records must be read anew once it is in force, as it takes more from them.
    std::vector<std::string> read_again;
    std::uint64_t restores = 0;  ///< Whose files these are, if it rolls back; else 0.
    std::string plan;            ///< What `policy plan` called it; empty if it was not planned.
    std::string author;
    std::string reason;
    Timestamp at;
    friend bool operator==(const PolicyVersion&, const PolicyVersion&) = default;
};
/// A version of these files, but for who made it, when and why.
[[nodiscard]] PolicyVersion version_of(std::uint64_t number, std::string name,
                                       const std::vector<PolicyFile>& files);
[[nodiscard]] std::string to_text(const PolicyVersion& version);
/// kInvalid: not what to_text() makes. What it does not know it ignores.
[[nodiscard]] Result<PolicyVersion> parse_policy_version(std::string_view text);

/// One more person than the author wants the version.
struct PolicyApproval {
    std::string actor;
    std::string hash;  ///< Of what they saw: PolicyVersion::hash.
    std::string reason;
    Timestamp at;
};
[[nodiscard]] std::string to_text(const PolicyApproval& approval);
[[nodiscard]] Result<PolicyApproval> parse_policy_approval(std::string_view text);

/// The message that puts a version in force. Its place in SYNC_IN is what counts.
struct PolicyActivation {
    std::uint64_t version = 0;
    std::string hash;
    std::vector<std::string> approved_by;  ///< Beside the author; each has an approval stored.
    std::string actor;
    Timestamp at;
};
[[nodiscard]] std::string to_text(const PolicyActivation& activation);
[[nodiscard]] Result<PolicyActivation> parse_policy_activation(std::string_view text);

/// Where a version came into force. Every hub comes to the same.
struct PolicyStart {
    std::uint64_t version = 0;
    std::string hash;
    std::uint64_t sequence = 0;  ///< It rules the inputs behind this one.
    Timestamp inputs_created;    ///< Identity of SYNC_IN that `sequence` is about.
    Timestamp at;                ///< When the activation was stored.
    std::string actor;
};
[[nodiscard]] std::string to_text(const PolicyStart& start);
[[nodiscard]] Result<PolicyStart> parse_policy_start(std::string_view text);

/// The person: one who works on two hosts is still one. "anna" of "anna@laptop".
[[nodiscard]] std::string_view account_of(std::string_view actor);

/// How `policy plan` names what it was made of: the version in force, and the files proposed.
/// A plan is outdated once another version is in force.
[[nodiscard]] std::string plan_name(std::uint64_t base, std::string_view proposed_hash);
/// The version that a plan was made on. kInvalid: no plan's name.
[[nodiscard]] Result<std::uint64_t> plan_base(std::string_view plan);

}  // namespace syncline
