#pragma once

#include <stop_token>

#include "agent/connectors/connector.h"
#include "agent/connectors/postgres/session.h"
#include "agent/connectors/postgres/table.h"
#include "shared/model/command.h"

namespace syncline::agent::postgres {

/// Carries a command out in one transaction, which also holds the message
/// `pg_logical_emit_message(true, 'syncline', <idempotency key>)`.
///
/// A create is an INSERT, made an upsert by the marker where that is unique; an update holds the
/// row locked while it compares `command.expected`; a delete removes the row.
///
/// A delete of what is gone already succeeds, with `existed` false. kNotFound: no row to update.
/// kConflict: the row held something else, or a unique index refused. kInvalid: the values are
/// refused. kUnavailable: nothing happened. kAmbiguous: the connection was lost while the
/// transaction was being committed, and only then.
[[nodiscard]] Result<Written> carry_out(Session& session, const Table& table,
                                        const Command& command, const std::stop_token& stop);

/// True for the errors that also mean: the table is no longer as the catalogue described it.
[[nodiscard]] bool is_schema_change(std::string_view sqlstate);

}  // namespace syncline::agent::postgres
