#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

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
    ~MariadbServer();
    MariadbServer(const MariadbServer&) = delete;
    MariadbServer& operator=(const MariadbServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string socket() const { return (folder_ / "socket").string(); }
    [[nodiscard]] std::string log() const;

    /// Returns when it takes clients. Requires: it does not run.
    void start();
    /// Ends it as a crash does. Harmless if it does not run.
    void kill9();

private:
    void make_database();
    /// Runs `words` as the user of the server in its folder.
    pid_t spawn(const std::vector<std::string>& words) const;
    void run(const std::vector<std::string>& words) const;
    void signal_and_wait(int signal);

    std::vector<std::string> options_;
    std::filesystem::path folder_;
    std::uint16_t port_ = 0;
    uid_t user_ = 0;
    gid_t group_ = 0;
    pid_t pid_ = 0;
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
