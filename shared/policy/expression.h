#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline {

/// A Lua 5.4 one-liner over an entity's fields: `amount > 10000 and region == "EU"`. What it may
/// hold is told in configs/README.md; in short: fields, literals, `and or not`, comparisons,
/// `+ - *`, `..`, `#`, and the functions contains, one_of, empty, upper, lower, sub, find, len.
/// Numbers are exact decimals, an absent or null field is nil, dates and timestamps compare with
/// each other and with their text. No I/O, no statements, a limit of steps and of memory. The same
/// fields always give the same answer, whatever the locale.
///
/// Lifetime: a value; copies share one compiled form. Threading: const calls from any thread; each
/// thread has its own interpreter, and compiles an expression when it first needs it.
class Expression {
public:
    /// A field compared with a literal somewhere in the expression, for checks against the field's
    /// type: `stage == "prospect"`, `one_of(stage, "prospect", "active")`, `amount > 5`.
    struct Comparison {
        std::string field;
        Value literal;
        friend bool operator==(const Comparison&, const Comparison&) = default;
    };

    /// kInvalid: not an expression; the text says where and what to write instead.
    static Result<Expression> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const;

    /// Is it true (Lua's sense: neither nil nor false) for these fields? Simple shapes (fields and
    /// literals under comparisons, one_of, empty, and, or, not) cost far less than a microsecond.
    /// kInvalid: it failed at run time, e.g. nil compared by `<`, or over its limit.
    [[nodiscard]] Result<bool> holds(const Fields& fields) const;

    /// The value, for computed fields. A whole number of 64 bits is an integer, any other a
    /// Decimal; conform() gives it the field's type. kInvalid: as above.
    [[nodiscard]] Result<Value> evaluate(const Fields& fields) const;

    /// Names of the fields it reads, sorted.
    [[nodiscard]] const std::vector<std::string>& reads() const;

    /// In the order of the text.
    [[nodiscard]] const std::vector<Comparison>& comparisons() const;

    /// Those of reads() that it does more with than to compare them with literals or to ask whether
    /// they are empty or true, sorted: `a` in `a > b`, `a + 1 > 2`, `upper(a) == "X"`.
    [[nodiscard]] const std::vector<std::string>& opaque_reads() const;

private:
    struct Compiled;
    explicit Expression(std::shared_ptr<const Compiled> compiled);
    std::shared_ptr<const Compiled> compiled_;
};

}  // namespace syncline
