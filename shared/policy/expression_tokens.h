#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace syncline::expression {

struct Token {
    enum class Kind : std::uint8_t { kName, kNumber, kText, kSymbol, kEnd };
    Kind kind = Kind::kEnd;
    std::string text;    ///< kText: unescaped. kSymbol: also the words `and`, `or`, `not`.
    std::size_t at = 0;  ///< Offset in bytes.
};

/// kInvalid as parse(): something that is no token of the accepted language.
[[nodiscard]] Result<std::vector<Token>> tokens_of(std::string_view text);

/// "at character 9: <what>".
[[nodiscard]] std::unexpected<Error> syntax_error(std::size_t at, const std::string& what);

}  // namespace syncline::expression
