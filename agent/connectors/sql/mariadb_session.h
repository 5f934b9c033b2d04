#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/connectors/sql/session.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "shared/base/secret.h"

namespace syncline::agent::sql {

enum class MariadbTls : std::uint8_t { kDisable, kRequire, kVerifyFull };

struct MariadbTarget {
    std::string host;  ///< Name, address, or the path of a Unix socket.
    std::uint16_t port = 3306;
    std::string database;
    std::string user;
    Secret password;                           ///< Loaded anew for each session; may be none.
    MariadbTls tls = MariadbTls::kVerifyFull;  ///< Ignored on a Unix socket.
    std::string tls_ca;                        ///< PEM file.
    std::string tls_certificate;               ///< PEM file of the client, may be empty.
    std::string tls_key;
    Duration zone{0};  ///< What the database's DATETIMEs are ahead of UTC, whole minutes.
    Duration connect_limit{0};
    Duration statement_limit{0};
    Duration lock_limit{0};
};

/// What an error of the server's means for the caller.
[[nodiscard]] ErrorKind kind_of_mariadb(unsigned int number, std::string_view sqlstate);

/// "+02:00", as SQL and RFC 3339 have it.
[[nodiscard]] std::string zone_text(Duration zone);

/// kUnavailable: not reached in time. kDenied: refused by name, password or certificate. kInvalid:
/// no such database. kUnsupported: no client library. (The name is looked up by the system, whose
/// own time limit applies.) `clock` outlives the session.
[[nodiscard]] Result<std::unique_ptr<Session>> open_mariadb(const MariadbTarget& target,
                                                            const Clock& clock,
                                                            const std::stop_token& stop);

}  // namespace syncline::agent::sql
