#include <filesystem>
#include <utility>

#include "agent/core/packed_entity.h"
#include "agent/store.h"

// The tables of the store, and how a store of an older schema is taken over.

namespace syncline::agent {
namespace {

// Records and ledger have one row per record, a million or more: WITHOUT ROWID saves the second
// tree, objects are numbers, and entities as packed() makes them. The spool's bodies are large, so
// it is an ordinary table; its id is the partition in the upper 16 bits and the sequence below.
constexpr const char* kCreate =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE marks(part INTEGER PRIMARY KEY, next_seq INTEGER, receipted INTEGER,"
    "  trimmed INTEGER, waiting_bytes INTEGER, held_bytes INTEGER, checkpoint INTEGER,"
    "  checkpoint_at INTEGER);"
    "CREATE TABLE spool(id INTEGER PRIMARY KEY, bytes INTEGER, checksum INTEGER, put_at INTEGER,"
    "  subject TEXT, body BLOB);"
    "CREATE TABLE objects(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
    "CREATE TABLE records(object INTEGER, id TEXT, n INTEGER, era INTEGER, part INTEGER,"
    "  seq INTEGER, deleted INTEGER, digest BLOB, entity BLOB, seen INTEGER NOT NULL DEFAULT 0,"
    "  filled BLOB,"
    "  PRIMARY KEY(object, id)) WITHOUT ROWID;"
    "CREATE INDEX deleted_records ON records(object, id) WHERE deleted = 1;"
    "CREATE INDEX records_of ON records(object, entity) WHERE entity IS NOT NULL;"
    "CREATE TABLE fetches(object INTEGER, id TEXT, PRIMARY KEY(object, id)) WITHOUT ROWID;"
    "CREATE TABLE fences(part INTEGER PRIMARY KEY, fence INTEGER);"
    "CREATE TABLE rejects(id INTEGER PRIMARY KEY, at INTEGER, times INTEGER, object TEXT,"
    "  record TEXT, reason TEXT, raw TEXT);";

// An open command has its body, and is few rows that are written often; one that is done is one of
// very many, written once. In one table each would be written there twice, and split its page.
constexpr const char* kCreateLedger =
    "CREATE TABLE ledger(object INTEGER, entity BLOB, generation INTEGER, status INTEGER,"
    "  attempts INTEGER, record TEXT, PRIMARY KEY(object, entity)) WITHOUT ROWID;";
constexpr const char* kCreateOpenCommands =
    "CREATE TABLE open_commands(object INTEGER, entity BLOB, generation INTEGER, state INTEGER,"
    "  attempts INTEGER, record TEXT, command BLOB, PRIMARY KEY(object, entity)) WITHOUT ROWID;";
constexpr const char* kSchema7 =
    "INSERT INTO open_commands SELECT object, entity, generation, state, attempts, record, command"
    " FROM ledger WHERE state <> 3;"
    "DROP INDEX doubtful_commands;"
    "DELETE FROM ledger WHERE state <> 3;"
    "ALTER TABLE ledger DROP COLUMN state;"
    "ALTER TABLE ledger DROP COLUMN command;";

// Of a reconciliation; `found` is a DriftKind, or NULL until it is known.
constexpr const char* kCreateSuspects =
    "CREATE TABLE suspects(object INTEGER, id TEXT, found INTEGER, PRIMARY KEY(object, id))"
    " WITHOUT ROWID;";
constexpr const char* kSchema2 = "ALTER TABLE records ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;";

// Of the breaker. Bodies are large, so the table of those withheld is an ordinary one.
constexpr const char* kCreateLanes =
    "CREATE TABLE lanes(object TEXT, direction INTEGER, window TEXT, phase INTEGER, hold BLOB,"
    "  blind INTEGER, told INTEGER, answered INTEGER, verdict INTEGER,"
    "  through INTEGER, PRIMARY KEY(object, direction)) WITHOUT ROWID;"
    "CREATE TABLE withheld(n INTEGER PRIMARY KEY, object INTEGER, id TEXT, bytes INTEGER,"
    "  body BLOB);"
    "CREATE UNIQUE INDEX withheld_records ON withheld(object, id);"
    "CREATE TABLE fields(object INTEGER, number INTEGER, name TEXT, PRIMARY KEY(object, number))"
    "  WITHOUT ROWID;";
constexpr const char* kCreateLists =
    "CREATE TABLE list_parts(list TEXT, digest TEXT, body BLOB, PRIMARY KEY(list, digest));";
constexpr const char* kCreateOperations =
    "CREATE TABLE operations(n INTEGER PRIMARY KEY, key TEXT UNIQUE, state INTEGER,"
    "  attempt INTEGER, call BLOB, result BLOB, at INTEGER, era INTEGER, part INTEGER,"
    "  seq INTEGER);"
    "CREATE INDEX open_operations ON operations(n) WHERE state < 2;"
    "CREATE INDEX ended_operations ON operations(at) WHERE state >= 2;";
constexpr const char* kSchema3 = "ALTER TABLE records ADD COLUMN filled BLOB;";

/// In the copy that is kept when a newer schema takes over: others may have gone on meanwhile.
constexpr std::string_view kCopied = "copied";

std::string backup_of(const std::string& path, std::uint64_t schema) {
    return path + ".schema-" + std::to_string(schema);
}

/// The newest copy that this version can open; empty: there is none.
std::string usable_backup(const std::string& path) {
    for (std::uint64_t schema = Store::kSchema; schema > 0; --schema) {
        std::error_code error;
        const std::string file = backup_of(path, schema);
        if (std::filesystem::exists(file, error)) return file;
    }
    return {};
}

/// A whole file beside the store, durable before anything of the store is changed. One of an
/// earlier upgrade is older than what the store holds now and gives way.
Result<void> back_up(sqlite::Database& store, const Store::Options& options, std::uint64_t schema) {
    const std::string file = backup_of(options.path, schema);
    const std::string part = file + ".part";
    std::error_code error;
    for (const char* end : {"", "-wal"}) std::filesystem::remove(part + end, error);
    std::ignore = store.run("VACUUM INTO ?1", part);
    store.begin();  // Says what has become of that.
    if (auto made = store.end(); !made) return fail(made.error(), "the copy " + part);
    {
        auto copy = sqlite::Database::open({.path = part, .vfs = options.vfs});
        if (!copy) return fail(copy.error());
        (*copy)->begin();
        (*copy)->run("INSERT OR REPLACE INTO meta VALUES(?1, 1)", kCopied);
        if (auto marked = (*copy)->end(); !marked) return fail(marked.error());
        if (auto durable = (*copy)->make_durable(); !durable) return fail(durable.error());
    }
    std::filesystem::rename(part, file, error);
    if (error) return fail(ErrorKind::kDenied, file + ": " + error.message());
    return {};
}

}  // namespace

/// A store of an older schema is copied before it is taken over.
Result<void> Store::keep_former(const Options& options) {
    std::uint64_t schema = kSchema;
    database_->begin();
    {
        sqlite::Query tables =
            database_->query("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'");
        const bool ours = tables.next() && tables.integer(0) != 0;
        if (ours) schema = Transaction{*this}.number("schema");
    }
    if (auto looked = database_->end(); !looked) return looked;
    if (schema == 0 || schema >= kSchema) return {};
    return back_up(*database_, options, schema);
}

void Store::begin_as_new_if_copied(Timestamp now) {
    Transaction transaction{*this};
    if (database_->failed() || transaction.number(kCopied) == 0) return;
    transaction.begin_as_new(now);  // Forgets that it is a copy, too.
    save_marks();
    save_lanes();
}

void Store::create(const Options& options) {
    bool empty = false;
    {
        sqlite::Query tables = database_->query("SELECT count(*) FROM sqlite_schema");
        empty = tables.next() && tables.integer(0) == 0;
    }
    Transaction transaction{*this};
    if (empty) {
        database_->script(kCreate);
        database_->script(kCreateLedger);
        database_->script(kCreateOpenCommands);
        database_->script(kCreateSuspects);
        database_->script(kCreateLanes);
        database_->script(kCreateLists);
        database_->script(kCreateOperations);
        transaction.set_number("schema", kSchema);
        transaction.set_number(
            "epoch", static_cast<std::uint64_t>(std::max<std::int64_t>(options.now.ns, 1)));
        transaction.set_text("platform", options.platform.text);
        transaction.set_text("instance", options.instance);
    }
    if (database_->failed()) return;
    const std::uint64_t schema = transaction.number("schema");
    const std::string platform = transaction.text("platform");
    if (schema > kSchema) {
        const std::string backup = usable_backup(options.path);
        std::string what = options.path + ": made by a newer version (schema " +
                           std::to_string(schema) + ", this one knows " + std::to_string(kSchema) +
                           "); use that version";
        if (!backup.empty()) what += ", or move it away and put " + backup + " in its place";
        database_->fail_with({ErrorKind::kUnsupported, std::move(what)});
    } else if (platform != options.platform.text) {
        database_->fail_with({ErrorKind::kInvalid, options.path + ": belongs to platform '" +
                                                       platform + "', not '" +
                                                       options.platform.text + "'"});
    } else if (schema < kSchema) {
        if (schema < 2) {
            database_->script(kSchema2);
            database_->script(kCreateSuspects);
        }
        if (schema < 3) {
            database_->script(kSchema3);
            database_->script(kCreateLanes);
        }
        if (schema < 4) database_->script(kCreateLists);
        if (schema < 5) database_->script(kCreateOperations);
        if (schema < 6) pack_entities();
        database_->script(kCreateOpenCommands);
        database_->script(kSchema7);
        transaction.set_number("schema", kSchema);
    }
    instance_ = transaction.text("instance");
}

/// Ids of entities were texts before. By a thousand, as there may be millions.
void Store::pack_entities() {
    struct Row {
        std::uint64_t object;
        std::string id;  ///< In `records`; in `ledger` the entity.
        std::string entity;
    };
    const auto for_each = [this](std::string_view select, const auto& take) {
        std::vector<Row> rows{{}};
        while (!rows.empty()) {
            const Row last = std::move(rows.back());
            rows.clear();
            {
                sqlite::Query found = database_->query(select, last.object, last.id);
                while (found.next()) {
                    rows.push_back({found.unsigned_integer(0), std::string{found.text(1)},
                                    packed(EntityId{found.text(2)})});
                }
            }
            for (const Row& row : rows) take(row);
        }
    };
    for_each(
        "SELECT object, id, entity FROM records WHERE (object, id) > (?1, ?2)"
        " AND entity IS NOT NULL ORDER BY object, id LIMIT 1000",
        [this](const Row& row) {
            database_->run("UPDATE records SET entity = ?3 WHERE object = ?1 AND id = ?2",
                           row.object, row.id, sqlite::Blob{row.entity});
        });
    database_->script(
        "CREATE TABLE ledger_packed(object INTEGER, entity BLOB, generation INTEGER,"
        "  state INTEGER, status INTEGER, attempts INTEGER, record TEXT, command BLOB,"
        "  PRIMARY KEY(object, entity)) WITHOUT ROWID;");
    for_each(
        "SELECT object, entity, entity FROM ledger WHERE (object, entity) > (?1, ?2)"
        " ORDER BY object, entity LIMIT 1000",
        [this](const Row& row) {
            database_->run(
                "INSERT INTO ledger_packed SELECT object, ?3, generation, state, status,"
                " attempts, record, command FROM ledger WHERE object = ?1 AND entity = ?2",
                row.object, row.id, sqlite::Blob{row.entity});
        });
    database_->script(
        "DROP TABLE ledger; ALTER TABLE ledger_packed RENAME TO ledger;"
        "CREATE INDEX doubtful_commands ON ledger(object, entity) WHERE state IN (0, 2);");
}

}  // namespace syncline::agent
