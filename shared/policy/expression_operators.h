#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "shared/model/value.h"
#include "shared/policy/expression_syntax.h"

/// What the operators and functions of an expression mean. Both ways of running one, over Lua and
/// natively, end here, so that they cannot differ in it.
namespace syncline::expression {

/// A value on its way through an expression: a view, never an owner. Trivial on purpose: Lua
/// leaves its callbacks by longjmp, which runs no destructors, and keeps copies as plain bytes.
struct Operand {
    enum class Type : std::uint8_t { kNil, kBool, kNumber, kText, kDate, kTimestamp, kList, kMap };
    Type type = Type::kNil;
    bool boolean = false;
    Date date;
    Timestamp timestamp;
    Decimal number;
    const char* text_data = nullptr;
    std::size_t text_size = 0;
    const Value* value = nullptr;  ///< kList, kMap.

    [[nodiscard]] std::string_view text() const { return {text_data, text_size}; }
    [[nodiscard]] bool truthy() const {
        return type != Type::kNil && (type != Type::kBool || boolean);
    }

    static Operand of(bool value);
    static Operand of(const Decimal& value);
    static Operand of(std::string_view text);
    static Operand of(const Value& value);  ///< Views `value`.
};

/// Owned. A whole number of 64 bits becomes an integer.
[[nodiscard]] Value value_of(const Operand& operand);

/// Never fails: what cannot be compared is not equal. A date or timestamp equals its text.
[[nodiscard]] bool equal(const Operand& a, const Operand& b) noexcept;

/// kLess, kLessEqual, kGreater, kGreaterEqual between two numbers, two texts (byte by byte), or
/// two moments, of which one may be text. Otherwise the error says why not.
[[nodiscard]] Result<bool> ordered(Operator operation, const Operand& a, const Operand& b);

/// kAdd, kSubtract, kMultiply. kInvalid: not numbers, or over 36 digits.
[[nodiscard]] Result<Decimal> arithmetic(Operator operation, const Operand& a, const Operand& b);

/// nil, "", and a list or map without elements.
[[nodiscard]] bool is_empty(const Operand& operand) noexcept;

/// Does the list hold `item`, the map that key, the text that part? nil holds nothing.
[[nodiscard]] Result<bool> contains(const Operand& in, const Operand& item);

/// Characters of a text, elements of a list or map.
[[nodiscard]] Result<Decimal> length(const Operand& operand);

/// Element of a list (from 1), entry of a map; nil if there is none.
[[nodiscard]] Result<Operand> index(const Operand& in, const Operand& key);

/// The text of a text, number, date or timestamp, as upper, lower, sub, find and `..` take it.
[[nodiscard]] Result<std::string> text_of(const Operand& operand);
/// ASCII letters only, so that no locale matters.
[[nodiscard]] std::string upper(std::string text);
[[nodiscard]] std::string lower(std::string text);
/// As Lua's string.sub, but counting characters, so that none is ever cut in two.
[[nodiscard]] std::string_view sub(std::string_view text, std::int64_t from, std::int64_t to);
/// Position of `part`, in characters from 1, looked for from character `from` on; 0 if none.
[[nodiscard]] std::int64_t position_of(std::string_view text, std::string_view part,
                                       std::int64_t from);

}  // namespace syncline::expression
