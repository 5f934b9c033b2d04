#include "agent/store.h"

// Operations of workflows. `era`, `part` and `seq` are the number of the entry of the spool that
// told the result last.

namespace syncline::agent {

std::optional<StoredOperation> Transaction::operation(std::string_view key) {
    sqlite::Query row = database_.query(
        "SELECT n, state, attempt, call, result, at FROM operations WHERE key = ?1", key);
    if (!row.next()) return std::nullopt;
    return StoredOperation{.key = std::string{key},
                           .state = static_cast<StoredOperation::State>(row.integer(1)),
                           .attempt = static_cast<std::uint32_t>(row.integer(2)),
                           .call = std::string{row.text(3)},
                           .result = std::string{row.text(4)},
                           .at = Timestamp{row.integer(5)},
                           .order = row.unsigned_integer(0)};
}

void Transaction::save(const StoredOperation& operation) {
    database_.run(
        "INSERT INTO operations(key, state, attempt, call, result, at, era, part, seq)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0) ON CONFLICT(key) DO UPDATE SET"
        " state = excluded.state, attempt = excluded.attempt, call = excluded.call,"
        " result = excluded.result, at = excluded.at",
        operation.key, static_cast<int>(operation.state), operation.attempt,
        sqlite::Blob{operation.call}, sqlite::Blob{operation.result}, operation.at.ns);
}

void Transaction::note_told(std::string_view key, const Numbering& number) {
    database_.run("UPDATE operations SET era = ?2, part = ?3, seq = ?4 WHERE key = ?1", key,
                  store_.held_.era, number.partition.value, number.seq.n);
}

std::vector<StoredOperation> Transaction::open_operations() {
    std::vector<StoredOperation> found;
    sqlite::Query rows =
        database_.query("SELECT n, key, state, attempt FROM operations WHERE state < 2 ORDER BY n");
    while (rows.next()) {
        found.push_back({.key = std::string{rows.text(1)},
                         .state = static_cast<StoredOperation::State>(rows.integer(2)),
                         .attempt = static_cast<std::uint32_t>(rows.integer(3)),
                         .order = rows.unsigned_integer(0)});
    }
    return found;
}

std::size_t Transaction::forget_operations(Timestamp before, std::size_t max) {
    // What was told in an earlier era and not numbered anew since had its receipt.
    const auto gone = database_.run(
        "DELETE FROM operations WHERE n IN (SELECT o.n FROM operations o"
        " LEFT JOIN marks m ON m.part = o.part WHERE o.state >= 2 AND o.at < ?1"
        " AND (o.era <> ?2 OR o.seq <= m.receipted) LIMIT ?3)",
        before.ns, store_.held_.era, max);
    return static_cast<std::size_t>(gone);
}

}  // namespace syncline::agent
