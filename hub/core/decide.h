#pragma once

#include <optional>
#include <span>

#include "hub/core/step.h"
#include "shared/policy/policy.h"

namespace syncline::hub {

/// Decides a run of inputs for one entity, in order: who may have written what, what is canonical
/// now, and what each platform must be told (desired minus mirror). Pure: the same arguments give
/// the same step. `state.key` must be set; an entity that does not exist yet has version 0.
///
/// The object of `state.key` must be one of the policy's.
[[nodiscard]] Step decide(const Policy& policy, EntityState state, std::span<const Input> inputs,
                          const Context& context);

/// The entity as the conditions of ownership rules see it before a platform's fields count:
/// canonical, and for what is not canonical yet, what the platform says.
[[nodiscard]] Fields seen_by_conditions(const EntityState& state, const Fields& incoming);

/// What an outcome says of its record, as the change that a read of it would have been; nullopt if
/// nothing. Where the store has lost the entity, that is all there is.
[[nodiscard]] std::optional<Change> told_by(const Outcome& outcome);

/// Is it plain, before it is decided, that the input leaves the entity's match keys and what is
/// said of them as they are? False where that is not plain.
[[nodiscard]] bool keeps_keys(const Policy& policy, const EntityState& state, const Input& input);

/// Was the state decided by this version of the policy?
[[nodiscard]] bool is_of(const EntityState& state, const Policy& policy);

/// Is it one of the match keys that the entity's canonical values make?
[[nodiscard]] bool has_key(const ObjectSpec& object, const EntityState& state, const Claim& key);

/// The commands that `state` has out, for publishing them again.
[[nodiscard]] std::vector<Command> pending_commands(const EntityState& state,
                                                    const Context& context);

}  // namespace syncline::hub
