#include "agent/connectors/sql/reader.h"

#include <algorithm>
#include <utility>

#include "agent/connectors/sql/outbox.h"
#include "agent/connectors/sql/stamp.h"

namespace syncline::agent::sql {
namespace {

/// A batch holds this many rows at most, however many the caller would take: they are in memory.
constexpr std::size_t kPageMax = 2'000;

/// Adds rows to a batch until it holds enough.
class Pager {
public:
    Pager(const ReadContext& context, std::size_t max)
        : context_(context), room_(std::clamp<std::size_t>(max, 1, kPageMax)) {}

    [[nodiscard]] std::size_t room() const { return room_; }
    [[nodiscard]] Batch& batch() { return batch_; }
    void take_room(std::size_t rows) { room_ -= std::min(rows, room_); }

    /// Selects up to room() rows; whether these were the last ones.
    Result<bool> page(const Table& table, Statement select, ObjectPosition& place) {
        const std::size_t limit = room_;
        select.sql += " LIMIT " + std::to_string(limit);
        auto answer = context_.session.run(select, context_.stop);
        if (!answer) return fail(answer.error(), table.sql_name);
        for (const Row& row : answer->rows) add(table, row);
        if (!answer->rows.empty()) {
            const Row& last = answer->rows.back();
            place.key = last.front();
            if (!place.full) place.stamp = last[table.stamp];
        }
        take_room(answer->rows.size());
        return answer->rows.size() < limit;
    }

private:
    void add(const Table& table, const Row& row) {
        auto record = record_of(table, row, context_.session.dialect());
        if (record) {
            batch_.records.push_back(std::move(*record));
        } else {
            batch_.rejects.push_back(reject_of(table, row, record.error().what));
        }
        const bool unseen = table.detection == Detection::kStamp && row[table.stamp].is_null();
        if (!unseen || noted_ == &table) return;
        noted_ = &table;
        batch_.notes.push_back(table.sql_name + ": rows without `" + table.mapping.changed + "` (" +
                               table.mapping.key + " = " + row.front().text +
                               " is one) are only seen by a full read; have the column filled");
    }

    const ReadContext& context_;
    std::size_t room_;
    Batch batch_;
    const Table* noted_ = nullptr;
};

Statement select_by_key(const Table& table, const ObjectPosition& place) {
    const std::string key = sql_identifier(table.mapping.key);
    Statement select;
    std::string condition = key + " IS NOT NULL";
    if (place.key) {
        condition = key + " > ?";
        select.parameters = {*place.key};
    }
    select.sql = table.select(condition, Table::Filter::kApply) + " ORDER BY " + key;
    return select;
}

/// `stamp >= ?` on its own, since it is what an index on (stamp, key) is searched by.
Statement select_by_stamp(const Table& table, const ObjectPosition& place) {
    const std::string key = sql_identifier(table.mapping.key);
    const std::string stamp = sql_identifier(table.mapping.changed);
    Statement select;
    std::string condition = stamp + " IS NOT NULL";
    if (place.stamp) {
        condition = stamp + " >= ?";
        select.parameters = {*place.stamp};
    }
    if (place.stamp && place.key) {
        condition += " AND (" + stamp + " > ? OR " + key + " > ?)";
        select.parameters = {*place.stamp, *place.stamp, *place.key};
    }
    select.sql = table.select(condition, Table::Filter::kApply) + " ORDER BY " + stamp + ", " + key;
    return select;
}

/// The next page of one object; whether its part of the round is over.
Result<bool> read_object(const ReadContext& context, const Table& table, ObjectPosition& place,
                         Pager& pager) {
    const bool by_stamp = table.detection == Detection::kStamp;
    // It was followed by stamp, perhaps before there were triggers: what changed in between is in
    // neither.
    if (!by_stamp && place.stamp) place = {};
    if (!place.full && !by_stamp) return true;
    if (by_stamp && !place.began) {
        const auto now = context.session.now(context.stop);
        if (!now) return fail(now.error());
        place.began = *now;
    }
    const auto done = pager.page(
        table, place.full ? select_by_key(table, place) : select_by_stamp(table, place), place);
    if (!done || !*done) return done;
    if (!by_stamp) {
        place = {.full = false};
        return true;
    }
    const Dialect& dialect = context.session.dialect();
    std::optional<Timestamp> last;
    if (place.stamp) last = stamp_time(table, *place.stamp, dialect);
    const Timestamp settled = place.began.value_or(Timestamp{}) - context.lag;
    end_round(place, last, settled_at(table, settled, dialect));
    return true;
}

std::size_t find_object(const std::vector<Table>& tables, const ObjectName& name) {
    if (name.empty()) return 0;
    const auto at =
        std::ranges::find(tables, name, [](const Table& table) { return table.mapping.object; });
    // Its object is mapped no more: the round begins anew, which is harmless.
    return at == tables.end() ? 0 : static_cast<std::size_t>(at - tables.begin());
}

/// Reads objects from where the round stands until the batch is full or they are through.
Result<bool> read_objects(const ReadContext& context, Position& position, Pager& pager) {
    for (std::size_t at = find_object(context.tables, position.at); at < context.tables.size();
         ++at) {
        const Table& table = context.tables[at];
        position.at = table.mapping.object;
        if (pager.room() == 0) return false;
        const auto done = read_object(context, table, position.objects[position.at], pager);
        if (!done || !*done) return done;
    }
    position.at = {};
    return true;
}

}  // namespace

Result<ReadBatch> read_round(const ReadContext& context, Position position, std::size_t max) {
    Pager pager{context, max};
    ReadBatch read;
    bool done = true;
    if (!position.seq) {
        const auto through = read_objects(context, position, pager);
        if (!through) return fail(through.error());
        done = *through;
        if (done && !context.outbox.empty()) position.seq = 0;
    }
    if (done && position.seq && !context.outbox.empty()) {
        done = false;
        if (pager.room() > 0) {
            const auto page = read_outbox(context, *position.seq, pager.room(), pager.batch());
            if (!page) return fail(page.error());
            done = page->last;
            read.told = page->seqs;
            if (!page->seqs.empty()) position.seq = page->seqs.back();
        }
    }
    if (done) position.seq.reset();
    read.batch = std::move(pager.batch());
    read.batch.next = to_cursor(position);
    read.batch.more = !done;
    return read;
}

Result<Batch> read_survey(const ReadContext& context, Position position, std::size_t max) {
    Pager pager{context, max};
    bool done = true;
    for (const Table& table : context.tables) {
        ObjectPosition& place = position.objects[table.mapping.object];
        if (!place.full) continue;
        if (pager.room() == 0) {
            done = false;
            break;
        }
        const auto last = pager.page(table, select_by_key(table, place), place);
        if (!last) return fail(last.error());
        if (!*last) {
            done = false;
            break;
        }
        place = {.full = false};
    }
    Batch batch = std::move(pager.batch());
    batch.next = to_cursor(position);
    batch.more = !done;
    return batch;
}

}  // namespace syncline::agent::sql
