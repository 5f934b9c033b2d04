#pragma once

#include <string>

#include "shared/policy/policy.h"

namespace syncline {

/// Why a value is not taken: where it stands, what the contract expects there, what was found.
struct Violation {
    std::string pointer;   ///< A JSON pointer into the change: "/fields/amount".
    std::string expected;  ///< "a number", "one of draft, live".
    std::string found;     ///< The value, or, unless it may be known to all, what kind it is.
    friend bool operator==(const Violation&, const Violation&) = default;
};
/// "/fields/amount: expected a number, found "much"".
[[nodiscard]] std::string to_string(const Violation& violation);

/// What is wrong with a value that conform() does not take.
[[nodiscard]] Violation violation_of(const FieldSpec& field, const Value& value);

}  // namespace syncline
