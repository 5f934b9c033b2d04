#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/sql/mariadb_session.h"
#include "agent/connectors/sql/table.h"
#include "shared/base/secret.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent::sql {

/// What `[connector]` says of either database.
struct CommonConfig {
    /// `lag_ms`, from 1,000: the longest that a transaction may take from stamping a row to its
    /// commit, and the most that clocks which stamp may differ by.
    std::chrono::milliseconds lag{60'000};
    std::string outbox_table = "syncline_outbox";         ///< 1 to 30 letters, digits, `_`.
    std::chrono::milliseconds statement_timeout{30'000};  ///< `statement_timeout_ms`.
};

/// `[connector]` with `kind = "mariadb"`.
struct MariadbConfig {
    CommonConfig common;
    std::string host;           ///< Name, address, or the path of a Unix socket.
    std::uint16_t port = 3306;  ///< 1 to 65,535.
    std::string database;
    std::string user;
    Secret password;                           ///< Optional: unix_socket and certificates do too.
    MariadbTls tls = MariadbTls::kVerifyFull;  ///< Ignored on a Unix socket.
    std::string tls_ca;                        ///< PEM file; empty: what the machine trusts.
    std::string tls_certificate;               ///< PEM file of the client, may be empty.
    std::string tls_key;                       ///< PEM file of its key.
    std::chrono::minutes zone{0};              ///< `time_zone`: "UTC" or "+02:00".
    std::chrono::milliseconds connect_timeout{10'000};  ///< `connect_timeout_ms`.
    std::chrono::milliseconds lock_timeout{10'000};     ///< `lock_timeout_ms`, whole seconds.
};

/// `[connector]` with `kind = "sqlite"`.
struct SqliteConfig {
    CommonConfig common;
    std::filesystem::path file;                     ///< `file`; relative to the agent's file.
    std::chrono::milliseconds busy_timeout{5'000};  ///< `busy_timeout_ms`.
};

/// These read the tables; what is wrong is noted in the reader. The key `kind` is left to the
/// caller.
[[nodiscard]] MariadbConfig parse_mariadb_config(TomlReader& read);
[[nodiscard]] SqliteConfig parse_sqlite_config(TomlReader& read,
                                               const std::filesystem::path& config_dir);

/// `[objects]` with what SQL adds to it: `outbox`, and that a path is a column's name.
/// `stamp_format` is how `changed` is written where the object does not say; empty: by the column's
/// type. `timestamp_format` is the same of fields.
struct ObjectDefaults {
    std::string stamp_format;
    std::string timestamp_format;
};
[[nodiscard]] std::vector<SqlObject> parse_sql_objects(TomlReader& objects,
                                                       const ObjectDefaults& defaults);

}  // namespace syncline::agent::sql
