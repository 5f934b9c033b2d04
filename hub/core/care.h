#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/policy/exception_kinds.h"
#include "shared/policy/exception_rules.h"

namespace syncline {
struct Policy;
namespace wire {
class Decoder;
class Writer;
struct Node;
}  // namespace wire
}  // namespace syncline

namespace syncline::hub {

/// How an exception is seen to: by whom, until when, how much it matters. The policy's rules say so
/// when it opens, when what it is about changes, and when another version comes into force.
struct Care {
    ExceptionSeverity severity = ExceptionSeverity::kError;
    bool material = true;  ///< Shall a person see it without asking for it?
    std::string assignee;  ///< Empty: nobody.
    Timestamp due;         ///< 0: whenever.
    friend bool operator==(const Care&, const Care&) = default;
};

/// What is known of a kind alone, without any rule.
[[nodiscard]] Care care_of(std::string_view kind);

/// Brings it in line with the policy's rules. `opened`: when the exception was.
void apply_rules(Care& care, const Policy& policy, const ExceptionSight& sight, Timestamp opened);

/// As the entry of `key`: a map of 0 severity, 1 immaterial, 2 assignee, 3 due, of which 1 to 3 are
/// there only if they say something.
void write_care(wire::Writer& out, int key, const Care& care);
[[nodiscard]] Care read_care(wire::Decoder& in, const wire::Node& node);

}  // namespace syncline::hub
