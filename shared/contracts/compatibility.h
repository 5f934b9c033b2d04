#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/policy/check.h"
#include "shared/policy/policy.h"

/// What one version of a policy changes in the contracts of another, and whether it may: each
/// object says by `compatibility` what it promises, and by a higher `version` that it breaks it.
/// Pure.
namespace syncline::contracts {

enum class Difference : std::uint8_t {
    kObjectRemoved,
    kFieldAdded,
    kRequiredFieldAdded,
    kFieldRemoved,
    kRequiredFieldRemoved,
    kFieldRenamed,  ///< It says so by `renamed_from`.
    kRequiredFieldRenamed,
    kTypeWidened,   ///< Every value of before is one, and others are too.
    kTypeNarrowed,  ///< The reverse.
    kTypeChanged,   ///< Neither.
    kEnumValueAdded,
    kEnumValueRemoved,
    kLengthRaised,
    kLengthLowered,
    kRequiredAdded,
    kRequiredDropped,
};
inline constexpr Difference kDifferences[] = {
    Difference::kObjectRemoved,        Difference::kFieldAdded,
    Difference::kRequiredFieldAdded,   Difference::kFieldRemoved,
    Difference::kRequiredFieldRemoved, Difference::kFieldRenamed,
    Difference::kRequiredFieldRenamed, Difference::kTypeWidened,
    Difference::kTypeNarrowed,         Difference::kTypeChanged,
    Difference::kEnumValueAdded,       Difference::kEnumValueRemoved,
    Difference::kLengthRaised,         Difference::kLengthLowered,
    Difference::kRequiredAdded,        Difference::kRequiredDropped,
};
[[nodiscard]] std::string_view name_of(Difference difference);  ///< "field_removed".

/// What a difference breaks, whatever was promised. Backward: what was written by the contract
/// before is not understood, or not whole, by the one after. Forward: what is written by the one
/// after is not valid for who knows the one before, who ignores fields that they do not know.
struct Breaks {
    bool backward = false;
    bool forward = false;
    friend bool operator==(const Breaks&, const Breaks&) = default;
};
[[nodiscard]] Breaks breaks(Difference difference);
/// Does it break what is promised?
[[nodiscard]] bool breaks(Difference difference, Compatibility promised);

struct ContractChange {
    ObjectName object;
    FieldName field;  ///< Empty: it is about the object.
    Difference difference = Difference::kFieldAdded;
    std::string what;   ///< In words: "`amount` was a decimal and is an integer".
    SourcePlace place;  ///< In the policy after; of what is gone, where it would stand.
    Compatibility promised = Compatibility::kBackward;  ///< By the contract before.
    bool broken = false;                                ///< It breaks that promise.
    bool raised = false;                                ///< The contract's version was raised.

    /// May it come into force?
    [[nodiscard]] bool is_refused() const { return broken && !raised; }
};

/// Every difference of the contracts, in order of place.
[[nodiscard]] std::vector<ContractChange> changes_between(const Policy& before,
                                                          const Policy& after);

/// What is wrong with `after` as what follows `before`: errors for what is refused, warnings for
/// what breaks a promise under a raised version. In order of place.
[[nodiscard]] std::vector<Finding> check_evolution(const Policy& before, const Policy& after);

/// Stable codes of these findings.
inline constexpr std::string_view kBroken = "policy.contract_broken";
inline constexpr std::string_view kBrokenByVersion = "policy.contract_broken_by_version";
inline constexpr std::string_view kVersionLowered = "policy.contract_version_lowered";

}  // namespace syncline::contracts
