#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/model/value.h"

/// What an Expression is made of. The accepted language is a subset of Lua 5.4's expressions, with
/// its precedences; whatever is outside is refused here, by name, and never reaches Lua.
namespace syncline::expression {

enum class Operator : std::uint8_t {
    kOr,
    kAnd,
    kNot,  ///< kOr and kAnd: two operands or more.
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kConcat,  ///< Two operands or more.
    kAdd,
    kSubtract,
    kMultiply,
    kNegate,
    kLength,  ///< `#x`
    kIndex,   ///< `x[y]`, `x.y`
    kContains,
    kOneOf,
    kEmpty,
    kUpper,
    kLower,
    kSub,
    kFind,
};

struct Node {
    enum class Kind : std::uint8_t { kLiteral, kField, kOperation };
    Kind kind = Kind::kLiteral;
    Operator operation = Operator::kOr;
    bool parenthesised = false;
    std::uint32_t depth = 1;
    Value literal;  ///< nil, boolean, text or Decimal.
    std::string field;
    std::vector<Node> operands;
};

struct Limits {
    static constexpr std::size_t kBytesMax = 4096;
    static constexpr std::uint32_t kDepthMax = 64;    ///< Below what Lua's own compiler takes.
    static constexpr std::size_t kOperandsMax = 100;  ///< Of one call: they share registers.
    static constexpr std::size_t kNumbersMax = 100;   ///< Each is an upvalue.
};

/// kInvalid: "at character 9: ...".
[[nodiscard]] Result<Node> parse(std::string_view text);

/// Is it one of the words that Lua keeps for itself? No field can be read by such a name.
[[nodiscard]] bool is_reserved_word(std::string_view word);

}  // namespace syncline::expression
