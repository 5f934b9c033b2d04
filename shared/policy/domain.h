#pragma once

#include <vector>

#include "shared/policy/policy.h"

namespace syncline {

/// Values that stand for all that a field may hold, as far as some conditions can tell them apart:
/// of two values between which none of them makes a difference, one is enough.
struct Domain {
    std::vector<Value> values;  ///< All of the field's type; null if it is not required.
    /// Does one of `values` stand for each value that is possible? Not so if a condition does more
    /// with a field of many values than compare it with literals or ask whether it is empty.
    bool complete = true;
};

/// The values of `field` that the conditions tell apart.
[[nodiscard]] Domain domain_of(const FieldSpec& field,
                               const std::vector<const Expression*>& conditions);

}  // namespace syncline
