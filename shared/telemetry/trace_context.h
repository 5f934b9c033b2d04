#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/model/command.h"
#include "shared/model/ids.h"

namespace syncline::telemetry {

/// W3C Trace Context, version 00 (https://www.w3.org/TR/trace-context/#traceparent-header). A
/// change bears the one that its agent gave it; what it leads to bears the same, on every hop. Of
/// each hop the span has an id that follows from what it is about, so that nobody has to hand it
/// on: who hears the outcome knows the span of the command.
struct TraceContext {
    std::string trace_id;  ///< 32 lower-case hexadecimal digits, not all 0.
    std::string span_id;   ///< 16 of them: of the span that began the trace here.
    bool sampled = false;
    friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

/// Nothing: it is none, or of a version that is not to be read as 00.
[[nodiscard]] std::optional<TraceContext> parse_traceparent(std::string_view text);
/// The same if its spans are to be told; nothing also if there is no text.
[[nodiscard]] std::optional<TraceContext> sampled_trace(std::string_view text);
[[nodiscard]] std::string to_text(const TraceContext& context);
/// A new one, of three random numbers.
[[nodiscard]] TraceContext make_trace(std::uint64_t a, std::uint64_t b, std::uint64_t c,
                                      bool sampled);

/// Ids of the spans of one trace. What is decided, commanded and applied once has one span.
[[nodiscard]] std::string decision_span(const TraceContext& trace, const EntityKey& entity,
                                        std::uint64_t version);
[[nodiscard]] std::string command_span(const TraceContext& trace, const EntityKey& entity,
                                       const PlatformId& platform, std::uint64_t generation);
[[nodiscard]] std::string apply_span(const TraceContext& trace, const EntityKey& entity,
                                     const PlatformId& platform, std::uint64_t generation);
[[nodiscard]] std::string operation_span(const TraceContext& trace, const std::string& key,
                                         std::uint64_t attempt);

}  // namespace syncline::telemetry
