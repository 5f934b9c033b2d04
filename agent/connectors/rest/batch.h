#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/connectors/rest/errors.h"
#include "agent/connectors/rest/profile.h"
#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline::agent::rest {

/// What the reply to a batch says of one of its records.
struct Part {
    const Value* told = nullptr;  ///< Within the reply; null: nothing that could be relied on.
    bool is_failure = false;      ///< It stands in the list of failures.
    std::string why;              ///< Without `told`: what is wrong.
};

struct Parts {
    std::vector<Part> each;          ///< In the order of the records.
    std::vector<std::string> notes;  ///< What was told of no record that was sent.
};

/// Which of a reply's results is whose. `keys` are the records' by BatchSpec::key_name(), of which
/// no two are equal; an empty one is never told. A record that is told twice, or by results whose
/// order is not that of the records, is as one that is not told.
[[nodiscard]] Parts attribute(const BatchSpec& spec, const Value& reply,
                              std::span<const std::string> keys);

/// What would be the body of a single reply; null if there is none.
[[nodiscard]] Value body_of(const BatchSpec& spec, const Part& part);

/// As judge(), of one part of a reply with `status`. A part without `told` is kUnknown.
[[nodiscard]] std::optional<Failure> judge_part(const ErrorSpec& errors, const BatchSpec& spec,
                                                const Part& part, int status, Intent intent);

/// The `{each}` of the records with these values. kInvalid: one of them cannot be written safely.
[[nodiscard]] Result<std::string> render_each(const Profile& profile, const BatchSpec& spec,
                                              std::span<const Variables> records);

/// `values` as `{values_and}`: without braces, and each member followed by a comma.
[[nodiscard]] std::string members_of(const Value::Map& values);

}  // namespace syncline::agent::rest
