#pragma once

#include <optional>
#include <vector>

#include "shared/policy/policy.h"

namespace syncline {

/// What the rules of one field, tried in order, do in each case: a case is one combination of the
/// values that their conditions tell apart (cases.h).
struct Coverage {
    /// Was every case tried? If so, that no case is left without rule is proven, and so is that a
    /// rule never applies. Not so if a condition calculates with a field of many values, or if the
    /// cases are more than some ten thousands.
    bool complete = false;
    std::optional<Fields> unruled;  ///< A case for which there is no rule.
    struct Unreached {
        const OwnershipRule* rule = nullptr;
        /// A rule before it that holds where it does, and in which case. Null: it never holds, or
        /// only in stages that no entity reaches; then `example` is one such case.
        const OwnershipRule* covered_by = nullptr;
        Fields example;
    };
    std::vector<Unreached> unreached;  ///< In order of the rules; empty unless complete.
};

/// The rules that name `field`, in order, up to the first one that always holds.
[[nodiscard]] std::vector<const OwnershipRule*> rules_of(const ObjectSpec& object,
                                                         const FieldName& field);

/// Of `rules` of `object`, as rules_of() gives them. Pure.
[[nodiscard]] Coverage coverage_of(const ObjectSpec& object,
                                   const std::vector<const OwnershipRule*>& rules);

}  // namespace syncline
