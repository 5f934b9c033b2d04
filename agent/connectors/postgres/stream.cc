#include "agent/connectors/postgres/stream.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include "agent/connectors/postgres/write.h"

namespace syncline::agent::postgres {
namespace {

using namespace std::chrono_literals;

constexpr Duration kReadWait = 1s;
constexpr Duration kStatusEvery = 10s;
/// An idle slot's position moves this often, or after this much WAL of other tables.
constexpr Duration kIdleEvery = 10s;
constexpr std::uint64_t kIdleBytes = 16u << 20;
/// More keys than this are not remembered; their rows may then be told in an older state first.
constexpr std::size_t kFreshMax = 100'000;

constexpr std::size_t kDataHeader = 1 + 8 + 8 + 8;
constexpr std::size_t kKeepaliveSize = 1 + 8 + 8 + 1;

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes.substr(0, 8)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

void append_big_endian(std::string& out, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

}  // namespace

Result<std::optional<Record>> fetch_row(Session& session, const Table& table, const RecordId& id,
                                        const std::stop_token& stop) {
    const Statement select{.sql = "SELECT " + table.select_list + " FROM " + table.sql_name +
                                  " WHERE " + sql_identifier(table.mapping.key) + " = $1",
                           .parameters = {id.text},
                           .prepare = true};
    auto rows = session.run(select, stop);
    if (!rows) {
        // A text that is no value of the key's type names no row.
        if (session.sqlstate().starts_with("22")) return std::nullopt;
        return fail(rows.error());
    }
    if (rows->size() == 0) return std::nullopt;
    auto record = record_of(table, cells_of(table, *rows, 0));
    if (!record) return fail(record.error(), table.sql_name);
    return std::move(*record);
}

Result<Lsn> current_lsn(Session& session, const std::stop_token& stop) {
    auto rows = session.run({.sql = "SELECT pg_catalog.pg_current_wal_insert_lsn()"}, stop);
    if (!rows) return fail(rows.error());
    return parse_lsn(rows->text(0, 0));
}

Result<Stream> Stream::start(Context context, Session replication, const std::string& command,
                             const Position& from, std::stop_token stop) {
    if (auto started = replication.start_copy_both(command, stop); !started) {
        return fail(started.error());
    }
    Stream stream{context, std::move(replication), from};
    stream.position_.records = 0;  // A transaction told in part comes again from its beginning.
    stream.confirmed_ = from.lsn;
    stream.position_moved_ = context.clock.steady();
    if (auto sent = stream.send_status(stop); !sent) return fail(sent.error());
    return stream;
}

Result<Batch> Stream::read(std::size_t max, std::stop_token stop) {
    const Duration until = context_.clock.steady() + kReadWait;
    Batch batch;
    pending_.clear();
    cursor_wanted_ = false;
    while (batch.records.size() < max && !cursor_wanted_) {
        const Duration now = context_.clock.steady();
        if (now - status_sent_ >= kStatusEvery) {
            if (auto sent = send_status(stop); !sent) return fail(sent.error());
        }
        const bool has_something = !batch.records.empty() || !batch.rejects.empty();
        if (now >= until) break;
        const Duration wait = has_something && !in_transaction_ ? Duration{0} : until - now;
        auto message = replication_.receive(wait, stop);
        if (!message) return fail(message.error());
        if (!*message) break;
        if (auto taken = take(**message, batch, stop); !taken) return fail(taken.error());
    }
    batch.more = batch.records.size() >= max;
    if (auto filled = fill_in(batch, stop); !filled) return fail(filled.error());
    batch.next = to_cursor(position_);
    return batch;
}

Result<void> Stream::take(std::string_view message, Batch& batch, const std::stop_token& stop) {
    if (message.size() >= kDataHeader && message.front() == 'w') {
        auto decoded = pgoutput::decode(message.substr(kDataHeader));
        if (!decoded) return fail(decoded.error());
        return take_change(*decoded, batch, stop);
    }
    if (message.size() == kKeepaliveSize && message.front() == 'k') {
        return take_keepalive(message, batch, stop);
    }
    return fail(ErrorKind::kInvalid, "PostgreSQL: a replication message of no known kind");
}

/// Between transactions the server's position says that nothing is left for us before it. It
/// becomes our cursor, and is confirmed once that is stored: so the slot is never ahead of the
/// agent's own disk, and an agent that lost its newest state can tell.
Result<void> Stream::take_keepalive(std::string_view message, const Batch& batch,
                                    const std::stop_token& stop) {
    const Lsn wal_end{big_endian(message.substr(1))};
    const bool reply_wanted = message.back() != 0;
    if (!in_transaction_ && wal_end > position_.lsn) {
        const Duration now = context_.clock.steady();
        const bool worth_it = reply_wanted || !batch.records.empty() ||
                              now - position_moved_ >= kIdleEvery ||
                              wal_end.value - position_.lsn.value >= kIdleBytes;
        if (worth_it) {
            position_.lsn = wal_end;
            position_moved_ = now;
            // A server that shuts down waits until its last position is confirmed.
            cursor_wanted_ = reply_wanted;
        }
    }
    return reply_wanted ? send_status(stop) : Result<void>{};
}

Result<void> Stream::take_change(const pgoutput::Message& message, Batch& batch,
                                 const std::stop_token& stop) {
    if (const auto* begin = std::get_if<pgoutput::Begin>(&message)) {
        in_transaction_ = true;
        transaction_lsn_ = begin->final_lsn;
        transaction_at_ = begin->committed_at;
    } else if (const auto* commit = std::get_if<pgoutput::Commit>(&message)) {
        take_commit(*commit);
    } else if (const auto* relation = std::get_if<pgoutput::Relation>(&message)) {
        return take_relation(*relation, batch, stop);
    } else if (const auto* insert = std::get_if<pgoutput::Insert>(&message)) {
        for (const Source& source : sources(insert->relation)) {
            add_row(source, insert->after, batch);
        }
    } else if (const auto* update = std::get_if<pgoutput::Update>(&message)) {
        take_update(*update, batch);
    } else if (const auto* gone = std::get_if<pgoutput::Delete>(&message)) {
        for (const Source& source : sources(gone->relation)) {
            add_delete(source, gone->before, batch);
        }
    } else if (const auto* truncate = std::get_if<pgoutput::Truncate>(&message)) {
        take_truncate(*truncate, batch);
    } else if (const auto* note = std::get_if<pgoutput::LogicalMessage>(&message)) {
        if (note->prefix == "syncline") ++own_writes_;
    }
    return {};  // Origin and Type tell nothing that the catalogue does not.
}

void Stream::take_commit(const pgoutput::Commit& commit) {
    in_transaction_ = false;
    position_.lsn = std::max(position_.lsn, commit.end_lsn);
    position_.records = 0;
    position_moved_ = context_.clock.steady();
    if (position_.fresh_until <= position_.lsn) position_.fresh_until = Lsn{};
    std::erase_if(fresh_, [&](const auto& entry) { return entry.second <= position_.lsn; });
}

Result<void> Stream::take_relation(const pgoutput::Relation& relation, Batch& batch,
                                   const std::stop_token& stop) {
    std::vector<Source> found;
    for (std::size_t i = 0; i < context_.tables.size(); ++i) {
        Table& table = context_.tables[i];
        if (table.schema != relation.schema || table.name != relation.name) continue;
        // Sent once per session, and again after the table was altered: look at it anew.
        auto described = describe(context_.sql, table.mapping, stop);
        if (!described) return fail(described.error());
        table = std::move(*described);
        Source source{.table = i};
        for (const Column& column : table.columns) {
            const auto at =
                std::ranges::find(relation.columns, column.name, &pgoutput::RelationColumn::name);
            const bool told = at != relation.columns.end();
            source.columns.push_back(told ? static_cast<int>(at - relation.columns.begin()) : -1);
            // The stream may be older than the catalogue: its own type counts if it is known.
            const auto type = told ? built_in_type(at->type) : std::nullopt;
            source.types.push_back(type.value_or(column.type));
        }
        if (!table.identity_has_key) {
            batch.rejects.push_back(reject_of(table, {}, table.identity_problem));
        }
        found.push_back(std::move(source));
    }
    sources_[relation.id] = std::move(found);
    return {};
}

void Stream::take_update(const pgoutput::Update& update, Batch& batch) {
    const pgoutput::Tuple* const old =
        update.key ? &*update.key : (update.before ? &*update.before : nullptr);
    for (const Source& source : sources(update.relation)) {
        const auto key = static_cast<std::size_t>(source.columns.front());
        const bool key_known = source.columns.front() >= 0 && old != nullptr && key < old->size() &&
                               key < update.after.size() &&
                               (*old)[key].kind == pgoutput::Datum::Kind::kText;
        if (key_known && (*old)[key].bytes != update.after[key].bytes &&
            update.after[key].kind == pgoutput::Datum::Kind::kText) {
            add_delete(source, *old, batch);  // The key changed: one record ends, one begins.
        }
        add_row(source, update.after, batch);
    }
}

void Stream::take_truncate(const pgoutput::Truncate& truncate, Batch& batch) {
    for (const std::uint32_t relation : truncate.relations) {
        for (const Source& source : sources(relation)) {
            batch.rejects.push_back(reject_of(
                context_.tables[source.table], {},
                "the table was emptied by TRUNCATE. Deleting all of its records elsewhere is not "
                "done without a person: if it is meant, delete the rows with DELETE; if not, bring "
                "them back and start a full read"));
        }
    }
}

std::vector<Cell> Stream::cells_of(const Source& source, const pgoutput::Tuple& tuple) const {
    std::vector<Cell> cells(source.columns.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
        cells[i].type = source.types[i];
        if (source.columns[i] < 0) continue;
        const auto at = static_cast<std::size_t>(source.columns[i]);
        if (at >= tuple.size()) continue;
        if (tuple[at].kind == pgoutput::Datum::Kind::kNull) {
            cells[i].state = Cell::State::kNull;
        } else if (tuple[at].kind == pgoutput::Datum::Kind::kText) {
            cells[i].state = Cell::State::kText;
            cells[i].text = tuple[at].bytes;
        }
    }
    return cells;
}

void Stream::add_row(const Source& source, const pgoutput::Tuple& tuple, Batch& batch) {
    const std::vector<Cell> cells = cells_of(source, tuple);
    add(source, record_of(context_.tables[source.table], cells), cells, batch);
}

void Stream::add_delete(const Source& source, const pgoutput::Tuple& tuple, Batch& batch) {
    const std::vector<Cell> cells = cells_of(source, tuple);
    add(source, deleted_record_of(context_.tables[source.table], cells.front()), cells, batch);
}

void Stream::add(const Source& source, Result<Record> record, const std::vector<Cell>& cells,
                 Batch& batch) {
    const Table& table = context_.tables[source.table];
    if (!record) {
        batch.rejects.push_back(reject_of(table, cells, record.error().what));
        return;
    }
    if (record->changed_at == Timestamp{}) record->changed_at = transaction_at_;
    if (record->partial || is_outdated(table, record->id)) {
        pending_.push_back({batch.records.size(), source.table});
    }
    batch.records.push_back(std::move(*record));
    ++position_.records;
}

/// True if the row was read outside of the stream in a state that this transaction is older than.
bool Stream::is_outdated(const Table& table, const RecordId& id) const {
    if (transaction_lsn_ < position_.fresh_until) return true;
    const auto known = fresh_.find({table.mapping.object, id});
    return known != fresh_.end() && transaction_lsn_ < known->second;
}

const std::vector<Stream::Source>& Stream::sources(std::uint32_t relation) const {
    static const std::vector<Source> kNone;
    const auto at = sources_.find(relation);
    return at == sources_.end() ? kNone : at->second;
}

/// Reads the rows anew of which the stream told a part or an old state. A change that an agent
/// passes on carries the whole record; that it is newer than the change is fine, since what
/// counts is what the record holds now.
Result<void> Stream::fill_in(Batch& batch, const std::stop_token& stop) {
    if (pending_.empty()) return {};
    std::vector<std::size_t> gone;
    for (const Pending& pending : pending_) {
        Record& record = batch.records[pending.record];
        const Table& table = context_.tables[pending.table];
        auto row = fetch_row(context_.sql, table, record.id, stop);
        if (!row && row.error().kind == ErrorKind::kInvalid && context_.sql.sqlstate().empty()) {
            Batch::Reject reject = reject_of(table, {}, row.error().what);
            reject.id = record.id.text;
            batch.rejects.push_back(std::move(reject));
            gone.push_back(pending.record);
            continue;
        }
        if (!row && is_schema_change(context_.sql.sqlstate())) {
            return fail(ErrorKind::kUnavailable, row.error().what + " (the table was altered)");
        }
        if (!row) return fail(row.error());
        if (*row) {
            const Timestamp changed_at = record.changed_at;
            record = std::move(**row);
            if (record.changed_at == Timestamp{}) record.changed_at = changed_at;
        } else if (!record.deleted) {
            gone.push_back(pending.record);  // Its delete is on its way.
        }
    }
    const Result<Lsn> now = current_lsn(context_.sql, stop);
    if (!now) return fail(now.error());
    if (fresh_.size() > kFreshMax) fresh_.clear();
    for (const Pending& pending : pending_) {
        const Record& record = batch.records[pending.record];
        fresh_[{record.object, record.id}] = *now;
    }
    std::ranges::sort(gone, std::greater{});
    for (const std::size_t at : gone) {
        batch.records.erase(batch.records.begin() + static_cast<std::ptrdiff_t>(at));
    }
    pending_.clear();
    return {};
}

Result<void> Stream::confirm(Lsn lsn, std::stop_token stop) {
    if (lsn <= confirmed_) return {};
    confirmed_ = lsn;
    return send_status(stop);
}

Result<void> Stream::send_status(const std::stop_token& stop) {
    std::string status = "r";
    append_big_endian(status, std::max(position_.lsn, confirmed_).value);  // Received.
    append_big_endian(status, confirmed_.value);                           // Durable.
    append_big_endian(status, confirmed_.value);                           // Applied.
    append_big_endian(status, static_cast<std::uint64_t>(to_postgres_time(context_.clock.now())));
    status += '\0';  // No answer wanted.
    status_sent_ = context_.clock.steady();
    return replication_.send(status, stop);
}

}  // namespace syncline::agent::postgres
