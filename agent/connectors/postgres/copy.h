#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/postgres/cursor.h"
#include "agent/connectors/postgres/session.h"
#include "agent/connectors/postgres/table.h"

namespace syncline::agent::postgres {

struct CopyChunk {
    Batch batch;
    bool done = false;  ///< `position` is behind the last row of the last table.
};
/// The next rows of a copy in the order of their keys, at most `max`, all of one table; moves
/// `position` past them. What a table lacks is among the rejects of its first rows. Errors as
/// Session::run().
[[nodiscard]] Result<CopyChunk> copy_rows(Session& session, const std::vector<Table>& tables,
                                          Position& position, std::size_t max,
                                          const std::stop_token& stop);

/// How many rows copy_rows() would show, from the beginning to the end.
[[nodiscard]] Result<std::uint64_t> count_rows(Session& session, const std::vector<Table>& tables,
                                               const std::stop_token& stop);

}  // namespace syncline::agent::postgres
