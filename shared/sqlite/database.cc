#include "shared/sqlite/database.h"

#include <sqlite3.h>

#include <utility>

namespace syncline::sqlite {
namespace {

ErrorKind kind_of(int code) {
    switch (code & 0xff) {  // The low byte is the primary code, whatever the extended one says.
        case SQLITE_FULL: return ErrorKind::kFull;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
        case SQLITE_NOMEM:
        case SQLITE_IOERR: return ErrorKind::kUnavailable;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return ErrorKind::kCorrupt;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN: return ErrorKind::kDenied;
        default: return ErrorKind::kInternal;
    }
}

std::string advice_for(int code) {
    switch (code & 0xff) {
        case SQLITE_FULL: return "; free disk space, nothing was lost";
        case SQLITE_BUSY: return "; another process uses this file, only one may";
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return "; the file was left as it is: keep a copy for support, then move it away and "
                   "start again, which reads everything anew";
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN: return "; check that the folder exists and may be written";
        case SQLITE_IOERR: return "; the disk failed, the file is looked at again on restart";
        default: return {};
    }
}

// locking_mode comes first: a WAL opened in exclusive mode needs no shared memory file.
constexpr const char* kPragmas =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA temp_store=MEMORY;"
    // What is deleted is overwritten, by whatever SQLite this is: an erasure finds nothing left.
    "PRAGMA secure_delete=ON;"
    // Pages that change all the time are copied into the file once in so many, of 4 KiB.
    "PRAGMA wal_autocheckpoint=4000;"
    "PRAGMA journal_size_limit=16777216;";

}  // namespace

// ---- Query ----------------------------------------------------------------------------------

Query::~Query() {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

bool Query::next() {
    if (statement_ == nullptr || database_.failed()) return false;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) database_.note(code);
    return false;
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Query::text(int column) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    if (bytes == nullptr) return {};
    return {static_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Query::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Query::bind_integer(int index, std::int64_t value) {
    if (statement_ != nullptr) sqlite3_bind_int64(statement_, index, value);
}

void Query::bind_text(int index, std::string_view value) {
    if (statement_ == nullptr) return;
    // A null pointer would bind NULL, and an empty view may have one.
    const char* data = value.data() == nullptr ? "" : value.data();
    sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Query::bind_blob(int index, std::string_view value) {
    if (statement_ == nullptr) return;
    const char* data = value.data() == nullptr ? "" : value.data();
    sqlite3_bind_blob64(statement_, index, data, value.size(), SQLITE_STATIC);
}

// ---- Database -------------------------------------------------------------------------------

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
    std::unique_ptr<Database> database{new Database(options.path)};
    const int code = sqlite3_open_v2(
        options.path.c_str(), &database->handle_,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
        options.vfs.empty() ? nullptr : options.vfs.c_str());
    if (code != SQLITE_OK) return fail(database->error_of(code));
    const std::string cache =
        "PRAGMA cache_size=-" + std::to_string(options.cache_bytes >> 10) + ";";
    database->script(kPragmas);
    database->script(cache.c_str());
    // Takes the lock for good, so that a second process learns it now and not at its first write.
    database->begin();
    if (auto locked = database->end(); !locked) return fail(locked.error());
    return database;
}

Database::~Database() {
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    if (handle_ != nullptr) sqlite3_close_v2(handle_);
}

sqlite3_stmt* Database::statement(std::string_view sql) {
    if (failed()) return nullptr;
    const auto found = statements_.find(sql);
    if (found != statements_.end()) return found->second;
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    if (code != SQLITE_OK) {
        note(code);
        return nullptr;
    }
    statements_.emplace(sql, made);
    return made;
}

std::int64_t Database::finish(Query& query) {
    while (query.next()) {
    }
    return failed() ? 0 : sqlite3_changes64(handle_);
}

void Database::script(const char* sql) {
    if (failed()) return;
    const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) note(code);
}

void Database::begin() {
    run("BEGIN IMMEDIATE");
    in_transaction_ = true;
}

Result<void> Database::end() {
    if (!failed()) run("COMMIT");
    in_transaction_ = false;
    if (!failed()) return {};
    Error error = *std::exchange(error_, std::nullopt);
    roll_back();
    return fail(std::move(error));
}

void Database::roll_back() {
    in_transaction_ = false;
    error_.reset();
    // Some failures have ended the transaction already. If this one fails too there is nothing
    // left to do: what was not committed is not in the file.
    if (sqlite3_get_autocommit(handle_) == 0) {
        sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    }
}

void Database::fail_with(Error error) {
    if (!error_) error_ = std::move(error);
}

Result<void> Database::make_durable() {
    const int code =
        sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    if (code != SQLITE_OK) return fail(error_of(code));
    return {};
}

Result<void> Database::check() {
    begin();
    std::string found;
    {
        Query rows = query("PRAGMA quick_check(1)");
        if (rows.next()) found = rows.text(0);
    }
    if (found != "ok") {
        fail_with({ErrorKind::kCorrupt, path_ + ": " + found + advice_for(SQLITE_CORRUPT)});
    }
    return end();
}

void Database::note(int code) {
    if (!error_) error_ = error_of(code);
}

Error Database::error_of(int code) const {
    const char* text = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
    return {kind_of(code), path_ + ": " + text + advice_for(code)};
}

}  // namespace syncline::sqlite
