#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline {

struct JsonLimits {
    std::size_t bytes_max = 8u << 20;
    std::size_t depth_max = 32;
};

/// JSON text as a Value: numbers are exact, never floating point: whole ones of 64 bits are
/// integers, however they are written (100.0), others Decimal, and one with more digits than are
/// exact is refused. kInvalid with the byte offset: not JSON, a
/// duplicate key, invalid UTF-8, a lone surrogate. kTooLarge: over a limit.
[[nodiscard]] Result<Value> parse_json(std::string_view text, const JsonLimits& limits = {});

/// The reverse; decimals are written as numbers, dates and timestamps as strings.
[[nodiscard]] std::string to_json(const Value& value);
/// The same, on many lines, as a file that people read.
[[nodiscard]] std::string to_json_lines(const Value& value);

}  // namespace syncline
