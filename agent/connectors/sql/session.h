#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

namespace syncline::agent::sql {

/// One value as a database tells or takes it. Numbers are text too, so that they stay exact.
struct Datum {
    /// kReal: a number of at most fifteen digits, if it is one that we give.
    enum class Kind : std::uint8_t { kNull, kInteger, kReal, kText, kBytes };
    Kind kind = Kind::kNull;
    std::string text;  ///< kBytes: the bytes themselves.

    [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
    [[nodiscard]] static Datum of_text(std::string text) { return {Kind::kText, std::move(text)}; }
    [[nodiscard]] static Datum of_integer(std::int64_t value) {
        return {Kind::kInteger, std::to_string(value)};
    }
    friend bool operator==(const Datum&, const Datum&) = default;
};
using Row = std::vector<Datum>;

/// What a column holds, as far as reading and writing it goes.
enum class ColumnType : std::uint8_t {
    kBool,  ///< TINYINT(1), BIT(1); SQLite: declared BOOL.
    kInteger,
    kNumber,  ///< DECIMAL, FLOAT, DOUBLE: by their exact text.
    kText,
    kDate,
    kTimestamp,  ///< DATETIME, TIMESTAMP: in the session's time zone.
    kBytes,      ///< BLOB, BINARY, BIT(n), geometry.
    kDynamic,    ///< SQLite: each value has a type of its own.
};

struct Column {
    std::string name;
    ColumnType type = ColumnType::kText;
    bool unique = false;     ///< A whole unique index on it alone.
    bool generated = false;  ///< The database counts it up: AUTO_INCREMENT, rowid.
    /// SQLite turns what is written there into a binary number, which keeps fifteen digits.
    bool lossy_numbers = false;
    bool hex = false;  ///< Of kBytes: the mapping wants them as hexadecimal text.
};

/// A table as the database's own catalogue knows it.
struct Catalogue {
    std::string sql_name;  ///< Quoted, as statements name it.
    std::vector<Column> columns;
    std::string problem;  ///< Why it cannot be used; empty: it can.
};

/// What a connection that is lost after the statement was sent leaves behind.
enum class IfLost : std::uint8_t {
    kNothingHappened,  ///< It only reads, or stands in a transaction that now cannot commit.
    kInDoubt,          ///< It commits: reported as kAmbiguous.
};

struct Statement {
    std::string sql;  ///< With ? for the parameters.
    std::vector<Datum> parameters = {};
    bool plain = false;  ///< BEGIN and its kin, which cannot be prepared; no parameters, no rows.
    IfLost if_lost = IfLost::kNothingHappened;
};

struct Answer {
    std::vector<Row> rows;
    std::uint64_t last_id = 0;  ///< What the database counted up for an INSERT; 0: nothing.
};

/// In what the databases differ beyond their catalogue.
struct Dialect {
    std::string_view name;          ///< For messages.
    std::string_view begin;         ///< Begins a transaction that will write.
    std::string_view lock_rows;     ///< Behind a SELECT of rows that are about to be written.
    std::string_view stamp_format;  ///< time_format.h, of a `changed` column without its own.
    Duration zone{0};               ///< What kTimestamp columns are ahead of UTC.
    std::string zone_text = "Z";    ///< The same as RFC 3339 has it.
};

/// One connection to a database, never blocking longer than its limits and heeding `stop`. After an
/// error that breaks it, usable() is false and every call fails with kUnavailable.
/// Threading: one thread at a time.
class Session {
public:
    virtual ~Session() = default;

    /// Runs one statement. kInvalid, kConflict, kDenied, kTooLarge: refused, with the database's
    /// own message. kUnavailable: deadlock, lock wait, time limit, `stop`, lost connection; nothing
    /// happened. kAmbiguous: as Statement::if_lost says.
    virtual Result<Answer> run(const Statement& statement, const std::stop_token& stop) = 0;

    /// nullopt: there is no such table, or the user may not see it.
    virtual Result<std::optional<Catalogue>> describe(const std::string& native,
                                                      const std::stop_token& stop) = 0;
    /// The database's own clock, which stamps rows.
    virtual Result<Timestamp> now(const std::stop_token& stop) = 0;
    /// One text for each table, whichever way `native` names it: for comparing.
    [[nodiscard]] virtual std::string full_name(const std::string& native) const = 0;
    /// Names of the triggers of a table, as far as the user may see them.
    virtual Result<std::vector<std::string>> triggers(const std::string& native,
                                                      const std::stop_token& stop) = 0;
    /// May it be that there are triggers which triggers() does not show?
    [[nodiscard]] virtual bool may_hide_triggers() const = 0;

    /// Did the last error mean that a table is no longer as the catalogue described it?
    [[nodiscard]] virtual bool table_was_altered() const = 0;
    [[nodiscard]] virtual const Dialect& dialect() const = 0;
    [[nodiscard]] virtual bool usable() const = 0;
    virtual void close() = 0;
};

/// Opens a session; blocks, heeding `stop`.
using SessionOpener = std::function<Result<std::unique_ptr<Session>>(const std::stop_token&)>;

/// Of an error after which table_was_altered(): the session is closed, so that tables are looked at
/// anew. kUnavailable: nothing happened.
[[nodiscard]] std::unexpected<Error> table_altered(Session& session, const Error& error);

/// `name` as an identifier: in backticks, which both databases take and never mistake for a text.
[[nodiscard]] std::string sql_identifier(std::string_view name);
/// `name` as a text in SQL, for what is printed to be run by a person; both databases' form.
[[nodiscard]] std::string sql_text(std::string_view text);

/// Runs `inside` in a transaction; an error of it rolls back. kAmbiguous: the connection was lost
/// while the transaction was being committed, and only then.
template <class T, class Inside>
[[nodiscard]] Result<T> in_transaction(Session& session, const std::stop_token& stop,
                                       Inside inside) {
    const std::string begin{session.dialect().begin};
    if (auto begun = session.run({.sql = begin, .plain = true}, stop); !begun) {
        return fail(begun.error());
    }
    Result<T> done = inside();
    if (done) {
        const Statement commit{.sql = "COMMIT", .plain = true, .if_lost = IfLost::kInDoubt};
        auto committed = session.run(commit, stop);
        if (committed) return done;
        done = fail(committed.error());
    }
    const bool rolled_back =
        session.usable() && session.run({.sql = "ROLLBACK", .plain = true}, stop).has_value();
    if (!rolled_back) session.close();
    return done;
}

}  // namespace syncline::agent::sql
