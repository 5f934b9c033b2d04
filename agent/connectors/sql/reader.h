#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/sql/position.h"
#include "agent/connectors/sql/session.h"
#include "agent/connectors/sql/table.h"

namespace syncline::agent::sql {

/// What reading needs; all of it outlives the call.
struct ReadContext {
    Session& session;
    const std::vector<Table>& tables;
    Duration lag;               ///< See end_round().
    const std::string& outbox;  ///< Quoted name of the outbox's table; empty: no object uses it.
    const std::stop_token& stop;
};

/// A batch and the entries of the outbox that it tells.
struct ReadBatch {
    Batch batch;
    std::vector<std::uint64_t> told;
};

/// One batch of a round (position.h). Errors as Session::run().
[[nodiscard]] Result<ReadBatch> read_round(const ReadContext& context, Position position,
                                           std::size_t max);

/// One batch of all rows alone: neither stamps nor the outbox are followed.
[[nodiscard]] Result<Batch> read_survey(const ReadContext& context, Position position,
                                        std::size_t max);

}  // namespace syncline::agent::sql
