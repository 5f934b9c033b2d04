#pragma once

#include <optional>
#include <string>

#include "agent/connectors/rest/profile.h"
#include "shared/http/client.h"
#include "shared/model/value.h"

namespace syncline::agent::rest {

/// Whether repeating a request could do harm.
enum class Intent : std::uint8_t { kRead, kWrite };

/// What went wrong, in the profile's classes; `error` is what the agent is told.
struct Failure {
    ErrorClass meaning = ErrorClass::kUnknown;
    Error error;
    std::string code;  ///< The platform's own, may be empty.
};

/// A reply that is no success, judged by the profile's table, else by its status. `json` is the
/// body if it is JSON. nullopt: it is a success.
[[nodiscard]] std::optional<Failure> judge(const ErrorSpec& spec, const HttpResponse& response,
                                           const Value* json, Intent intent);

/// The same of a reply that is known to be none.
[[nodiscard]] Failure failure_of(const ErrorSpec& spec, const HttpResponse& response,
                                 const Value* json, Intent intent);

/// The kind that a class has for the agent.
[[nodiscard]] ErrorKind kind_of(ErrorClass meaning, Intent intent);

}  // namespace syncline::agent::rest
