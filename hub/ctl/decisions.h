#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/core/step.h"
#include "hub/ctl/output.h"
#include "hub/ctl/session.h"
#include "shared/policy/policy.h"

/// The decision log of one entity, and what it says of a field.
namespace syncline::ctl {

/// The entries, oldest first, each version once; what cannot be read becomes a finding.
[[nodiscard]] Result<std::vector<hub::LogEntry>> read_decisions(Session& session, Output& out,
                                                                const EntityKey& key);

/// Did a person decide, and not a rule?
[[nodiscard]] inline bool is_by_person(const hub::FieldDecision& decision) {
    return decision.from.empty();
}

/// Why a field holds what it holds.
struct Blame {
    hub::CanonicalField field;
    /// The entry that made the value canonical; null: the log goes back less far than the value.
    const hub::LogEntry* entry = nullptr;
    const hub::FieldDecision* decision = nullptr;  ///< Of that entry.
    /// Who asked for the value where its owner took it from another: `proposed`.
    const hub::FieldDecision* proposal = nullptr;
    struct Told {
        PlatformId platform;
        std::uint64_t generation = 0;
    };
    std::vector<Told> told;     ///< Whom it was commanded to since, oldest first.
    std::uint64_t refused = 0;  ///< Writes of the field since that did not become canonical.
};

/// What was decided, in terms of the contract of now: fields that have other names or types since.
void upcast(const ObjectSpec& object, std::vector<hub::LogEntry>& entries);

/// Of every canonical field, in order of its name. `entries`: of the entity, oldest first; the
/// result points into them. Pure.
[[nodiscard]] std::vector<Blame> blame(const hub::EntityState& state,
                                       const std::vector<hub::LogEntry>& entries);

}  // namespace syncline::ctl
