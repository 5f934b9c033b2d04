#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/database_process.h"

namespace syncline::test {

/// A real MariaDB on a free port of the loopback and on a Unix socket, with a database of its own
/// in a temporary folder: `root` without password on the socket, nothing flushed. Run as root it
/// starts as the user `nobody`. It keeps its port over restarts and ends with the test program,
/// however that ends. What does not work throws std::runtime_error with the server's log in its
/// text. Threading: not synchronised.
class MariadbServer {
public:
    /// `options`: more of the command line; they win over ours.
    explicit MariadbServer(std::vector<std::string> options = {});
    MariadbServer(const MariadbServer&) = delete;
    MariadbServer& operator=(const MariadbServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string socket() const { return (process_.folder() / "socket").string(); }
    [[nodiscard]] std::string log() const { return process_.log(); }

    /// Returns when it takes clients. Requires: it does not run.
    void start();
    /// Ends it as a crash does. Harmless if it does not run.
    void kill9();

private:
    std::vector<std::string> options_;
    std::uint16_t port_ = 0;
    DatabaseProcess process_;
};

/// A plain client of its own, so that tests do not check our code with our code.
/// Threading: not synchronised; make one for each thread.
class MariadbClient {
public:
    using Row = std::vector<std::string>;
    /// `root` over the socket; without a database if that is empty.
    MariadbClient(const MariadbServer& server, const std::string& database);
    ~MariadbClient();
    MariadbClient(const MariadbClient&) = delete;
    MariadbClient& operator=(const MariadbClient&) = delete;

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
