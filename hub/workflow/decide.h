#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hub/workflow/input.h"
#include "hub/workflow/instance.h"
#include "shared/policy/policy.h"

namespace syncline::hub::workflow {

struct Step {
    Instance next;
    bool changed = false;   ///< `next` must be stored (its revision was raised).
    bool replayed = false;  ///< An input of the newest step came back: publish `effects` again.
    Effects effects;        ///< To publish after `next` is stored.
    LogEntry log;           ///< To be kept, if `changed` or `replayed`.
    std::optional<Timestamp> due;  ///< When a Tick is needed; nothing: never.
};

/// Decides a run of inputs for one instance, in order. Pure: the same arguments give the same step;
/// total: whatever the input, it ends and gives one. An instance that does not exist yet has
/// revision 0.
///
/// `policy` must have the definition that the instance began with; with any other all inputs but
/// the operator's `migrate` are refused.
[[nodiscard]] Step decide(const Policy& policy, Instance instance, std::span<const Input> inputs,
                          const Context& context);

/// All that the instance has out and is not answered: requests, approvals, exceptions. For
/// publishing it again after a stream lost it.
[[nodiscard]] Effects standing(const Policy& policy, const Instance& instance);

}  // namespace syncline::hub::workflow
