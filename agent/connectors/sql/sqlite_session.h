#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>

#include "agent/connectors/sql/session.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"

namespace syncline::agent::sql {

struct SqliteTarget {
    std::filesystem::path file;  ///< Must be there.
    Duration busy_limit{0};      ///< How long to wait while another process writes.
    Duration statement_limit{0};
};

/// Opens an SQLite file that is there. kUnavailable: it cannot be opened (yet). kDenied: it may not
/// be. kCorrupt: it is no database. `clock` outlives the session.
[[nodiscard]] Result<std::unique_ptr<Session>> open_sqlite(const SqliteTarget& target,
                                                           const Clock& clock,
                                                           const std::stop_token& stop);

/// Session::full_name() of SQLite, which takes A for a in names, and only such letters.
[[nodiscard]] std::string full_sqlite_name(std::string_view native);

}  // namespace syncline::agent::sql
