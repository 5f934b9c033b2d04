#include "agent/store.h"

#include <algorithm>
#include <utility>

#include "agent/core/packed_entity.h"

namespace syncline::agent {
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
    state.is_stored = true;
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
    if (!row.is_null(6)) state.entity = unpacked_entity(row.text(6));
    state.filled = FilledFields{row.text(7)};
    return state;
}

void Transaction::save(const ObjectName& object, const RecordId& id, const RecordState& state) {
    const std::string entity_bytes = state.entity ? packed(*state.entity) : std::string{};
    std::optional<sqlite::Blob> entity;
    if (state.entity) entity = sqlite::Blob{entity_bytes};
    const sqlite::Blob digest{state.deleted ? std::string_view{} : state.digest.view()};
    const sqlite::Blob filled{state.deleted ? std::string_view{} : state.filled.bytes()};
    const auto run = [&](std::string_view sql) {
        return database_.run(sql, object_number(object), id.text, state.n, store_.held_.era,
                             state.last.partition.value, state.last.seq, state.deleted, digest,
                             entity, store_.held_.reconciliation, filled);
    };
    // A replacement would write the index of entities, too.
    if (state.is_stored && run("UPDATE records SET n = ?3, era = ?4, part = ?5, seq = ?6,"
                               " deleted = ?7, digest = ?8, seen = ?10, filled = ?11"
                               " WHERE object = ?1 AND id = ?2 AND entity IS ?9") > 0) {
        return;
    }
    run("INSERT OR REPLACE INTO records VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
}

bool Transaction::link(const ObjectName& object, const RecordId& id, const EntityId& entity) {
    return database_.run(
               "UPDATE records SET entity = ?3 WHERE object = ?1 AND id = ?2"
               " AND entity IS NOT ?3",
               object_number(object), id.text, sqlite::Blob{packed(entity)}) > 0;
}

void Transaction::know(const ObjectName& object, const RecordId& id, const EntityId& entity) {
    database_.run("INSERT OR IGNORE INTO records VALUES(?1, ?2, 0, ?3, 0, 0, 0, ?4, ?5, 0, NULL)",
                  object_number(object), id.text, store_.held_.era, sqlite::Blob{{}},
                  sqlite::Blob{packed(entity)});
}

std::optional<RecordId> Transaction::record_of(const EntityKey& entity) {
    const std::string key = packed(entity.entity);
    sqlite::Query row = database_.query(  // The planner would read all of the object's.
        "SELECT id FROM records INDEXED BY records_of"
        " WHERE object = ?1 AND entity = ?2 AND deleted = 0 LIMIT 1",
        object_number(entity.object), sqlite::Blob{key});
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

std::optional<RecordId> record_at(const sqlite::Query& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return RecordId{row.text(column)};
}

LedgerEntry open_command(const sqlite::Query& row) {
    return {.generation = row.unsigned_integer(0),
            .state = static_cast<LedgerState>(row.integer(1)),
            .attempts = static_cast<std::uint32_t>(row.integer(2)),
            .record = record_at(row, 3),
            .command = std::string{row.text(4)}};
}

}  // namespace

std::optional<LedgerEntry> Transaction::ledger(const EntityKey& entity) {
    const std::uint64_t object = object_number(entity.object);
    const std::string packed_key = packed(entity.entity);
    const sqlite::Blob key{packed_key};
    {
        sqlite::Query row = database_.query(
            "SELECT generation, state, attempts, record, command FROM open_commands"
            " WHERE object = ?1 AND entity = ?2",
            object, key);
        if (row.next()) return open_command(row);
    }
    sqlite::Query row = database_.query(
        "SELECT generation, status, attempts, record FROM ledger"
        " WHERE object = ?1 AND entity = ?2",
        object, key);
    if (!row.next()) return std::nullopt;
    return LedgerEntry{.generation = row.unsigned_integer(0),
                       .state = LedgerState::kDone,
                       .status = static_cast<OutcomeStatus>(row.integer(1)),
                       .attempts = static_cast<std::uint32_t>(row.integer(2)),
                       .record = record_at(row, 3)};
}

void Transaction::save(const EntityKey& entity, const LedgerEntry& entry) {
    const std::uint64_t object = object_number(entity.object);
    const std::string packed_key = packed(entity.entity);
    const sqlite::Blob key{packed_key};
    const auto record =
        entry.record ? std::optional<std::string_view>{entry.record->text} : std::nullopt;
    if (entry.state != LedgerState::kDone) {
        database_.run("INSERT OR REPLACE INTO open_commands VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                      object, key, entry.generation, static_cast<int>(entry.state), entry.attempts,
                      record, sqlite::Blob{entry.command});
        return;
    }
    database_.run("INSERT OR REPLACE INTO ledger VALUES(?1, ?2, ?3, ?4, ?5, ?6)", object, key,
                  entry.generation, static_cast<int>(entry.status), entry.attempts, record);
    database_.run("DELETE FROM open_commands WHERE object = ?1 AND entity = ?2", object, key);
}

std::vector<LedgerEntry> Transaction::doubtful() {
    std::vector<LedgerEntry> found;
    sqlite::Query rows = database_.query(
        "SELECT generation, state, attempts, record, command FROM open_commands"
        " WHERE state IN (0, 2) ORDER BY object, entity");
    while (rows.next()) found.push_back(open_command(rows));
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

bool Transaction::clear_reject(const ObjectName& object, const RecordId& id) {
    if (store_.held_.rejects == 0) return false;
    const std::uint64_t key = stable_hash(object.text + "\n" + id.text) >> 1;
    const auto gone = database_.run("DELETE FROM rejects WHERE id = ?1", key);
    store_.held_.rejects -= static_cast<std::uint64_t>(gone);
    return gone > 0;
}

}  // namespace syncline::agent
