#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/model/value.h"
#include "shared/policy/expression_syntax.h"

namespace syncline::expression {

/// Instructions of Lua that one evaluation may take.
inline constexpr int kStepsMax = 10'000;
/// Memory that one evaluation may take, beyond what the interpreter and its compiled expressions
/// hold anyway.
inline constexpr std::size_t kMemoryMax = 256u << 10;

/// An expression as Lua runs it: numbers are the parameters K1, K2, ... since Lua would make them
/// binary floating point; operators are calls of the functions of expression_operators.h. `id`
/// names it in the threads' interpreters and is never used twice.
struct Chunk {
    std::uint64_t id = 0;
    std::string source;
    std::vector<Decimal> numbers;
};

[[nodiscard]] Chunk chunk_of(const Node& node);

/// Compiles it for this thread. kInvalid: it has more parts than Lua's compiler takes.
[[nodiscard]] Result<void> compile(const Chunk& chunk);

/// Compiles it for this thread if need be, and runs it. kInvalid: as Expression::evaluate().
[[nodiscard]] Result<Value> run(const Chunk& chunk, const Fields& fields);

}  // namespace syncline::expression
