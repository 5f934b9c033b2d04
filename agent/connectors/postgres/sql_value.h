#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/connectors/postgres/session.h"
#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline::agent::postgres {

/// What a column holds, as far as reading and writing its text form goes.
enum class SqlType : std::uint8_t {
    kBool,
    kInteger,  ///< int2, int4, int8, oid.
    kDecimal,  ///< numeric.
    kFloat,    ///< float4, float8: their shortest exact text, as a Decimal.
    kText,     ///< Text and everything that is best left as PostgreSQL writes it.
    kDate,
    kTimestamp,  ///< Without time zone: taken as UTC.
    kTimestampTz,
    kJson,   ///< json, jsonb.
    kArray,  ///< Only readable as text, and only if the mapping asks for text.
};

/// Of a built-in type's oid; nullopt: no built-in type, its category decides.
[[nodiscard]] std::optional<SqlType> built_in_type(std::uint32_t oid);
/// Of any type by pg_type.typcategory ('A' array, 'E' enum, ...), after its domains.
[[nodiscard]] SqlType type_of_category(std::uint32_t oid, char category);

/// PostgreSQL's text form (DateStyle ISO, TimeZone UTC) as a value. kInvalid: no value of ours
/// (NaN, infinity, BC, over 36 digits, an array).
[[nodiscard]] Result<Value> parse_sql_value(SqlType type, std::string_view text);

/// The text that PostgreSQL takes for `value` in a column of `type`; NULL for null.
[[nodiscard]] Parameter sql_parameter(SqlType type, const Value& value);

/// `name` as an identifier in SQL: in double quotes, those inside doubled.
[[nodiscard]] std::string sql_identifier(std::string_view name);

}  // namespace syncline::agent::postgres
