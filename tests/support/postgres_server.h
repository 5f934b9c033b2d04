#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/database_process.h"

namespace syncline::test {

/// A real PostgreSQL on a free port of the loopback and on a Unix socket, with a cluster of its
/// own in a temporary folder: `wal_level = logical`, SCRAM over TCP, the superuser `postgres`
/// trusted on the socket, no fsync. Run as root it starts as the user `postgres`, or `nobody`. It
/// keeps its port over restarts and ends with the test program, however that ends. The binaries
/// are those of Debian's newest package, or in the folder that SYNCLINE_POSTGRES_BIN names. What
/// does not work throws std::runtime_error with the server's log in its text.
/// Threading: not synchronised.
class PostgresServer {
public:
    /// `settings`: more lines for postgresql.conf; they win over the ones above.
    explicit PostgresServer(std::string settings = {});
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string socket_folder() const { return process_.folder().string(); }
    [[nodiscard]] std::string log() const { return process_.log(); }

    /// Returns when it takes clients. Requires: it does not run.
    void start();
    /// A fast shutdown: sessions are ended, replication is drained. Harmless if it does not run.
    void stop();
    /// Ends it as a crash does. Harmless if it does not run.
    void kill9();
    void restart();

private:
    void write_settings() const;
    bool try_start();

    std::string settings_;
    std::filesystem::path binaries_;
    std::uint16_t port_ = 0;
    DatabaseProcess process_;
};

/// A plain client of its own, so that tests do not check our code with our code.
/// Threading: not synchronised; make one for each thread.
class PostgresClient {
public:
    using Row = std::vector<std::string>;
    /// The superuser over the socket.
    PostgresClient(const PostgresServer& server, const std::string& database);
    ~PostgresClient();
    PostgresClient(const PostgresClient&) = delete;
    PostgresClient& operator=(const PostgresClient&) = delete;

    /// All rows of the last of the statements; NULL is the text "NULL". An SQL error throws
    /// std::runtime_error.
    std::vector<Row> run(const std::string& sql);
    /// The only value of the only row.
    std::string value(const std::string& sql);

private:
    struct Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace syncline::test
