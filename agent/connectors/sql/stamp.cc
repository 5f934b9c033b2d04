#include "agent/connectors/sql/stamp.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/connectors/sql/sql_value.h"
#include "agent/core/time_format.h"

namespace syncline::agent::sql {

std::optional<Timestamp> stamp_time(const Table& table, const Datum& stamp,
                                    const Dialect& dialect) {
    const auto value = value_of(table.columns[table.stamp], stamp, dialect);
    if (!value) return std::nullopt;
    if (const auto* moment = value->get<Timestamp>()) return *moment;
    const auto read = read_time(table.mapping.changed_format, stamp.text);
    if (!read) return std::nullopt;
    return *read;
}

Datum stamp_datum(const Table& table, Timestamp moment, const Dialect& dialect) {
    if (table.columns[table.stamp].type == ColumnType::kTimestamp) {
        const auto datum = datum_of(table.columns[table.stamp], Value{moment}, dialect);
        return datum.value_or(Datum{});
    }
    std::string text = write_time(table.mapping.changed_format, moment);
    const bool number =
        !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    return {number ? Datum::Kind::kInteger : Datum::Kind::kText, std::move(text)};
}

Settled settled_at(const Table& table, Timestamp moment, const Dialect& dialect) {
    // Also where the column keeps fractions: to read a second more again costs little.
    const Duration whole = std::chrono::floor<std::chrono::seconds>(Duration{moment.ns});
    const Timestamp second{whole.count()};
    Datum stamp = stamp_datum(table, second, dialect);
    const Timestamp kept = stamp_time(table, stamp, dialect).value_or(second);
    return {kept, std::move(stamp)};
}

}  // namespace syncline::agent::sql
