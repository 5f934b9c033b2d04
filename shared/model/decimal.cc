#include "shared/model/decimal.h"

#include <algorithm>

namespace syncline {
namespace {

constexpr Int128 power_of_ten(int exponent) {
    Int128 power = 1;
    for (int i = 0; i < exponent; ++i) power *= 10;
    return power;
}

constexpr Int128 kLimit = power_of_ten(Decimal::kDigitsMax);

int digit_count(Int128 value) {
    int count = 0;
    for (; value != 0; value /= 10) ++count;
    return count;
}

/// The exponent after `e`, at most four digits; false if there is none.
bool read_exponent(std::string_view text, int& exponent) {
    const bool negative = !text.empty() && text.front() == '-';
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    if (text.empty() || text.size() > 4) return false;
    int value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        value = value * 10 + (c - '0');
    }
    exponent = negative ? -value : value;
    return true;
}

}  // namespace

Result<Decimal> Decimal::make(Int128 coefficient, int scale) {
    while (scale > 0 && coefficient % 10 == 0) {
        coefficient /= 10;
        --scale;
    }
    for (; scale < 0; ++scale) {
        if (coefficient >= kLimit / 10 || coefficient <= -kLimit / 10) {
            return fail(ErrorKind::kInvalid, "a decimal has at most 36 digits");
        }
        coefficient *= 10;
    }
    if (scale > kDigitsMax || coefficient >= kLimit || coefficient <= -kLimit) {
        return fail(ErrorKind::kInvalid, "a decimal has at most 36 digits");
    }
    Decimal result;
    result.coefficient_ = coefficient;
    result.scale_ = scale;
    return result;
}

Result<Decimal> Decimal::parse(std::string_view text) {
    const auto bad = [&] {
        return fail(ErrorKind::kInvalid,
                    "'" + std::string{text.substr(0, 64)} + "' is not a decimal number");
    };
    std::string_view rest = text;
    const bool negative = !rest.empty() && rest.front() == '-';
    if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) rest.remove_prefix(1);
    int exponent = 0;
    if (const auto e = rest.find_first_of("eE"); e != std::string_view::npos) {
        if (!read_exponent(rest.substr(e + 1), exponent)) return bad();
        rest = rest.substr(0, e);
    }
    Int128 coefficient = 0;
    int scale = 0;
    bool point = false;
    bool any = false;
    for (const char c : rest) {
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') return bad();
        any = true;
        if (coefficient >= kLimit) {
            return fail(ErrorKind::kInvalid, "a decimal has at most 36 digits");
        }
        coefficient = coefficient * 10 + (c - '0');
        if (point) ++scale;
    }
    if (!any) return bad();
    if (coefficient == 0) return Decimal{};
    return make(negative ? -coefficient : coefficient, scale - exponent);
}

std::string Decimal::text() const {
    if (coefficient_ == 0) return "0";
    const bool negative = coefficient_ < 0;
    Int128 rest = negative ? -coefficient_ : coefficient_;
    std::string reversed;
    for (int position = 0; rest != 0 || position <= scale_; ++position) {
        if (position == scale_ && scale_ > 0) reversed += '.';
        reversed += static_cast<char>('0' + static_cast<int>(rest % 10));
        rest /= 10;
    }
    if (negative) reversed += '-';
    std::reverse(reversed.begin(), reversed.end());
    return reversed;
}

Result<std::int64_t> Decimal::to_int64() const {
    if (scale_ != 0 || coefficient_ > INT64_MAX || coefficient_ < INT64_MIN) {
        return fail(ErrorKind::kInvalid, text() + " is not a whole number of 64 bits");
    }
    return static_cast<std::int64_t>(coefficient_);
}

Decimal Decimal::rounded(int scale) const {
    if (scale_ <= scale) return *this;
    const Int128 unit = power_of_ten(scale_ - std::max(scale, 0));
    Int128 quotient = coefficient_ / unit;
    const Int128 rest = coefficient_ % unit;
    const Int128 twice = (rest < 0 ? -rest : rest) * 2;
    if (twice > unit || (twice == unit && quotient % 2 != 0)) quotient += rest < 0 ? -1 : 1;
    return make(quotient, std::max(scale, 0)).value_or(*this);
}

Decimal Decimal::negated() const {
    Decimal result = *this;
    result.coefficient_ = -coefficient_;
    return result;
}

Result<Decimal> Decimal::add(const Decimal& a, const Decimal& b) {
    const int scale = std::max(a.scale_, b.scale_);
    if (digit_count(a.coefficient_) + scale - a.scale_ > kDigitsMax ||
        digit_count(b.coefficient_) + scale - b.scale_ > kDigitsMax) {
        return fail(ErrorKind::kInvalid, "a decimal has at most 36 digits");
    }
    return make(a.coefficient_ * power_of_ten(scale - a.scale_) +
                    b.coefficient_ * power_of_ten(scale - b.scale_),
                scale);
}

Result<Decimal> Decimal::multiply(const Decimal& a, const Decimal& b) {
    // 38 digits fit 128 bits; whether the product itself is too long is for make() to say.
    if (digit_count(a.coefficient_) + digit_count(b.coefficient_) > 38) {
        return fail(ErrorKind::kInvalid, "a decimal has at most 36 digits");
    }
    return make(a.coefficient_ * b.coefficient_, a.scale_ + b.scale_);
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
    const auto sign = [](const Decimal& d) {
        return d.coefficient_ == 0 ? 0 : (d.coefficient_ < 0 ? -1 : 1);
    };
    if (sign(a) != sign(b)) return sign(a) <=> sign(b);
    const int scale = std::max(a.scale_, b.scale_);
    // Of different magnitude: the one with more digits before the point; this also keeps the
    // scaling below inside 128 bits.
    const int whole_a = digit_count(a.coefficient_) - a.scale_;
    const int whole_b = digit_count(b.coefficient_) - b.scale_;
    if (whole_a != whole_b) return sign(a) > 0 ? whole_a <=> whole_b : whole_b <=> whole_a;
    const Int128 left = a.coefficient_ * power_of_ten(std::min(scale - a.scale_, 38));
    const Int128 right = b.coefficient_ * power_of_ten(std::min(scale - b.scale_, 38));
    return left <=> right;
}

}  // namespace syncline
