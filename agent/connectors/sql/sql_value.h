#pragma once

#include <string>
#include <string_view>

#include "agent/connectors/sql/session.h"
#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline::agent::sql {

/// A column's datum as a value. kInvalid: no value of ours (bytes that are not mapped, text that is
/// not UTF-8, more than 36 digits).
[[nodiscard]] Result<Value> value_of(const Column& column, const Datum& datum,
                                     const Dialect& dialect);

/// What the database takes for `value` in that column. kInvalid: it would not hold that value.
[[nodiscard]] Result<Datum> datum_of(const Column& column, const Value& value,
                                     const Dialect& dialect);

}  // namespace syncline::agent::sql
