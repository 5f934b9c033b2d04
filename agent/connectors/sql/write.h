#pragma once

#include <stop_token>

#include "agent/connectors/connector.h"
#include "agent/connectors/sql/session.h"
#include "agent/connectors/sql/table.h"
#include "shared/model/command.h"

namespace syncline::agent::sql {

/// Carries a command out in one transaction.
///
/// A create looks for the marker first: a record that is there already is told and not written
/// over. An update holds the row locked while it compares `command.expected`; a delete removes the
/// row, and of one that is gone already it succeeds with `existed` false.
///
/// kNotFound: no row to update. kConflict: the row held something else, or a unique index refused.
/// kInvalid: the values are refused. kUnavailable: nothing happened; if it was that the table
/// was altered, the session is closed. kAmbiguous: the connection was lost while the transaction
/// was being committed, and only then.
[[nodiscard]] Result<Written> carry_out(Session& session, const Table& table,
                                        const Command& command, const std::stop_token& stop);

/// The record that carries the marker of `entity`; nullopt: none does. kInvalid: several do.
/// Requires: the table has a marker.
[[nodiscard]] Result<std::optional<Record>> find_marked(Session& session, const Table& table,
                                                        const EntityId& entity,
                                                        const std::stop_token& stop);

}  // namespace syncline::agent::sql
