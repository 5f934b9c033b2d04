#include <algorithm>
#include <utility>

#include "agent/store.h"
#include "shared/wire/codec.h"
#include "shared/wire/hold_codec.h"
#include "shared/wire/list_codec.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"
#include "shared/wire/trouble_codec.h"

namespace syncline::agent {
namespace {

constexpr int kSeqBits = 48;

std::uint64_t spool_id(Partition partition, std::uint64_t seq) {
    return std::uint64_t{partition.value} << kSeqBits | seq;
}

std::uint64_t seq_of(std::uint64_t id) { return id & ((std::uint64_t{1} << kSeqBits) - 1); }

std::uint64_t checksum_of(std::string_view body) { return stable_hash(body) >> 32; }

/// What an entry takes on disk, roughly: its text and the row around it.
std::uint64_t size_of(std::string_view subject, std::string_view body) {
    return subject.size() + body.size() + 32;
}

}  // namespace

Numbering Transaction::next_number(Partition partition) const {
    return {partition, {store_.held_.epoch, store_.held_.marks[partition.value].next_seq}};
}

void Transaction::append(Partition partition, std::string_view subject, std::string_view body,
                         Timestamp now) {
    Marks& marks = store_.changing(partition);
    const std::uint64_t bytes = size_of(subject, body);
    database_.run("INSERT INTO spool VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                  spool_id(partition, marks.next_seq), bytes, checksum_of(body), now.ns, subject,
                  sqlite::Blob{body});
    ++marks.next_seq;
    marks.waiting_bytes += bytes;
    marks.held_bytes += bytes;
}

std::vector<SpoolEntry> Transaction::entries(Partition partition, std::uint64_t from,
                                             std::size_t max, std::size_t bytes_max) {
    std::vector<SpoolEntry> found;
    sqlite::Query rows = database_.query(
        "SELECT id, checksum, subject, body FROM spool WHERE id >= ?1 AND id < ?2 ORDER BY id"
        " LIMIT ?3",
        spool_id(partition, from),
        spool_id(partition, store_.held_.marks[partition.value].next_seq), max);
    std::size_t bytes = 0;
    while (bytes < bytes_max && rows.next()) {
        const std::uint64_t seq = seq_of(rows.unsigned_integer(0));
        if (rows.unsigned_integer(1) != checksum_of(rows.text(3))) {
            fail_with({ErrorKind::kCorrupt,
                       "spool entry " + std::to_string(partition.value) + "/" +
                           std::to_string(seq) +
                           " is damaged; keep a copy of the store for support, then move it away "
                           "and start again, which reads everything anew"});
            return {};
        }
        found.push_back({seq, std::string{rows.text(2)}, std::string{rows.text(3)}});
        bytes += found.back().body.size();
    }
    return found;
}

std::uint64_t Transaction::bytes_between(Partition partition, std::uint64_t after,
                                         std::uint64_t to) {
    sqlite::Query sum = database_.query("SELECT sum(bytes) FROM spool WHERE id > ?1 AND id <= ?2",
                                        spool_id(partition, after), spool_id(partition, to));
    return sum.next() ? sum.unsigned_integer(0) : 0;
}

void Transaction::set_receipted(Partition partition, std::uint64_t seq, Timestamp now) {
    Marks& marks = store_.changing(partition);
    seq = std::min(seq, marks.next_seq - 1);
    if (seq >= marks.receipted) {
        marks.waiting_bytes -= bytes_between(partition, marks.receipted, seq);
        if (marks.checkpoint <= marks.trimmed) {
            marks.checkpoint = seq;
            marks.checkpoint_at = now;
        }
    } else {
        marks.waiting_bytes += bytes_between(partition, seq, marks.receipted);
        // Whatever lost the hub's memory of them has also ended the time for which they are kept.
        marks.checkpoint = std::min(marks.checkpoint, seq);
        marks.checkpoint_at = now;
    }
    marks.receipted = seq;
}

std::size_t Transaction::trim_partition(Partition partition, std::uint64_t to, std::size_t max) {
    Marks& marks = store_.changing(partition);
    const std::uint64_t end = std::min(to, marks.trimmed + max);
    const std::uint64_t bytes = bytes_between(partition, marks.trimmed, end);
    const auto count = database_.run("DELETE FROM spool WHERE id > ?1 AND id <= ?2",
                                     spool_id(partition, marks.trimmed), spool_id(partition, end));
    marks.held_bytes -= bytes;
    marks.trimmed = end;
    return static_cast<std::size_t>(count);
}

std::size_t Transaction::trim(Timestamp now, Duration retention, std::uint64_t receipted_bytes,
                              std::size_t max) {
    std::size_t count = 0;
    for (std::uint16_t part = 0; part < store_.partitions() && count < max; ++part) {
        const Marks& marks = store_.marks({part});
        const std::uint64_t held = store_.held_bytes() - store_.waiting_bytes();
        std::uint64_t to = marks.trimmed;
        // A clock that was set back makes the age negative: the entries just stay longer.
        if (marks.checkpoint > marks.trimmed && now - marks.checkpoint_at >= retention) {
            to = marks.checkpoint;
        } else if (held > receipted_bytes) {
            to = marks.receipted;
        }
        if (to <= marks.trimmed) continue;
        count += trim_partition({part}, to, max - count);
        if (marks.trimmed >= marks.checkpoint && marks.receipted > marks.trimmed) {
            Marks& next = store_.changing({part});
            next.checkpoint = next.receipted;
            next.checkpoint_at = now;
        }
    }
    return count;
}

/// Gives the entries whose subjects end so the bodies that `blank` makes, if it makes one. False:
/// one of these has no receipt.
bool Transaction::blank_entries(std::string_view subject_end, Blank* blank) {
    std::vector<std::pair<std::uint64_t, std::string>> bodies;
    {
        sqlite::Query rows = database_.query(
            "SELECT id, subject, body FROM spool WHERE substr(subject, -length(?1)) = ?1",
            subject_end);
        while (rows.next()) {
            auto body = blank(rows.text(1), rows.text(2));
            if (!body) continue;
            const std::uint64_t id = rows.unsigned_integer(0);
            const Partition partition{static_cast<std::uint16_t>(id >> kSeqBits)};
            if (seq_of(id) > store_.marks(partition).receipted) return false;
            bodies.emplace_back(id, *std::move(body));
        }
    }
    for (const auto& [id, body] : bodies) {
        // Its `bytes` stay, as the sums that the marks hold are made of them.
        database_.run("UPDATE spool SET body = ?1, checksum = ?2 WHERE id = ?3", sqlite::Blob{body},
                      checksum_of(body), id);
    }
    return true;
}

void Transaction::restart_numbering(std::uint16_t partitions, Timestamp now, std::uint64_t after) {
    Store::Held& held = store_.held_;
    held.epoch = std::max(
        {held.epoch + 1, after + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(now.ns, 0))});
    ++held.era;
    set_number("epoch", held.epoch);
    set_number("era", held.era);
    set_number("partitions", partitions);
    held.marks.assign(partitions, {});
    held.changed.assign(partitions, true);
    database_.run("DELETE FROM marks");
    // Moving rows within the table they are read from could meet them again, so they change it.
    database_.script(
        "ALTER TABLE spool RENAME TO spool_before;"
        "CREATE TABLE spool(id INTEGER PRIMARY KEY, bytes INTEGER, checksum INTEGER,"
        "  put_at INTEGER, subject TEXT, body BLOB);");
    {
        sqlite::Query rows = database_.query(
            "SELECT id, put_at, subject, body, checksum FROM spool_before ORDER BY id");
        while (rows.next()) {
            if (rows.unsigned_integer(4) != checksum_of(rows.text(3))) {
                return fail_with({ErrorKind::kCorrupt, "a spool entry is damaged"});
            }
            move_entry(rows.unsigned_integer(0), rows.text(2), rows.text(3), rows.integer(1));
        }
    }
    database_.script("DROP TABLE spool_before;");
}

void Transaction::move_entry(std::uint64_t id, std::string_view subject, std::string_view body,
                             std::int64_t put_at) {
    const std::uint16_t partitions = store_.partitions();
    const auto bad = [&](const Error& error) {
        fail_with({ErrorKind::kCorrupt, "spool entry " + std::to_string(id) + ": " + error.what});
    };
    const auto parsed = subjects::parse_input(subject);
    if (!parsed) return bad(parsed.error());
    if (parsed->kind == subjects::InputKind::kOutcome) {
        auto outcome = wire::decode_outcome(body);
        if (!outcome) return bad(outcome.error());
        const Partition home = entity_partition(outcome->entity, partitions);
        outcome->number = next_number(home);
        append(home, subjects::outcome(outcome->platform, outcome->entity, home),
               wire::encode(*outcome), Timestamp{put_at});
        return;
    }
    // It is about partitions and an epoch that are no more; the next one is asked for in time.
    if (parsed->kind == subjects::InputKind::kInventory) return;
    if (parsed->kind == subjects::InputKind::kHold) {
        auto notice = wire::decode_hold(body);
        if (!notice) return bad(notice.error());
        const Partition home = entity_partition(lane_entity(notice->lane.object), partitions);
        notice->number = next_number(home);
        append(home, subjects::hold(notice->platform, home, notice->lane), wire::encode(*notice),
               Timestamp{put_at});
        return;
    }
    if (parsed->kind == subjects::InputKind::kTrouble) {
        auto trouble = wire::decode_trouble(body);
        if (!trouble) return bad(trouble.error());
        const Partition home = entity_partition(lane_entity(trouble->object), partitions);
        trouble->number = next_number(home);
        append(home, subjects::trouble(trouble->platform, home, trouble->object, trouble->kind),
               wire::encode(*trouble), Timestamp{put_at});
        return;
    }
    if (parsed->kind == subjects::InputKind::kList) {
        auto news = wire::decode_list_news(body);
        if (!news) return bad(news.error());
        const Partition home = entity_partition(list_entity(news->list), partitions);
        news->number = next_number(home);
        append(home, subjects::list_news(news->platform, home, news->list, parsed->key),
               wire::encode(*news), Timestamp{put_at});
        return;
    }
    if (parsed->kind == subjects::InputKind::kOperationResult) {
        auto result = wire::decode_operation_result(body);
        if (!result) return bad(result.error());
        const Partition home = instance_partition(instance_of(result->key), partitions);
        result->number = next_number(home);
        append(home, subjects::operation_result(result->platform, home, result->key),
               wire::encode(*result), Timestamp{put_at});
        return note_told(result->key, result->number);
    }
    auto change = wire::decode_change(body);
    if (!change) return bad(change.error());
    auto state = record(change->key.object, change->key.record);
    // The partition must be the same for all entries of a record; what is known now decides, not
    // what was known when each was made.
    const Partition home =
        home_partition(change->key, state ? state->entity : change->entity, partitions);
    change->number = next_number(home);
    append(home, subjects::change(change->key, home), wire::encode(*change), Timestamp{put_at});
    if (!state) return;
    state->last = {home, change->number.seq.n};
    save(change->key.object, change->key.record, *state);
}

}  // namespace syncline::agent
