#pragma once

#include <string>
#include <string_view>

namespace syncline::nats {

/// Where a stream is asked to delete messages (JetStream API, STREAM.PURGE); the body says which:
/// `{"filter":"<subject>"}`. Harmless when repeated.
[[nodiscard]] inline std::string purge_subject(std::string_view stream) {
    return "$JS.API.STREAM.PURGE." + std::string{stream};
}

}  // namespace syncline::nats
