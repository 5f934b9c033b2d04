#pragma once

#include "agent/connectors/list_door.h"
#include "agent/connectors/registry.h"

namespace syncline::agent {

/// Lists in tables: `native` is the table, `key` a column that is unique. A list is read by one
/// statement, and replaced by one transaction, which changes only the rows that differ.
[[nodiscard]] Result<ListDoorFactory> make_postgres_lists(TomlReader& connector, TomlReader& lists,
                                                          const ConnectorContext& context);

}  // namespace syncline::agent
