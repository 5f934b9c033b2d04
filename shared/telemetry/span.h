#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/timestamp.h"

namespace syncline::telemetry {

/// A piece of work, as OpenTelemetry has it. Never carries values of fields, or ids that platforms
/// give.
struct Span {
    /// https://opentelemetry.io/docs/specs/otel/trace/api/#spankind
    enum class Kind : std::uint8_t {
        kInternal = 1,
        kServer = 2,
        kClient = 3,
        kProducer = 4,
        kConsumer = 5
    };
    std::string trace_id;
    std::string span_id;
    std::string parent_id;  ///< Empty: it has none.
    std::string name;
    Kind kind = Kind::kInternal;
    Timestamp start;
    Timestamp end;
    std::vector<std::pair<const char*, std::string>> attributes;
    std::string error;  ///< Empty: it went well.
};

/// Where spans go. Threading: any.
class SpanSink {
public:
    virtual ~SpanSink() = default;
    virtual void add(Span span) = 0;
    /// Should a new trace be followed? By a random number.
    [[nodiscard]] virtual bool samples(std::uint64_t random) const = 0;
};

}  // namespace syncline::telemetry
