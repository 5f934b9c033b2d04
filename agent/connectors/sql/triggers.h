#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/sql/table.h"

namespace syncline::agent::sql {

/// What the names of our triggers end with. `_rekey` tells that a row has left its former key.
inline constexpr std::array kTriggerEvents{"_insert", "_update", "_rekey", "_delete"};

/// The name of one of them, of at most 64 bytes, without its schema; `event` is one of the above.
/// Long names end in a hash of the whole, so that two of them never share a trigger.
[[nodiscard]] std::string trigger_name(std::string_view outbox, const ObjectName& object,
                                       std::string_view event);

/// The SQL that makes the outbox and the triggers of the objects that use it; harmless to repeat.
/// `database` is where the outbox's table is.
[[nodiscard]] std::string mariadb_triggers(const std::vector<SqlObject>& objects,
                                           std::string_view database, std::string_view outbox);
[[nodiscard]] std::string sqlite_triggers(const std::vector<SqlObject>& objects,
                                          std::string_view outbox);

}  // namespace syncline::agent::sql
