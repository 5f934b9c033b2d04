#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/sql/reader.h"

namespace syncline::agent::sql {

/// The outbox is a queue in the database: triggers put in which row changed, within the very
/// transaction that changes it, and what was told is taken out once the agent has stored it.
///
/// Entries are counted up when they are put in and appear when their transaction commits, so
/// behind entry 7 a 5 may appear, however late. Therefore no entry is skipped because of its
/// number: each round begins at the least that there is, and exactly those that were told are
/// taken out. A number that never appears, of a transaction that was rolled back, is waited for by
/// nobody. An entry whose removal fails is told again, which is harmless.
///
/// Of each entry the row is told as it is now, not as it was: that is never older than the entry.
///
/// Of entries whose table nobody maps it is not known whether somebody misses them: the triggers
/// may tell a name that the table had before. They stay, and nothing is read until a person
/// decides.
struct OutboxPage {
    std::vector<std::uint64_t> seqs;
    bool last = true;  ///< There were no more.
};

/// Tells the records of up to `limit` entries behind `after`. Errors as Session::run(), and
/// kInvalid: one of them is of a table that no object is mapped to.
[[nodiscard]] Result<OutboxPage> read_outbox(const ReadContext& context, std::uint64_t after,
                                             std::size_t limit, Batch& batch);

/// Takes these entries out. Harmless if some are gone already.
[[nodiscard]] Result<void> trim_outbox(Session& session, const std::string& outbox,
                                       const std::vector<std::uint64_t>& seqs,
                                       const std::stop_token& stop);

}  // namespace syncline::agent::sql
