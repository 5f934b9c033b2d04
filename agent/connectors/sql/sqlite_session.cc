#include "agent/connectors/sql/sqlite_session.h"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

namespace syncline::agent::sql {
namespace {

using namespace std::chrono_literals;

/// Steps of SQLite's virtual machine between two looks at the time: well under a millisecond.
constexpr int kStepsBetweenLooks = 1'000;
constexpr Duration kBusyPause = 5ms;

struct SqliteCloser {
    void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
};
struct SqliteFinalizer {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using SqliteHandle = std::unique_ptr<sqlite3, SqliteCloser>;
using SqliteStatement = std::unique_ptr<sqlite3_stmt, SqliteFinalizer>;

ErrorKind kind_of_sqlite(int extended) {
    switch (extended) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID: return ErrorKind::kConflict;
        default: break;
    }
    switch (extended & 0xff) {
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_RANGE:
        case SQLITE_ERROR: return ErrorKind::kInvalid;
        case SQLITE_TOOBIG: return ErrorKind::kTooLarge;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY: return ErrorKind::kDenied;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return ErrorKind::kCorrupt;
        case SQLITE_MISUSE: return ErrorKind::kInternal;
        default: return ErrorKind::kUnavailable;  // Busy, locked, full, I/O, interrupted, memory.
    }
}

/// SQLite's rules for what a declared type does to values.
Column column_of(std::string name, std::string declared) {
    std::ranges::transform(declared, declared.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
    const auto has = [&](std::string_view part) { return declared.find(part) != declared.npos; };
    Column column{.name = std::move(name), .type = ColumnType::kDynamic};
    if (has("INT")) {
        column.type = ColumnType::kInteger;
        column.lossy_numbers = true;
    } else if (has("CHAR") || has("CLOB") || has("TEXT")) {
        column.type = ColumnType::kText;
    } else if (has("BLOB")) {
        column.type = ColumnType::kBytes;
    } else {
        column.lossy_numbers = !declared.empty();
        if (has("BOOL")) column.type = ColumnType::kBool;
    }
    return column;
}

class SqliteSession final : public Session {
public:
    SqliteSession(SqliteHandle handle, const SqliteTarget& target, const Clock& clock)
        : handle_(std::move(handle)), target_(target), clock_(&clock) {
        sqlite3_extended_result_codes(handle_.get(), 1);
        sqlite3_busy_handler(handle_.get(), on_busy, this);
        sqlite3_progress_handler(handle_.get(), kStepsBetweenLooks, on_progress, this);
    }

    Result<Answer> run(const Statement& statement, const std::stop_token& stop) override {
        altered_ = false;
        if (!usable()) return fail(ErrorKind::kUnavailable, "SQLite: the file is not open");
        stop_ = stop;
        // A commit is a moment, and to break it off would leave a doubt.
        if (statement.if_lost == IfLost::kInDoubt) stop_ = {};
        const Duration now = clock_->steady();
        until_ = now + target_.statement_limit;
        busy_until_ = now + target_.busy_limit;
        sqlite3_stmt* prepared = nullptr;
        const int code =
            sqlite3_prepare_v2(handle_.get(), statement.sql.c_str(),
                               static_cast<int>(statement.sql.size()), &prepared, nullptr);
        const SqliteStatement owned{prepared};
        if (code != SQLITE_OK) return refused(statement);
        if (auto bound = bind(prepared, statement); !bound) return fail(bound.error());
        return step_through(prepared, statement);
    }

    Result<std::optional<Catalogue>> describe(const std::string& native,
                                              const std::stop_token& stop) override {
        auto kind = run({.sql = "SELECT type FROM sqlite_master WHERE name = ? COLLATE NOCASE"
                                " AND type IN ('table', 'view')",
                         .parameters = {Datum::of_text(native)}},
                        stop);
        if (!kind) return fail(kind.error());
        if (kind->rows.empty()) return std::nullopt;
        Catalogue catalogue{.sql_name = sql_identifier(native)};
        if (kind->rows.front().front().text == "view") catalogue.problem = "it is a view, no table";
        auto columns = run({.sql = "SELECT name, type, pk FROM pragma_table_xinfo(?)",
                            .parameters = {Datum::of_text(native)}},
                           stop);
        if (!columns) return fail(columns.error());
        const auto parts =
            std::ranges::count_if(columns->rows, [](const Row& row) { return row[2].text != "0"; });
        for (const Row& row : columns->rows) {
            Column column = column_of(row[0].text, row[1].text);
            const bool is_key = parts == 1 && row[2].text != "0";
            column.unique = is_key;
            column.generated = is_key && sqlite3_stricmp(row[1].text.c_str(), "INTEGER") == 0;
            catalogue.columns.push_back(std::move(column));
        }
        return add_unique(std::move(catalogue), native, stop);
    }

    Result<Timestamp> now(const std::stop_token& stop) override {
        std::ignore = stop;
        return clock_->now();  // Whoever stamps rows runs on this machine.
    }

    Result<std::vector<std::string>> triggers(const std::string& native,
                                              const std::stop_token& stop) override {
        auto found = run({.sql = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                                 " AND tbl_name = ? COLLATE NOCASE",
                          .parameters = {Datum::of_text(native)}},
                         stop);
        if (!found) return fail(found.error());
        std::vector<std::string> names;
        for (const Row& row : found->rows) names.push_back(row.front().text);
        return names;
    }
    [[nodiscard]] std::string full_name(const std::string& native) const override {
        return full_sqlite_name(native);
    }
    [[nodiscard]] bool may_hide_triggers() const override { return false; }
    [[nodiscard]] bool table_was_altered() const override { return altered_; }
    [[nodiscard]] const Dialect& dialect() const override {
        static const Dialect kDialect{.name = "SQLite",
                                      .begin = "BEGIN IMMEDIATE",
                                      .lock_rows = "",
                                      .stamp_format = "%Y-%m-%d %H:%M:%S"};
        return kDialect;
    }
    [[nodiscard]] bool usable() const override { return handle_ != nullptr; }
    void close() override { handle_.reset(); }

private:
    static int on_busy(void* self, int /*times*/) {
        auto& session = *static_cast<SqliteSession*>(self);
        const Duration now = session.clock_->steady();
        if (session.stop_.stop_requested() || now >= session.busy_until_) return 0;
        std::this_thread::sleep_for(std::min(kBusyPause, session.busy_until_ - now));
        return 1;
    }
    static int on_progress(void* self) {
        const auto& session = *static_cast<const SqliteSession*>(self);
        return session.stop_.stop_requested() || session.clock_->steady() >= session.until_ ? 1 : 0;
    }

    Result<void> bind(sqlite3_stmt* prepared, const Statement& statement) {
        int at = 0;
        for (const Datum& datum : statement.parameters) {
            ++at;
            const int size = static_cast<int>(datum.text.size());
            int code = SQLITE_OK;
            std::int64_t number = 0;
            double fraction = 0;
            const char* end = datum.text.data() + size;
            switch (datum.kind) {
                case Datum::Kind::kNull: code = sqlite3_bind_null(prepared, at); break;
                case Datum::Kind::kBytes:
                    code = sqlite3_bind_blob(prepared, at, datum.text.data(), size, SQLITE_STATIC);
                    break;
                case Datum::Kind::kInteger:
                    if (std::from_chars(datum.text.data(), end, number).ec == std::errc{}) {
                        code = sqlite3_bind_int64(prepared, at, number);
                        break;
                    }
                    [[fallthrough]];      // Too large for a whole number of SQLite's.
                case Datum::Kind::kReal:  // As text it would stay text where no type is declared.
                    if (std::from_chars(datum.text.data(), end, fraction).ec == std::errc{}) {
                        code = sqlite3_bind_double(prepared, at, fraction);
                        break;
                    }
                    [[fallthrough]];
                case Datum::Kind::kText:
                    code = sqlite3_bind_text(prepared, at, datum.text.data(), size, SQLITE_STATIC);
                    break;
            }
            if (code != SQLITE_OK) return fail(refused(statement).error());
        }
        return {};
    }

    Result<Answer> step_through(sqlite3_stmt* prepared, const Statement& statement) {
        Answer answer;
        while (true) {
            const int code = sqlite3_step(prepared);
            if (code == SQLITE_DONE) break;
            if (code != SQLITE_ROW) return refused(statement);
            Row row;
            for (int i = 0; i < sqlite3_column_count(prepared); ++i) {
                row.push_back(datum_at(prepared, i));
            }
            answer.rows.push_back(std::move(row));
        }
        answer.last_id = static_cast<std::uint64_t>(sqlite3_last_insert_rowid(handle_.get()));
        return answer;
    }

    static Datum datum_at(sqlite3_stmt* prepared, int at) {
        const auto bytes = [&](const void* data) {
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(prepared, at));
            return data == nullptr ? std::string{}
                                   : std::string{static_cast<const char*>(data), size};
        };
        switch (sqlite3_column_type(prepared, at)) {
            case SQLITE_NULL: return {};
            case SQLITE_INTEGER: return Datum::of_integer(sqlite3_column_int64(prepared, at));
            case SQLITE_FLOAT: {
                // The shortest text that is this number again.
                char text[64];
                const auto end =
                    std::to_chars(text, text + sizeof text, sqlite3_column_double(prepared, at));
                return {Datum::Kind::kReal, std::string{text, end.ptr}};
            }
            case SQLITE_BLOB:
                return {Datum::Kind::kBytes, bytes(sqlite3_column_blob(prepared, at))};
            default: return Datum::of_text(bytes(sqlite3_column_text(prepared, at)));
        }
    }

    /// Columns that an index of their own makes unique.
    Result<std::optional<Catalogue>> add_unique(Catalogue catalogue, const std::string& native,
                                                const std::stop_token& stop) {
        auto unique =
            run({.sql = "SELECT (SELECT i.name FROM pragma_index_info(l.name) i)"
                        " FROM pragma_index_list(?) l WHERE l.\"unique\" = 1 AND l.partial = 0"
                        " AND (SELECT count(*) FROM pragma_index_info(l.name)) = 1",
                 .parameters = {Datum::of_text(native)}},
                stop);
        if (!unique) return fail(unique.error());
        for (const Row& row : unique->rows) {
            for (Column& column : catalogue.columns) {
                if (column.name == row.front().text) column.unique = true;
            }
        }
        return catalogue;
    }

    std::unexpected<Error> refused(const Statement& statement) {
        const int code = sqlite3_extended_errcode(handle_.get());
        const std::string text = std::string{"SQLite: "} + sqlite3_errmsg(handle_.get());
        ErrorKind kind = kind_of_sqlite(code);
        // SQLITE_ERROR has no finer code for it.
        altered_ = (code & 0xff) == SQLITE_SCHEMA ||
                   text.find("no such column") != std::string::npos ||
                   text.find("no such table") != std::string::npos ||
                   text.find("has no column named") != std::string::npos;
        const bool broken = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CORRUPT ||
                            (code & 0xff) == SQLITE_NOTADB || (code & 0xff) == SQLITE_CANTOPEN;
        if (broken && statement.if_lost == IfLost::kInDoubt) kind = ErrorKind::kAmbiguous;
        if (broken) close();
        return fail(kind, text);
    }

    SqliteHandle handle_;
    SqliteTarget target_;
    const Clock* clock_;
    std::stop_token stop_;  ///< Of the statement under way, as are the two below.
    Duration until_{0};
    Duration busy_until_{0};
    bool altered_ = false;
};

}  // namespace

std::string full_sqlite_name(std::string_view native) {
    std::string name{native};
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return name;
}

Result<std::unique_ptr<Session>> open_sqlite(const SqliteTarget& target, const Clock& clock,
                                             const std::stop_token& stop) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(target.file.c_str(), &opened,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    SqliteHandle handle{opened};
    if (code != SQLITE_OK) {
        const std::string why = opened != nullptr ? sqlite3_errmsg(opened) : "out of memory";
        return fail(kind_of_sqlite(code), "SQLite: " + target.file.string() + ": " + why);
    }
    auto session = std::make_unique<SqliteSession>(std::move(handle), target, clock);
    // What the application declared holds for us, too.
    if (auto set = session->run({.sql = "PRAGMA foreign_keys = ON", .plain = true}, stop); !set) {
        return fail(set.error(), target.file.string());
    }
    // The file is looked at only now.
    if (auto looked = session->run({.sql = "SELECT count(*) FROM sqlite_master"}, stop); !looked) {
        return fail(looked.error(), target.file.string());
    }
    return std::unique_ptr<Session>{std::move(session)};
}

}  // namespace syncline::agent::sql
