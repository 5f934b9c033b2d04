#include "agent/connectors/postgres/sql_value.h"

#include <charconv>

#include "shared/base/json.h"

namespace syncline::agent::postgres {
namespace {

std::unexpected<Error> refuse(std::string_view text, const char* why) {
    constexpr std::size_t kShown = 80;
    return fail(ErrorKind::kInvalid, "'" + std::string{text.substr(0, kShown)} + "' " + why);
}

Result<Value> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto done = std::from_chars(text.data(), end, value);
    if (done.ec != std::errc{} || done.ptr != end) return refuse(text, "is not a whole number");
    return Value{value};
}

Result<Value> parse_number(std::string_view text) {
    if (text == "NaN" || text.ends_with("Infinity")) {
        return refuse(text, "is no number that can be kept in agreement; write NULL instead");
    }
    const Result<Decimal> value = Decimal::parse(text);
    if (!value) return fail(value.error());
    return Value{*value};
}

/// "2026-01-05 10:11:12.5", and with time zone "+00" after it.
Result<Value> parse_time(std::string_view text, bool with_zone) {
    if (text.ends_with("infinity") || text.ends_with(" BC")) {
        return refuse(text, "is no time that can be kept in agreement");
    }
    std::string whole{text};
    const std::size_t zone = whole.find_last_of("+-");
    if (!with_zone) {
        whole += 'Z';
    } else if (zone != std::string::npos && zone > 10 && whole.size() - zone == 3) {
        whole += ":00";  // PostgreSQL leaves the minutes out when they are none.
    }
    const Result<Timestamp> value = parse_timestamp(whole);
    if (!value) return fail(value.error());
    return Value{*value};
}

Result<Value> parse_day(std::string_view text) {
    const Result<Date> value = parse_date(text);
    if (!value) return fail(value.error());
    return Value{*value};
}

/// The scalar as text; lists and maps as JSON.
struct AsText {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(const Decimal& value) const { return value.text(); }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(Date value) const { return to_string(value); }
    std::string operator()(Timestamp value) const { return to_string(value); }
    std::string operator()(const Value::List& value) const { return to_json(Value{value}); }
    std::string operator()(const Value::Map& value) const { return to_json(Value{value}); }
};

}  // namespace

std::optional<SqlType> built_in_type(std::uint32_t oid) {
    switch (oid) {  // Of pg_type.dat; they never change.
        case 16: return SqlType::kBool;
        case 20:
        case 21:
        case 23:
        case 26: return SqlType::kInteger;
        case 1700: return SqlType::kDecimal;
        case 700:
        case 701: return SqlType::kFloat;
        case 17:    // bytea, in hexadecimal.
        case 18:    // "char".
        case 19:    // name.
        case 25:    // text.
        case 1042:  // char(n).
        case 1043:  // varchar.
        case 2950:  // uuid.
        case 790:   // money: depends on the server's locale, so it stays text.
        case 1083:  // time.
        case 1266:  // timetz.
        case 1186: return SqlType::kText;  // interval.
        case 1082: return SqlType::kDate;
        case 1114: return SqlType::kTimestamp;
        case 1184: return SqlType::kTimestampTz;
        case 114:
        case 3802: return SqlType::kJson;
        default: return std::nullopt;
    }
}

SqlType type_of_category(std::uint32_t oid, char category) {
    if (const auto known = built_in_type(oid)) return *known;
    return category == 'A' ? SqlType::kArray : SqlType::kText;
}

Result<Value> parse_sql_value(SqlType type, std::string_view text) {
    switch (type) {
        case SqlType::kBool: return Value{text == "t" || text == "true"};
        case SqlType::kInteger: return parse_integer(text);
        case SqlType::kDecimal:
        case SqlType::kFloat: return parse_number(text);
        case SqlType::kDate: return parse_day(text);
        case SqlType::kTimestamp: return parse_time(text, false);
        case SqlType::kTimestampTz: return parse_time(text, true);
        case SqlType::kJson: return parse_json(text);
        case SqlType::kArray:
            return refuse(text, "is an array; map it with type = \"string\" to carry it as text");
        case SqlType::kText: break;
    }
    return Value{text};
}

Parameter sql_parameter(SqlType type, const Value& value) {
    if (value.is_null()) return std::nullopt;
    if (type == SqlType::kJson) return to_json(value);
    return std::visit(AsText{}, value.data());
}

std::string sql_identifier(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + '"';
}

}  // namespace syncline::agent::postgres
