#include <algorithm>
#include <utility>

#include "agent/core/packed_entity.h"
#include "agent/store.h"

namespace syncline::agent {
void Transaction::begin_reconciliation() {
    set_number("reconciliation", ++store_.held_.reconciliation);
    database_.run("DELETE FROM suspects");
}

void Transaction::see(const ObjectName& object, const RecordId& id) {
    database_.run("UPDATE records SET seen = ?3 WHERE object = ?1 AND id = ?2",
                  object_number(object), id.text, store_.held_.reconciliation);
}

void Transaction::suspect(const ObjectName& object, const RecordId& id) {
    database_.run("INSERT OR IGNORE INTO suspects VALUES(?1, ?2, NULL)", object_number(object),
                  id.text);
}

void Transaction::judge(const ObjectName& object, const RecordId& id,
                        std::optional<DriftKind> found) {
    if (found) {
        database_.run("INSERT OR REPLACE INTO suspects VALUES(?1, ?2, ?3)", object_number(object),
                      id.text, static_cast<std::uint64_t>(*found));
    } else {
        database_.run("DELETE FROM suspects WHERE object = ?1 AND id = ?2", object_number(object),
                      id.text);
    }
}

std::vector<std::pair<ObjectName, RecordId>> Transaction::suspects(std::size_t max) {
    std::vector<std::pair<ObjectName, RecordId>> found;
    sqlite::Query rows = database_.query(
        "SELECT o.name, s.id FROM suspects s JOIN objects o ON o.id = s.object"
        " WHERE s.found IS NULL ORDER BY s.object, s.id LIMIT ?1",
        max);
    while (rows.next()) found.emplace_back(ObjectName{rows.text(0)}, RecordId{rows.text(1)});
    return found;
}

std::optional<std::pair<ObjectName, RecordId>> Transaction::suspect_unseen(const ObjectName& object,
                                                                           const RecordId& id,
                                                                           std::size_t max) {
    std::vector<std::pair<ObjectName, RecordId>> unseen;
    std::optional<std::pair<ObjectName, RecordId>> last;
    {
        sqlite::Query rows = database_.query(
            "SELECT o.name, r.id, r.seen, r.deleted FROM records r JOIN objects o ON o.id = "
            "r.object"
            " WHERE (r.object, r.id) > (?1, ?2) ORDER BY r.object, r.id LIMIT ?3",
            object.empty() ? 0 : object_number(object), id.text, max);
        while (rows.next()) {
            last.emplace(ObjectName{rows.text(0)}, RecordId{rows.text(1)});
            const bool seen = rows.unsigned_integer(2) == store_.held_.reconciliation;
            if (!seen && rows.integer(3) == 0) unseen.push_back(*last);
        }
    }
    for (const auto& [name, record] : unseen) suspect(name, record);
    return last;
}

std::vector<std::pair<ObjectName, std::uint64_t>> Transaction::counts() {
    std::vector<std::pair<ObjectName, std::uint64_t>> counts;
    sqlite::Query rows = database_.query(
        "SELECT o.name, count(*) FROM records r JOIN objects o ON o.id = r.object"
        " WHERE r.deleted = 0 GROUP BY r.object");
    while (rows.next()) counts.emplace_back(ObjectName{rows.text(0)}, rows.unsigned_integer(1));
    return counts;
}

std::vector<Transaction::Held> Transaction::held(const ObjectName& object, const RecordId& id,
                                                 std::size_t max) {
    std::vector<Held> found;
    sqlite::Query rows = database_.query(
        "SELECT o.name, r.id, r.n, r.entity FROM records r JOIN objects o ON o.id = r.object"
        " WHERE r.deleted = 0 AND (r.object, r.id) > (?1, ?2) ORDER BY r.object, r.id LIMIT ?3",
        object.empty() ? 0 : object_number(object), id.text, max);
    while (rows.next()) {
        Held& held = found.emplace_back();
        held.object.text = rows.text(0);
        held.id.text = rows.text(1);
        held.n = rows.unsigned_integer(2);
        if (!rows.is_null(3)) held.entity = unpacked_entity(rows.text(3));
    }
    return found;
}

void Transaction::for_each_drift(const std::function<void(const Held&)>& take) {
    sqlite::Query rows = database_.query(
        "SELECT o.name, s.id, r.entity, s.found FROM suspects s JOIN objects o ON o.id = s.object"
        " LEFT JOIN records r ON r.object = s.object AND r.id = s.id"
        " WHERE s.found IS NOT NULL ORDER BY s.object, s.id");
    while (rows.next()) {
        Held held;
        held.object.text = rows.text(0);
        held.id.text = rows.text(1);
        if (!rows.is_null(2)) held.entity = unpacked_entity(rows.text(2));
        held.found = static_cast<DriftKind>(rows.integer(3));
        take(held);
    }
}

}  // namespace syncline::agent
