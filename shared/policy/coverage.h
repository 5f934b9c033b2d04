#pragma once

#include "shared/policy/policy.h"

namespace syncline {

/// Is there a rule for `field` whatever the entity holds? True if a rule has no condition, or if
/// the conditions read only fields of few values (enum, bool) and every combination of them is
/// tried and ruled; null counts as a value unless the field is required. False if it is not so, or
/// not seen to be so.
[[nodiscard]] bool always_ruled(const ObjectSpec& object, const FieldName& field);

}  // namespace syncline
