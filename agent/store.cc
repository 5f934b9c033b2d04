#include "agent/store.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace syncline::agent {
namespace {

// Records and ledger have one row per record, a million or more: WITHOUT ROWID saves the second
// tree, and objects are numbers. The spool's bodies are large, so it is an ordinary table; its id
// is the partition in the upper 16 bits and the sequence below.
constexpr const char* kCreate =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE marks(part INTEGER PRIMARY KEY, next_seq INTEGER, receipted INTEGER,"
    "  trimmed INTEGER, waiting_bytes INTEGER, held_bytes INTEGER, checkpoint INTEGER,"
    "  checkpoint_at INTEGER);"
    "CREATE TABLE spool(id INTEGER PRIMARY KEY, bytes INTEGER, checksum INTEGER, put_at INTEGER,"
    "  subject TEXT, body BLOB);"
    "CREATE TABLE objects(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
    "CREATE TABLE records(object INTEGER, id TEXT, n INTEGER, era INTEGER, part INTEGER,"
    "  seq INTEGER, deleted INTEGER, digest BLOB, entity TEXT, seen INTEGER NOT NULL DEFAULT 0,"
    "  filled BLOB,"
    "  PRIMARY KEY(object, id)) WITHOUT ROWID;"
    "CREATE INDEX deleted_records ON records(object, id) WHERE deleted = 1;"
    "CREATE INDEX records_of ON records(object, entity) WHERE entity IS NOT NULL;"
    "CREATE TABLE fetches(object INTEGER, id TEXT, PRIMARY KEY(object, id)) WITHOUT ROWID;"
    "CREATE TABLE ledger(object INTEGER, entity TEXT, generation INTEGER, state INTEGER,"
    "  status INTEGER, attempts INTEGER, record TEXT, command BLOB,"
    "  PRIMARY KEY(object, entity)) WITHOUT ROWID;"
    "CREATE INDEX doubtful_commands ON ledger(object, entity) WHERE state IN (0, 2);"
    "CREATE TABLE fences(part INTEGER PRIMARY KEY, fence INTEGER);"
    "CREATE TABLE rejects(id INTEGER PRIMARY KEY, at INTEGER, times INTEGER, object TEXT,"
    "  record TEXT, reason TEXT, raw TEXT);";

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

// ---- Store ----------------------------------------------------------------------------------

Result<std::unique_ptr<Store>> Store::open(const Options& options) {
    auto database = sqlite::Database::open(
        {.path = options.path, .vfs = options.vfs, .cache_bytes = options.cache_bytes});
    if (!database) return fail(database.error());
    std::unique_ptr<Store> store{new Store(std::move(*database), options)};
    if (auto kept = store->keep_former(options); !kept) return fail(kept.error());
    store->database_->begin();
    store->create(options);
    store->load();
    store->begin_as_new_if_copied(options.now);
    if (auto opened = store->database_->end(); !opened) return fail(opened.error());
    if (auto durable = store->database_->make_durable(); !durable) return fail(durable.error());
    return store;
}

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
        database_->script(kCreateOperations);
        transaction.set_number("schema", kSchema);
    }
    instance_ = transaction.text("instance");
}

void Store::load() {
    held_ = {};
    Transaction transaction{*this};
    held_.epoch = transaction.number("epoch");
    held_.era = transaction.number("era");
    held_.sweep = transaction.number("sweep");
    held_.revisions = transaction.number("revisions");
    held_.reconciliation = transaction.number("reconciliation");
    const std::uint64_t partitions = transaction.number("partitions");
    held_.marks.resize(static_cast<std::uint16_t>(partitions));
    held_.changed.resize(held_.marks.size());
    sqlite::Query rows = database_->query(
        "SELECT part, next_seq, receipted, trimmed, waiting_bytes, held_bytes, checkpoint,"
        " checkpoint_at FROM marks");
    while (rows.next()) {
        const std::uint64_t part = rows.unsigned_integer(0);
        if (part >= held_.marks.size()) {
            database_->fail_with({ErrorKind::kCorrupt, "the store names partition " +
                                                           std::to_string(part) + " of " +
                                                           std::to_string(partitions)});
            return;
        }
        held_.marks[part] = {.next_seq = rows.unsigned_integer(1),
                             .receipted = rows.unsigned_integer(2),
                             .trimmed = rows.unsigned_integer(3),
                             .waiting_bytes = rows.unsigned_integer(4),
                             .held_bytes = rows.unsigned_integer(5),
                             .checkpoint = rows.unsigned_integer(6),
                             .checkpoint_at = Timestamp{rows.integer(7)}};
    }
    sqlite::Query objects = database_->query("SELECT id, name FROM objects");
    while (objects.next()) {
        held_.objects.emplace(objects.text(1), objects.unsigned_integer(0));
    }
    sqlite::Query rejects = database_->query("SELECT count(*) FROM rejects");
    if (rejects.next()) held_.rejects = rejects.unsigned_integer(0);
    load_lanes();
}

Result<void> Store::transaction(const std::function<void(Transaction&)>& body) {
    // Rolls back what an exception leaves open: the simulator ends agents by one.
    struct Guard {
        Store& store;
        ~Guard() {
            if (store.database_->in_transaction()) store.database_->roll_back();
        }
    };
    {
        const Guard guard{*this};
        database_->begin();
        Transaction transaction{*this};
        body(transaction);
        save_marks();
        save_lanes();
        auto done = database_->end();
        if (done) return done;
        // What is held in memory may be ahead of the file now.
        database_->begin();
        load();
        // If even that fails the error below says why; the caller opens the store anew.
        std::ignore = database_->end();
        return done;
    }
}

Marks& Store::changing(Partition partition) {
    held_.changed[partition.value] = true;
    return held_.marks[partition.value];
}

void Store::save_marks() {
    if (std::exchange(held_.revised, false)) {
        Transaction{*this}.set_number("revisions", held_.revisions);
    }
    for (std::size_t part = 0; part < held_.marks.size(); ++part) {
        if (!held_.changed[part]) continue;
        const Marks& m = held_.marks[part];
        database_->run("INSERT OR REPLACE INTO marks VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", part,
                       m.next_seq, m.receipted, m.trimmed, m.waiting_bytes, m.held_bytes,
                       m.checkpoint, m.checkpoint_at.ns);
        held_.changed[part] = false;
    }
}

std::uint64_t Store::waiting_entries() const {
    std::uint64_t sum = 0;
    for (const Marks& marks : held_.marks) sum += marks.waiting();
    return sum;
}

std::uint64_t Store::waiting_bytes() const {
    std::uint64_t sum = 0;
    for (const Marks& marks : held_.marks) sum += marks.waiting_bytes;
    return sum;
}

std::uint64_t Store::held_bytes() const {
    std::uint64_t sum = 0;
    for (const Marks& marks : held_.marks) sum += marks.held_bytes;
    return sum;
}

// ---- Small things ---------------------------------------------------------------------------

Transaction::Transaction(Store& store) : store_(store), database_(*store.database_) {}

void Transaction::fail_with(Error error) { database_.fail_with(std::move(error)); }

std::string Transaction::text(std::string_view key) {
    sqlite::Query row = database_.query("SELECT value FROM meta WHERE key = ?1", key);
    return row.next() ? std::string{row.text(0)} : std::string{};
}

void Transaction::set_text(std::string_view key, std::string_view value) {
    database_.run("INSERT OR REPLACE INTO meta VALUES(?1, ?2)", key, value);
}

std::uint64_t Transaction::number(std::string_view key) {
    sqlite::Query row = database_.query("SELECT value FROM meta WHERE key = ?1", key);
    return row.next() ? row.unsigned_integer(0) : 0;
}

void Transaction::set_number(std::string_view key, std::uint64_t value) {
    database_.run("INSERT OR REPLACE INTO meta VALUES(?1, ?2)", key, value);
}

std::uint64_t Transaction::object_number(const ObjectName& object) {
    auto& known = store_.held_.objects;
    const auto found = known.find(object.text);
    if (found != known.end()) return found->second;
    const std::uint64_t number = known.size() + 1;
    database_.run("INSERT INTO objects VALUES(?1, ?2)", number, object.text);
    known.emplace(object.text, number);
    return number;
}

Revision Transaction::next_revision() {
    store_.held_.revised = true;
    return {store_.held_.epoch, ++store_.held_.revisions};
}

// ---- Records --------------------------------------------------------------------------------

std::optional<RecordState> Transaction::record(const ObjectName& object, const RecordId& id) {
    sqlite::Query row = database_.query(
        "SELECT n, era, part, seq, deleted, digest, entity, filled FROM records"
        " WHERE object = ?1 AND id = ?2",
        object_number(object), id.text);
    if (!row.next()) return std::nullopt;
    RecordState state;
    state.n = row.unsigned_integer(0);
    // What was sent in an earlier epoch says nothing about the marks of this one.
    if (row.unsigned_integer(1) == store_.held_.era) {
        state.last = {Partition{static_cast<std::uint16_t>(row.unsigned_integer(2))},
                      row.unsigned_integer(3)};
    }
    state.deleted = row.integer(4) != 0;
    const std::string_view digest = row.text(5);
    std::copy_n(digest.begin(), std::min(digest.size(), state.digest.bytes.size()),
                state.digest.bytes.begin());
    if (!row.is_null(6)) state.entity = EntityId{row.text(6)};
    state.filled = FilledFields{row.text(7)};
    return state;
}

void Transaction::save(const ObjectName& object, const RecordId& id, const RecordState& state) {
    constexpr std::string_view kSave =
        "INSERT OR REPLACE INTO records VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
        " ?11)";
    const std::uint64_t number = object_number(object);
    const sqlite::Blob digest{state.deleted ? std::string_view{} : state.digest.view()};
    const sqlite::Blob filled{state.deleted ? std::string_view{} : state.filled.bytes()};
    if (state.entity) {
        database_.run(kSave, number, id.text, state.n, store_.held_.era, state.last.partition.value,
                      state.last.seq, state.deleted, digest, state.entity->text,
                      store_.held_.reconciliation, filled);
    } else {
        database_.run(kSave, number, id.text, state.n, store_.held_.era, state.last.partition.value,
                      state.last.seq, state.deleted, digest, nullptr, store_.held_.reconciliation,
                      filled);
    }
}

bool Transaction::link(const ObjectName& object, const RecordId& id, const EntityId& entity) {
    return database_.run(
               "UPDATE records SET entity = ?3 WHERE object = ?1 AND id = ?2"
               " AND entity IS NOT ?3",
               object_number(object), id.text, entity.text) > 0;
}

void Transaction::know(const ObjectName& object, const RecordId& id, const EntityId& entity) {
    database_.run("INSERT OR IGNORE INTO records VALUES(?1, ?2, 0, ?3, 0, 0, 0, ?4, ?5, 0, NULL)",
                  object_number(object), id.text, store_.held_.era, sqlite::Blob{{}}, entity.text);
}

std::optional<RecordId> Transaction::record_of(const EntityKey& entity) {
    sqlite::Query row = database_.query(
        "SELECT id FROM records WHERE object = ?1 AND entity = ?2 AND deleted = 0 LIMIT 1",
        object_number(entity.object), entity.entity.text);
    if (!row.next()) return std::nullopt;
    return RecordId{row.text(0)};
}

std::vector<std::pair<ObjectName, RecordId>> Transaction::tombstones(const ObjectName& object,
                                                                     const RecordId& id,
                                                                     std::size_t max) {
    std::vector<std::pair<ObjectName, RecordId>> found;
    const std::uint64_t after = object.empty() ? 0 : object_number(object);
    sqlite::Query rows = database_.query(
        "SELECT o.name, r.id FROM records r JOIN objects o ON o.id = r.object"
        " WHERE r.deleted = 1 AND (r.object, r.id) > (?1, ?2) ORDER BY r.object, r.id LIMIT ?3",
        after, id.text, max);
    while (rows.next()) found.emplace_back(ObjectName{rows.text(0)}, RecordId{rows.text(1)});
    return found;
}

std::vector<std::pair<ObjectName, RecordId>> Transaction::unseen(const ObjectName& object,
                                                                 const RecordId& id,
                                                                 std::uint64_t until,
                                                                 std::size_t max) {
    std::vector<std::pair<ObjectName, RecordId>> found;
    const std::uint64_t after = object.empty() ? 0 : object_number(object);
    sqlite::Query rows = database_.query(
        "SELECT o.name, r.id FROM records r JOIN objects o ON o.id = r.object"
        " WHERE r.deleted = 0 AND r.n <= ?1 AND (r.object, r.id) > (?2, ?3)"
        " ORDER BY r.object, r.id LIMIT ?4",
        until, after, id.text, max);
    while (rows.next()) found.emplace_back(ObjectName{rows.text(0)}, RecordId{rows.text(1)});
    return found;
}

void Transaction::forget_digests() { set_number("sweep", ++store_.held_.sweep); }

void Transaction::want_fetch(const ObjectName& object, const RecordId& id) {
    database_.run("INSERT OR IGNORE INTO fetches VALUES(?1, ?2)", object_number(object), id.text);
}

void Transaction::fetched(const ObjectName& object, const RecordId& id) {
    database_.run("DELETE FROM fetches WHERE object = ?1 AND id = ?2", object_number(object),
                  id.text);
}

std::vector<std::pair<ObjectName, RecordId>> Transaction::wanted_fetches() {
    std::vector<std::pair<ObjectName, RecordId>> found;
    sqlite::Query rows = database_.query(
        "SELECT o.name, f.id FROM fetches f JOIN objects o ON o.id = f.object"
        " ORDER BY f.object, f.id");
    while (rows.next()) found.emplace_back(ObjectName{rows.text(0)}, RecordId{rows.text(1)});
    return found;
}

// ---- Ledger ---------------------------------------------------------------------------------

namespace {

LedgerEntry ledger_entry(const sqlite::Query& row) {
    LedgerEntry entry{.generation = row.unsigned_integer(0),
                      .state = static_cast<LedgerState>(row.integer(1)),
                      .status = static_cast<OutcomeStatus>(row.integer(2)),
                      .attempts = static_cast<std::uint32_t>(row.integer(3)),
                      .command = std::string{row.text(5)}};
    if (!row.is_null(4)) entry.record = RecordId{row.text(4)};
    return entry;
}

}  // namespace

std::optional<LedgerEntry> Transaction::ledger(const EntityKey& entity) {
    sqlite::Query row = database_.query(
        "SELECT generation, state, status, attempts, record, command FROM ledger"
        " WHERE object = ?1 AND entity = ?2",
        object_number(entity.object), entity.entity.text);
    if (!row.next()) return std::nullopt;
    return ledger_entry(row);
}

void Transaction::save(const EntityKey& entity, const LedgerEntry& entry) {
    constexpr std::string_view kSave =
        "INSERT OR REPLACE INTO ledger VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    const std::uint64_t object = object_number(entity.object);
    const auto state = static_cast<int>(entry.state);
    const auto status = static_cast<int>(entry.status);
    const sqlite::Blob command{entry.command};
    if (entry.record) {
        database_.run(kSave, object, entity.entity.text, entry.generation, state, status,
                      entry.attempts, entry.record->text, command);
    } else {
        database_.run(kSave, object, entity.entity.text, entry.generation, state, status,
                      entry.attempts, nullptr, command);
    }
}

std::vector<LedgerEntry> Transaction::doubtful() {
    std::vector<LedgerEntry> found;
    sqlite::Query rows = database_.query(
        "SELECT generation, state, status, attempts, record, command FROM ledger"
        " WHERE state IN (0, 2) ORDER BY object, entity");
    while (rows.next()) found.push_back(ledger_entry(rows));
    return found;
}

std::uint64_t Transaction::fence(Partition partition) {
    sqlite::Query row =
        database_.query("SELECT fence FROM fences WHERE part = ?1", partition.value);
    return row.next() ? row.unsigned_integer(0) : 0;
}

void Transaction::raise_fence(Partition partition, std::uint64_t fence) {
    database_.run(
        "INSERT INTO fences VALUES(?1, ?2) ON CONFLICT(part) DO UPDATE SET"
        " fence = max(fence, excluded.fence)",
        partition.value, fence);
}

// ---- Rejects --------------------------------------------------------------------------------

void Transaction::keep_reject(const Reject& reject, std::size_t max) {
    // One row per record, so that a record which is read every minute is one problem, not many.
    const std::string& what = reject.record.empty() ? reject.raw : reject.record;
    const std::uint64_t id = stable_hash(reject.object.text + "\n" + what) >> 1;
    database_.run(
        "INSERT INTO rejects VALUES(?1, ?2, 1, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE"
        " SET at = excluded.at, times = times + 1, reason = excluded.reason,"
        " raw = excluded.raw",
        id, reject.at.ns, reject.object.text, reject.record, reject.reason, reject.raw);
    database_.run(
        "DELETE FROM rejects WHERE (SELECT count(*) FROM rejects) > ?1 AND id ="
        " (SELECT id FROM rejects ORDER BY at, id LIMIT 1)",
        max);
    sqlite::Query count = database_.query("SELECT count(*) FROM rejects");
    if (count.next()) store_.held_.rejects = count.unsigned_integer(0);
}

RejectSummary Transaction::rejects_of(const ObjectName& object, Timestamp after,
                                      std::size_t newest) {
    RejectSummary summary;
    if (store_.held_.rejects == 0) return summary;
    sqlite::Query count = database_.query(
        "SELECT count(*) FROM rejects WHERE object = ?1 AND (record <> '' OR at > ?2)", object.text,
        after.ns);
    if (count.next()) summary.count = count.unsigned_integer(0);
    sqlite::Query rows = database_.query(
        "SELECT reason FROM rejects WHERE object = ?1 AND (record <> '' OR at > ?2)"
        " ORDER BY at DESC, id LIMIT ?3",
        object.text, after.ns, newest);
    while (rows.next()) summary.reasons.emplace_back(rows.text(0));
    return summary;
}

void Transaction::clear_reject(const ObjectName& object, const RecordId& id) {
    if (store_.held_.rejects == 0) return;
    const std::uint64_t key = stable_hash(object.text + "\n" + id.text) >> 1;
    const auto gone = database_.run("DELETE FROM rejects WHERE id = ?1", key);
    store_.held_.rejects -= static_cast<std::uint64_t>(gone);
}

}  // namespace syncline::agent
