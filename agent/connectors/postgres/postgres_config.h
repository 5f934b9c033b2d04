#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "agent/connectors/postgres/question.h"
#include "agent/connectors/postgres/session.h"
#include "shared/base/secret.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent::postgres {

/// libpq's `sslmode`.
enum class TlsMode : std::uint8_t { kDisable, kPrefer, kRequire, kVerifyCa, kVerifyFull };

/// `[connector]` with `kind = "postgres"`. The tables come from the mapped objects.
struct PostgresConfig {
    std::string host;           ///< Name, address, or the directory of a Unix socket.
    std::uint16_t port = 5432;  ///< 1 to 65,535.
    std::string database;
    std::string user;
    Secret password;                       ///< Optional: `peer`, certificates and ~/.pgpass do too.
    TlsMode tls = TlsMode::kVerifyFull;    ///< Ignored on a Unix socket.
    std::string tls_ca;                    ///< PEM file; empty: libpq's own default.
    std::string tls_certificate;           ///< PEM file of the client, may be empty.
    std::string tls_key;                   ///< PEM file of its key.
    std::string slot = "syncline";         ///< 1 to 63 of a-z, 0-9, `_`.
    std::string publication = "syncline";  ///< Letters, digits, `_`.
    bool create_slot = true;               ///< Make the slot if it is missing on a first read.
    bool create_publication = false;       ///< The same; needs ownership of the tables.
    std::chrono::milliseconds connect_timeout{10'000};    ///< `connect_timeout_ms`.
    std::chrono::milliseconds statement_timeout{30'000};  ///< `statement_timeout_ms`.
    std::chrono::milliseconds lock_timeout{10'000};       ///< `lock_timeout_ms`, of writes.
    /// `slot_wait_ms`: making a slot waits for every transaction that is open at that moment.
    std::chrono::milliseconds slot_wait{600'000};
    Questions questions;   ///< `[connector.asks]`.
    Questions operations;  ///< `[connector.operations]`.
    /// Where those that were carried out are kept: letters, digits, `_`, behind a schema or not.
    std::string operations_table = "syncline_operations";
};

/// Reads the table; what is wrong is noted in `read`. The key `kind` is left to the caller.
[[nodiscard]] PostgresConfig parse_postgres_config(TomlReader& read);

/// What a connection is for.
enum class Role : std::uint8_t { kSql, kReplication };

/// The parameters of a connection; loads the password anew. Errors as Secret::load().
[[nodiscard]] Result<Target> connection_target(const PostgresConfig& config, Role role);

}  // namespace syncline::agent::postgres
