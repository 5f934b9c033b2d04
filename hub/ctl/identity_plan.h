#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hub/core/decide.h"
#include "shared/policy/policy.h"

/// What comes of merging, unmerging, linking and unlinking, decided as a hub would. Pure.
namespace syncline::ctl {

struct IdentityPlan {
    std::string refused;     ///< Why nothing would be done; empty: it would.
    hub::EntityState giver;  ///< Whom it is asked of, afterwards.
    std::optional<hub::Handover> handover;
    /// The entity that gets the records, before (nothing: it is new) and afterwards.
    std::optional<hub::EntityState> before;
    hub::EntityState taker;
    std::vector<Command> commands;
};

/// `giver`: the state of the entity that `operation` is asked of; `find`: that of another one.
/// The object must be one of the policy's.
[[nodiscard]] Result<IdentityPlan> plan_identity(
    const Policy& policy, hub::EntityState giver, const hub::Operation& operation, Timestamp now,
    const std::function<Result<std::optional<hub::EntityState>>(const EntityKey&)>& find);

}  // namespace syncline::ctl
