#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "shared/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace syncline::sqlite {

/// Bytes, where a plain string would be taken for text.
struct Blob {
    std::string_view bytes;
};

class Database;

/// A running statement: its rows, one after the other. Ends when destroyed. The columns' views
/// live until the next call of next() or the end. Once its database has failed it has no rows.
class Query {
public:
    Query(Query&& other) noexcept
        : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}
    Query& operator=(Query&&) = delete;
    ~Query();

    /// Steps to the next row; false at the end and after a failure.
    [[nodiscard]] bool next();

    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::uint64_t unsigned_integer(int column) const {
        return static_cast<std::uint64_t>(integer(column));
    }
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] bool is_null(int column) const;

private:
    friend class Database;
    Query(Database& database, sqlite3_stmt* statement)
        : database_(database), statement_(statement) {}

    void bind_integer(int index, std::int64_t value);
    void bind_text(int index, std::string_view value);
    void bind_blob(int index, std::string_view value);

    template <class T>
    void bind(int index, const T& value) {
        if constexpr (std::is_same_v<T, Blob>) {
            bind_blob(index, value.bytes);
        } else if constexpr (std::is_same_v<T, std::optional<Blob>>) {
            if (value) bind_blob(index, value->bytes);  // Bound to nothing it is null.
        } else if constexpr (std::is_same_v<T, std::optional<std::string_view>>) {
            if (value) bind_text(index, *value);
        } else if constexpr (std::is_same_v<T, std::nullptr_t>) {
        } else if constexpr (std::is_integral_v<T>) {
            bind_integer(index, static_cast<std::int64_t>(value));
        } else {
            bind_text(index, value);
        }
    }

    Database& database_;
    sqlite3_stmt* statement_;  ///< Null once the database has failed.
};

/// One SQLite file in WAL mode, held by this process alone, every commit synced to disk.
///
/// Errors: the first failure within a transaction is kept; statements after it do nothing and give
/// no rows, and end() rolls back and returns it. So a transaction's body needs no error handling,
/// but must not act on what it read before the commit succeeded. Kinds: kFull (disk or quota),
/// kUnavailable (another process holds the file, or the disk failed: what the file holds is then
/// only known after opening it again), kCorrupt (damaged, left as it was), kDenied (permissions),
/// kInternal (a defect of ours).
///
/// Threading: one thread. Lifetime: queries must not outlive it.
class Database {
public:
    struct Options {
        std::string path;
        std::string vfs;  ///< Name of a registered VFS; empty: the system's.
        std::size_t cache_bytes = 256u << 10;
    };

    /// Opens or creates the file. kUnavailable: another process holds it. kCorrupt: not a database
    /// or damaged; nothing was changed.
    static Result<std::unique_ptr<Database>> open(const Options& options);

    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    /// Starts `sql` (a literal: statements are kept by its text) with the values of ?1, ?2, ...
    /// Text and blobs must live until the query ends.
    template <class... Values>
    [[nodiscard]] Query query(std::string_view sql, const Values&... values) {
        Query started{*this, statement(sql)};
        int index = 0;
        (started.bind(++index, values), ...);
        return started;
    }

    /// Runs `sql` to its end. Returns the number of rows it changed; 0 after a failure.
    template <class... Values>
    std::int64_t run(std::string_view sql, const Values&... values) {
        Query query_{*this, statement(sql)};
        int index = 0;
        (query_.bind(++index, values), ...);
        return finish(query_);
    }

    /// Runs several statements without parameters, e.g. a schema.
    void script(const char* sql);

    void begin();
    /// Commits and syncs, or rolls back if anything failed since begin().
    [[nodiscard]] Result<void> end();
    void roll_back();
    [[nodiscard]] bool in_transaction() const { return in_transaction_; }

    [[nodiscard]] bool failed() const { return error_.has_value(); }
    /// Makes the transaction fail with an error of the caller's own; the first one counts.
    void fail_with(Error error);

    /// Syncs what the file holds, which may be more than was ever committed: the write-ahead log
    /// keeps what a process wrote that died, or whose disk failed, before its sync ended. Needed
    /// once after opening, before anything is done by what was read. A sync alone would not do: one
    /// that has failed may have had the system forget what it had still to write, so it is all
    /// written again, into the main file.
    [[nodiscard]] Result<void> make_durable();

    /// Result of `PRAGMA quick_check`: kCorrupt if the file is damaged.
    [[nodiscard]] Result<void> check();

private:
    friend class Query;
    explicit Database(std::string path) : path_(std::move(path)) {}

    sqlite3_stmt* statement(std::string_view sql);
    std::int64_t finish(Query& query);
    void note(int code);
    [[nodiscard]] Error error_of(int code) const;

    std::string path_;
    sqlite3* handle_ = nullptr;
    std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
    std::optional<Error> error_;
    bool in_transaction_ = false;
};

}  // namespace syncline::sqlite
