#pragma once

#include <map>
#include <span>
#include <string>

#include "hub/core/step.h"
#include "shared/policy/policy.h"

/// What the decision log says of the past. Pure.
namespace syncline::hub {

struct PastField {
    Value value;
    PlatformId from;  ///< Whose value it was; empty: a person's.
    Timestamp at;     ///< When it became canonical; 0: before the log begins.
    std::uint64_t version = 0;
    std::string rule;  ///< See FieldDecision.
    friend bool operator==(const PastField&, const PastField&) = default;
};

struct PastState {
    std::uint64_t version = 0;  ///< 0: the entity was not known yet, or the log does not say.
    Timestamp at;               ///< When it came to be so.
    std::string policy;
    std::uint64_t policy_version = 0;
    std::map<FieldName, PastField> fields;  ///< Those that were not empty.
};

/// What was canonical at `when`. `entries`: the entity's, oldest first, under the names of now. A
/// field whose first decision comes later held what that one replaced.
[[nodiscard]] PastState state_at(std::span<const LogEntry> entries, Timestamp when);

}  // namespace syncline::hub
