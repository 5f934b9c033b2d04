#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/core/step.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/session.h"

/// What the exception commands share.
namespace syncline::ctl {

class Program;

/// Whether an exception is meant by "kind", "kind@platform" or nothing.
[[nodiscard]] bool is_meant(const hub::ExceptionRecord& record, std::string_view kind);

/// The newest message of each exception of one entity. `text` is the entity id as exceptions have
/// it (for inputs that were never placed: the record id), else whatever locate() understands.
/// kNotFound: there is none that who asks may see.
[[nodiscard]] Result<std::vector<ExceptionView>> exceptions_of(Program& program, Session& session,
                                                               const ObjectName& object,
                                                               const std::string& text,
                                                               std::vector<std::string>& damaged);

/// Why an operator's action cannot settle an exception that is not part of an entity's state, and
/// what to do instead.
[[nodiscard]] std::string advice_for(const hub::ExceptionRecord& record);

}  // namespace syncline::ctl
