#pragma once

#include <stop_token>
#include <string>

#include "agent/connectors/connector.h"
#include "agent/connectors/postgres/question.h"
#include "agent/connectors/postgres/session.h"

namespace syncline::agent::postgres {

/// Carries out an operation, once: in one transaction with a row of `table`, which has its key and
/// what it came to. One that was carried out already is answered by that row, so repeating is
/// harmless, also while an earlier attempt is still on its way. `table` is made if it is missing;
/// its name goes into statements as it is.
///
/// kInvalid: the database refuses it. kNotFound: it gives no row, and then has no effect.
/// kUnavailable: nothing happened. kAmbiguous: the connection was lost in the COMMIT.
[[nodiscard]] Result<Value> carry_out_operation(Session& session, const std::string& table,
                                                const Question& operation,
                                                const OperationRequest& request,
                                                const std::stop_token& stop);

}  // namespace syncline::agent::postgres
