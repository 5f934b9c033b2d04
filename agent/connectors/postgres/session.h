#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/connectors/postgres/libpq.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"

namespace syncline::agent::postgres {

/// What a connection that is lost after the statement was sent leaves behind.
enum class IfLost : std::uint8_t {
    kNothingHappened,  ///< It only reads, or it stands in a transaction that now cannot commit.
    kInDoubt,          ///< It commits: reported as kAmbiguous.
};

/// A parameter in PostgreSQL's text form; absent is NULL.
using Parameter = std::optional<std::string>;

struct Statement {
    std::string sql;  ///< With $1, $2, ... for the parameters.
    std::vector<Parameter> parameters = {};
    bool prepare = false;  ///< Planned once per session under its text.
    IfLost if_lost = IfLost::kNothingHappened;
    Duration limit{0};  ///< How long to wait for the answer; zero: Target::statement_limit.
};

/// What a statement answered. Texts live as long as this.
class Rows {
public:
    Rows(ResultHandle result, const Libpq& api) : result_(std::move(result)), api_(&api) {}
    [[nodiscard]] std::size_t size() const;
    /// nullopt is NULL.
    [[nodiscard]] std::optional<std::string_view> get(std::size_t row, std::size_t column) const;
    /// As get(), NULL as empty text.
    [[nodiscard]] std::string text(std::size_t row, std::size_t column) const;
    /// Rows that an UPDATE, INSERT or DELETE touched.
    [[nodiscard]] std::uint64_t affected() const;

private:
    ResultHandle result_;
    const Libpq* api_;
};

/// How to reach a server: libpq's keywords and values, passed on one by one and never as one
/// string, so that no value can become another keyword.
struct Target {
    std::vector<std::pair<std::string, std::string>> parameters;
    Duration connect_limit = std::chrono::seconds{10};
    Duration statement_limit = std::chrono::seconds{30};  ///< The server's own is in `parameters`.
};

/// What an SQLSTATE and its message mean for the caller, by class: 22, 23, 42 kInvalid (23505
/// kConflict), 28 and 42501 kDenied, 40, 53, 55, 57, 08 kUnavailable, 0A kUnsupported.
[[nodiscard]] ErrorKind kind_of_sqlstate(std::string_view state);

/// One connection to PostgreSQL, never blocking longer than its limits and heeding `stop`.
/// After an error that breaks the connection, usable() is false and every call fails with
/// kUnavailable. Threading: one thread at a time.
class Session {
public:
    /// kUnavailable: not reached in time. kDenied: refused by name, password or pg_hba.conf.
    /// kInvalid: no such database. kUnsupported: no libpq. (The name is looked up by the system,
    /// whose own time limit applies.)
    static Result<Session> open(const Target& target, const Clock& clock, std::stop_token stop);

    /// Runs one statement. Errors as kind_of_sqlstate(); besides kUnavailable when the connection
    /// was lost, or time or `stop` ended the wait (the connection is then closed and the server
    /// rolls back), or kAmbiguous by `Statement::if_lost`.
    Result<Rows> run(const Statement& statement, std::stop_token stop);

    /// Runs START_REPLICATION. Afterwards only receive() and send() may be used.
    Result<void> start_copy_both(const std::string& command, std::stop_token stop);
    /// The next message of the stream, waiting at most `wait`; nullopt if there was none.
    Result<std::optional<std::string>> receive(Duration wait, std::stop_token stop);
    Result<void> send(std::string_view message, std::stop_token stop);

    [[nodiscard]] bool usable() const { return connection_ != nullptr; }
    void close() { connection_.reset(); }
    [[nodiscard]] int server_version() const { return server_version_; }  ///< 150020 is 15.20.
    /// SQLSTATE of the last failed statement; empty if the server did not answer.
    [[nodiscard]] const std::string& sqlstate() const { return sqlstate_; }

private:
    enum class Wake : std::uint8_t { kReady, kTimeout, kStopped };

    Session(const Libpq& api, const Clock& clock, const Target& target, ConnectionHandle handle)
        : api_(&api),
          clock_(&clock),
          limit_(target.statement_limit),
          connection_(std::move(handle)) {}

    Result<void> finish_connecting(Duration limit, const std::stop_token& stop);
    Result<std::string> prepared_name(const Statement& statement, const std::stop_token& stop);
    Result<void> dispatch(const Statement& statement, const std::string& prepared);
    Result<void> flush_all(Duration until, const std::stop_token& stop);
    Result<ResultHandle> await_result(IfLost if_lost, Duration limit, const std::stop_token& stop);
    Result<void> await_idle(IfLost if_lost, Duration until, const std::stop_token& stop);
    Wake wait_for(short events, Duration until, const std::stop_token& stop) const;
    std::unexpected<Error> broken(IfLost if_lost, const std::string& why);
    std::unexpected<Error> refused(const PGresult& result, IfLost if_lost);
    [[nodiscard]] std::string last_message() const;

    const Libpq* api_;
    const Clock* clock_;
    Duration limit_;
    ConnectionHandle connection_;
    std::map<std::string, std::string, std::less<>> prepared_;  ///< SQL to name.
    std::string sqlstate_;
    int server_version_ = 0;
};

}  // namespace syncline::agent::postgres
