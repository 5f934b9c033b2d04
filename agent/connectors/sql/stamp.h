#pragma once

#include <optional>

#include "agent/connectors/sql/position.h"
#include "agent/connectors/sql/session.h"
#include "agent/connectors/sql/table.h"

namespace syncline::agent::sql {

/// The moment that a stamp of `table.mapping.changed` says; nullopt: it says none.
[[nodiscard]] std::optional<Timestamp> stamp_time(const Table& table, const Datum& stamp,
                                                  const Dialect& dialect);

/// The least stamp that may say that moment or a later one.
[[nodiscard]] Datum stamp_datum(const Table& table, Timestamp moment, const Dialect& dialect);

/// The moment as the column keeps it, at most itself: of a column that keeps whole seconds, and of
/// every other one too, the second that it stands in; of a coarser `changed_format`, what that
/// says.
[[nodiscard]] Settled settled_at(const Table& table, Timestamp moment, const Dialect& dialect);

}  // namespace syncline::agent::sql
