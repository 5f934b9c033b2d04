#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace syncline {

__extension__ typedef __int128 Int128;  ///< Not ISO C++, but of every compiler that we support.

/// An exact decimal number of at most 36 significant digits, scale 0 to 36. Always in normal form
/// (no trailing zeros after the point), so that equal numbers are equal bit by bit.
class Decimal {
public:
    static constexpr int kDigitsMax = 36;

    Decimal() = default;
    Decimal(std::int64_t whole) : coefficient_(whole) {}  // NOLINT: a whole number is a decimal.

    /// Parses "-12.50", "1e3", "+0.1". kInvalid: not a number, or more digits than are exact.
    static Result<Decimal> parse(std::string_view text);

    /// Shortest exact form, never with an exponent: "-12.5".
    [[nodiscard]] std::string text() const;

    /// True if there is nothing after the point.
    [[nodiscard]] bool is_whole() const { return scale_ == 0; }
    /// The number as a 64-bit integer. kInvalid: not whole or out of range.
    [[nodiscard]] Result<std::int64_t> to_int64() const;

    /// Rounds half to even to at most `scale` digits after the point.
    [[nodiscard]] Decimal rounded(int scale) const;

    /// kInvalid: the exact result has too many digits.
    [[nodiscard]] static Result<Decimal> add(const Decimal& a, const Decimal& b);
    [[nodiscard]] static Result<Decimal> multiply(const Decimal& a, const Decimal& b);
    [[nodiscard]] Decimal negated() const;

    [[nodiscard]] Int128 coefficient() const { return coefficient_; }
    [[nodiscard]] int scale() const { return scale_; }

    friend bool operator==(const Decimal&, const Decimal&) = default;
    friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);

private:
    static Result<Decimal> make(Int128 coefficient, int scale);

    Int128 coefficient_ = 0;
    std::int32_t scale_ = 0;  ///< Digits after the point.
};

}  // namespace syncline
