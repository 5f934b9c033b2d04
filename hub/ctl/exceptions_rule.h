#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/core/step.h"
#include "shared/policy/policy.h"
#include "shared/policy/policy_toml.h"

/// From one decision to the rule that would have made it. Pure.
namespace syncline::ctl {

/// What is to be decided from now on.
enum class RuleDecision : std::uint8_t {
    kAccept,      ///< What the platform writes counts.
    kReject,      ///< It is told the canonical value.
    kDiscard,     ///< It keeps its own.
    kImmaterial,  ///< Nobody needs to see it.
};
[[nodiscard]] const char* name_of(RuleDecision decision);
[[nodiscard]] std::optional<RuleDecision> decision_named(std::string_view name);
/// What a person has decided about it; nothing if it is open, or closed by itself.
[[nodiscard]] std::optional<RuleDecision> decision_in(const hub::ExceptionRecord& exception);

struct RulePatch {
    std::string rule;               ///< As TOML.
    std::string where;              ///< "customer.toml:12:1": above what stands there.
    std::string meaning;            ///< What it does beyond this one exception.
    std::vector<PolicyFile> files;  ///< The policy with it.
};

/// `policy` is that of `files`; `values` are the entity's canonical ones. kInvalid: no rule decides
/// that, or it must be written by hand, and why.
[[nodiscard]] Result<RulePatch> rule_from(const Policy& policy, std::vector<PolicyFile> files,
                                          const hub::ExceptionRecord& exception,
                                          const Fields& values, RuleDecision decision);

}  // namespace syncline::ctl
