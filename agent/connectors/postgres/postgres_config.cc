#include "agent/connectors/postgres/postgres_config.h"

#include <algorithm>
#include <string_view>

namespace syncline::agent::postgres {
namespace {

constexpr TomlReader::Choice<TlsMode> kTlsModes[] = {
    {"disable", TlsMode::kDisable},        {"prefer", TlsMode::kPrefer},
    {"require", TlsMode::kRequire},        {"verify-ca", TlsMode::kVerifyCa},
    {"verify-full", TlsMode::kVerifyFull},
};

std::string name_of(TlsMode mode) {
    for (const auto& choice : kTlsModes) {
        if (choice.value == mode) return std::string{choice.name};
    }
    return "verify-full";
}

bool is_slot_name(std::string_view name) {
    return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

/// What goes unquoted and unescaped into START_REPLICATION.
bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

std::string milliseconds(std::chrono::milliseconds time) { return std::to_string(time.count()); }

}  // namespace

PostgresConfig parse_postgres_config(TomlReader& read) {
    PostgresConfig config;
    config.host = read.text("host");
    config.port = read.integer<std::uint16_t>("port", {1, 65'535}, config.port);
    config.database = read.text("database");
    config.user = read.text("user");
    config.password = read.optional_secret("password");
    config.tls = read.choice("tls", kTlsModes, config.tls);
    config.tls_ca = read.text("tls_ca", config.tls_ca);
    config.tls_certificate = read.text("tls_certificate", config.tls_certificate);
    config.tls_key = read.text("tls_key", config.tls_key);
    config.slot = read.text("slot", config.slot);
    if (!is_slot_name(config.slot)) {
        read.problem("slot", "must be 1 to 63 of the characters a-z, 0-9 and _");
    }
    config.publication = read.text("publication", config.publication);
    if (!is_plain_name(config.publication)) {
        read.problem("publication", "must be 1 to 63 letters, digits and _");
    }
    config.create_slot = read.boolean("create_slot", config.create_slot);
    config.create_publication = read.boolean("create_publication", config.create_publication);
    config.connect_timeout =
        read.milliseconds("connect_timeout_ms", {100, 120'000}, config.connect_timeout);
    config.statement_timeout =
        read.milliseconds("statement_timeout_ms", {100, 600'000}, config.statement_timeout);
    config.lock_timeout = read.milliseconds("lock_timeout_ms", {10, 600'000}, config.lock_timeout);
    config.slot_wait = read.milliseconds("slot_wait_ms", {1'000, 86'400'000}, config.slot_wait);
    config.questions = read_questions(read.table("asks"));
    config.operations = read_questions(read.table("operations"));
    config.operations_table = read.text("operations_table", config.operations_table);
    const std::string_view table = config.operations_table;
    const auto dot = table.find('.');
    const bool plain = dot == std::string_view::npos ? is_plain_name(table)
                                                     : is_plain_name(table.substr(0, dot)) &&
                                                           is_plain_name(table.substr(dot + 1));
    if (!plain) {
        read.problem("operations_table", "must be a name of letters, digits and _, or schema.name");
    }
    return config;
}

Result<Target> connection_target(const PostgresConfig& config, Role role) {
    const bool is_socket = config.host.starts_with('/');
    // Fixed output formats: our decoder, like pgoutput's text, depends on them.
    std::string options =
        "-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=1"
        " -c bytea_output=hex -c idle_in_transaction_session_timeout=0";
    if (role == Role::kSql) {
        options += " -c statement_timeout=" + milliseconds(config.statement_timeout) +
                   " -c lock_timeout=" + milliseconds(config.lock_timeout);
    }
    Target target;
    target.connect_limit = config.connect_timeout;
    // The server ends a statement that takes too long; the margin is for its answer.
    target.statement_limit = config.statement_timeout + std::chrono::seconds{5};
    target.parameters = {{"host", config.host},
                         {"port", std::to_string(config.port)},
                         {"dbname", config.database},
                         {"user", config.user},
                         {"application_name", "syncline-agent"},
                         {"client_encoding", "UTF8"},
                         {"options", options},
                         {"sslmode", is_socket ? "disable" : name_of(config.tls)},
                         {"keepalives_idle", "30"},
                         {"keepalives_interval", "10"},
                         {"keepalives_count", "3"},
                         {"tcp_user_timeout", "60000"}};
    if (role == Role::kReplication) target.parameters.emplace_back("replication", "database");
    if (!config.tls_ca.empty()) target.parameters.emplace_back("sslrootcert", config.tls_ca);
    if (!config.tls_certificate.empty()) {
        target.parameters.emplace_back("sslcert", config.tls_certificate);
        target.parameters.emplace_back("sslkey", config.tls_key);
    }
    if (config.password.configured()) {
        Secret password = config.password;
        if (auto loaded = password.load(); !loaded) return fail(loaded.error(), "password");
        target.parameters.emplace_back("password", std::string{password.reveal()});
    }
    return target;
}

}  // namespace syncline::agent::postgres
