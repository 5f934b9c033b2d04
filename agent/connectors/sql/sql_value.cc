#include "agent/connectors/sql/sql_value.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "shared/base/utf8.h"

namespace syncline::agent::sql {
namespace {

/// What a 64-bit binary fraction keeps of any decimal number.
constexpr int kDoubleDigits = 15;

std::unexpected<Error> refuse_value(std::string_view text, const std::string& why) {
    constexpr std::size_t kShown = 80;
    return fail(ErrorKind::kInvalid, "'" + std::string{text.substr(0, kShown)} + "' " + why);
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto done = std::from_chars(text.data(), end, value);
    if (done.ec != std::errc{} || done.ptr != end) return std::nullopt;
    return value;
}

/// Whole ones of 64 bits are integers, all else is exact as well.
Result<Value> parse_number_text(std::string_view text) {
    if (const auto whole = whole_number(text)) return Value{*whole};
    const auto decimal = Decimal::parse(text);
    if (!decimal) {
        return refuse_value(text,
                            "is no number of at most 36 digits that can be kept in agreement");
    }
    return Value{*decimal};
}

/// What MariaDB and MySQL write for "no date".
bool is_zero_date(std::string_view text) { return text.starts_with("0000-00-00"); }

Result<Value> parse_moment(std::string_view text, const Dialect& dialect) {
    if (is_zero_date(text)) return Value{};
    const auto moment = parse_timestamp(std::string{text} + dialect.zone_text);
    if (!moment) return refuse_value(text, "is no moment");
    return Value{*moment};
}

Result<Value> parse_day_text(std::string_view text) {
    if (is_zero_date(text)) return Value{};
    const auto day = parse_date(text);
    if (!day) return refuse_value(text, "is no date");
    return Value{*day};
}

Result<Value> parse_flag(const Datum& datum) {
    if (datum.text == "0" || datum.text == "1") return Value{datum.text == "1"};
    return refuse_value(datum.text,
                        "is neither 0 nor 1; if the column is a number, map it with type = "
                        "\"integer\"");
}

Result<Value> parse_text(std::string_view text) {
    if (const auto at = find_invalid_utf8(text); at != std::string_view::npos) {
        return fail(ErrorKind::kInvalid, "byte " + std::to_string(at) + " is not UTF-8");
    }
    return Value{text};
}

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

/// Small letters only: others would read back as another text.
Result<Datum> from_hex(std::string_view text) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    Datum bytes{Datum::Kind::kBytes, {}};
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        const int high = digit(text[i]);
        const int low = digit(text[i + 1]);
        if (high < 0 || low < 0) break;
        bytes.text += static_cast<char>(high * 16 + low);
    }
    if (bytes.text.size() * 2 == text.size()) return bytes;
    return refuse_value(text,
                        "is not hexadecimal: pairs of 0-9 and a-f, which such a column is "
                        "written in");
}

Result<Value> bytes_value(const Column& column, const Datum& datum) {
    if (column.hex) return Value{to_hex(datum.text)};
    return fail(ErrorKind::kInvalid,
                std::to_string(datum.text.size()) +
                    " bytes, no text; map it with type = \"string\" to carry them as hexadecimal");
}

/// The type is the value's own, which in SQLite need not be the column's.
Result<Value> dynamic_value(const Datum& datum) {
    switch (datum.kind) {
        case Datum::Kind::kInteger:
        case Datum::Kind::kReal: return parse_number_text(datum.text);
        default: return parse_text(datum.text);
    }
}

/// The scalar as text.
struct ScalarText {
    std::optional<std::string> operator()(std::monostate) const { return std::string{}; }
    std::optional<std::string> operator()(bool value) const { return value ? "1" : "0"; }
    std::optional<std::string> operator()(std::int64_t value) const {
        return std::to_string(value);
    }
    std::optional<std::string> operator()(const Decimal& value) const { return value.text(); }
    std::optional<std::string> operator()(const std::string& value) const { return value; }
    std::optional<std::string> operator()(Date value) const { return to_string(value); }
    std::optional<std::string> operator()(Timestamp value) const { return to_string(value); }
    std::optional<std::string> operator()(const Value::List&) const { return std::nullopt; }
    std::optional<std::string> operator()(const Value::Map&) const { return std::nullopt; }
};

/// "2026-01-05 10:11:12.5" in the session's zone.
Result<Datum> moment_datum(const Value& value, const std::string& text, const Dialect& dialect) {
    const auto* given = value.get<Timestamp>();
    auto moment = given != nullptr ? Result<Timestamp>{*given} : parse_timestamp(text);
    if (!moment) {
        return refuse_value(text,
                            "is no moment with a time zone; map the field with type = "
                            "\"timestamp\" and without a format");
    }
    std::string local = to_string(*moment + dialect.zone);
    local.pop_back();  // The Z.
    std::ranges::replace(local, 'T', ' ');
    return Datum::of_text(std::move(local));
}

int digits_of(std::string_view number) {
    const auto first = number.find_first_of("123456789");
    if (first == std::string_view::npos) return 0;
    const std::string_view digits = number.substr(first);
    return static_cast<int>(std::ranges::count_if(digits, [](char c) { return c != '.'; }));
}

Result<Datum> number_datum(const Column& column, const std::string& text) {
    if (whole_number(text)) return Datum{Datum::Kind::kInteger, text};
    const bool exact = digits_of(text) <= kDoubleDigits;
    if (column.lossy_numbers && !exact) {
        return refuse_value(text,
                            "has more than 15 digits, which a column of numbers does not keep in "
                            "SQLite; declare the column TEXT");
    }
    if (!exact) return Datum::of_text(text);
    return Datum{Datum::Kind::kReal, text};
}

Result<Datum> flag_datum(const std::string& text) {
    if (text == "true" || text == "1") return Datum::of_integer(1);
    if (text == "false" || text == "0") return Datum::of_integer(0);
    return refuse_value(text, "is neither true nor false");
}

}  // namespace

Result<Value> value_of(const Column& column, const Datum& datum, const Dialect& dialect) {
    if (datum.is_null()) return Value{};
    if (datum.kind == Datum::Kind::kBytes) return bytes_value(column, datum);
    switch (column.type) {
        case ColumnType::kBool:
            return datum.kind == Datum::Kind::kInteger ? parse_flag(datum) : dynamic_value(datum);
        case ColumnType::kDate: return parse_day_text(datum.text);
        case ColumnType::kTimestamp: return parse_moment(datum.text, dialect);
        case ColumnType::kBytes: return bytes_value(column, datum);
        case ColumnType::kInteger:
        case ColumnType::kNumber:
        case ColumnType::kDynamic: return dynamic_value(datum);
        case ColumnType::kText: break;
    }
    return parse_text(datum.text);
}

Result<Datum> datum_of(const Column& column, const Value& value, const Dialect& dialect) {
    if (value.is_null()) return Datum{};
    const auto text = std::visit(ScalarText{}, value.data());
    if (!text) return fail(ErrorKind::kInvalid, "a list or a map does not go into one column");
    const bool number = value.get<std::int64_t>() != nullptr || value.get<Decimal>() != nullptr ||
                        value.get<bool>() != nullptr;
    switch (column.type) {
        case ColumnType::kBool: return flag_datum(*text);
        case ColumnType::kTimestamp: return moment_datum(value, *text, dialect);
        case ColumnType::kBytes: return from_hex(*text);
        case ColumnType::kInteger:
        case ColumnType::kNumber:
        case ColumnType::kDynamic:
            if (number) return number_datum(column, *text);
            break;
        case ColumnType::kDate:
        case ColumnType::kText: break;
    }
    return Datum::of_text(*text);
}

}  // namespace syncline::agent::sql
