#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/sql/session.h"

namespace syncline::agent::sql {

/// Session::describe() of MariaDB and MySQL; `native` is `table` or `database.table`.
[[nodiscard]] Result<std::optional<Catalogue>> describe_mariadb(Session& session,
                                                                const std::string& native,
                                                                const std::stop_token& stop);
/// Session::triggers() of the same.
[[nodiscard]] Result<std::vector<std::string>> mariadb_trigger_names(Session& session,
                                                                     const std::string& native,
                                                                     const std::stop_token& stop);
/// Session::full_name() of the same; `database` is the session's own.
[[nodiscard]] std::string full_mariadb_name(std::string_view native, std::string_view database);

}  // namespace syncline::agent::sql
