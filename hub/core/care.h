#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
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

struct Operation;

/// What a person wrote about an exception.
struct Remark {
    Timestamp at;
    std::string by;
    std::string text;
    friend bool operator==(const Remark&, const Remark&) = default;
};

/// How an exception is seen to: by whom, until when, how much it matters. The policy's rules say so
/// when it opens, when what it is about changes, and when another version comes into force; what a
/// person has said stands.
struct Care {
    ExceptionSeverity severity = ExceptionSeverity::kError;
    bool material = true;           ///< Shall a person see it without asking for it?
    std::string assignee;           ///< Empty: nobody.
    Timestamp due;                  ///< 0: whenever.
    bool assigned = false;          ///< A person said who; rules no longer do.
    bool dated = false;             ///< The same of `due`.
    std::vector<std::string> tags;  ///< Sorted.
    std::vector<Remark> remarks;    ///< Oldest first; of many the newest.
    /// Ids of the newest operations that were done on it, so that none is done twice.
    std::vector<std::string> done;
    friend bool operator==(const Care&, const Care&) = default;
};

/// What is known of a kind alone, without any rule.
[[nodiscard]] Care care_of(std::string_view kind);

/// Brings it in line with the policy's rules. `opened`: when the exception was.
void apply_rules(Care& care, const Policy& policy, const ExceptionSight& sight, Timestamp opened);

/// Bounds of what people may add.
inline constexpr std::size_t kTagsMost = 16;
inline constexpr std::size_t kTagBytesMost = 64;  ///< Of an assignee too.
inline constexpr std::size_t kRemarksMost = 20;
inline constexpr std::size_t kRemarkBytesMost = 2'000;

/// Was this very operation done on it before?
[[nodiscard]] bool is_done(const Care& care, const Operation& operation);
/// Does what an operation of is_about_care() says. What was done, for the log: "assigned to ann".
/// kInvalid: why not; nothing was done.
[[nodiscard]] Result<std::string> see_to(Care& care, const Operation& operation);

/// As the entry of `key`: a map of 0 severity, 1 immaterial, 2 assignee, 3 due, 4 assigned, 5
/// dated, 6 tags, 7 remarks ([at, by, text]), 8 done, of which 1 to 8 are there only if they say
/// something.
void write_care(wire::Writer& out, int key, const Care& care);
[[nodiscard]] Care read_care(wire::Decoder& in, const wire::Node& node);

}  // namespace syncline::hub
