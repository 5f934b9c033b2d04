#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/sql/table.h"

namespace syncline::agent::sql {

/// What the names of our triggers end with. `_rekey` tells that a row has left its former key.
inline constexpr std::array kTriggerEvents{"_insert", "_update", "_rekey", "_delete"};

/// The SQL that makes the outbox and the triggers of the objects that use it; harmless to repeat.
/// `database` is where the outbox's table is.
[[nodiscard]] std::string mariadb_triggers(const std::vector<SqlObject>& objects,
                                           std::string_view database, std::string_view outbox);
[[nodiscard]] std::string sqlite_triggers(const std::vector<SqlObject>& objects,
                                          std::string_view outbox);

}  // namespace syncline::agent::sql
