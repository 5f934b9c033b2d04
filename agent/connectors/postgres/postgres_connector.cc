#include "agent/connectors/postgres/postgres_connector.h"

#include <algorithm>
#include <set>

#include "agent/connectors/postgres/copy.h"
#include "agent/connectors/postgres/operation.h"
#include "agent/connectors/postgres/write.h"
#include "agent/connectors/tables.h"

namespace syncline::agent::postgres {
namespace {

/// A connection that was closed meanwhile fails sooner; what fails later has been under way.
constexpr Duration kShowsStale = std::chrono::seconds{1};

constexpr int kServerVersionMin = 140'000;  // The first whose pgoutput tells logical messages.

std::string table_list(const std::vector<Table>& tables) {
    std::string list;
    for (const Table& table : tables) {
        if (!list.empty()) list += ", ";
        list += table.sql_name;
        if (!table.mapping.filter.empty()) list += " WHERE (" + table.mapping.filter + ")";
    }
    return list;
}

/// A name like "00000003-0000001B-1", which goes into a statement as it is.
bool is_snapshot_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || c == '-';
    });
}

}  // namespace

Result<void> PostgresConnector::connect(std::stop_token stop) {
    if (sql_ && sql_->usable() && sql_->run({.sql = "SELECT 1"}, stop)) return {};
    if (stream_) own_writes_ += stream_->own_writes();
    stream_.reset();  // It refers to the session.
    sql_.reset();
    auto target = connection_target(config_, Role::kSql);
    if (!target) return fail(target.error());
    auto session = Session::open(*target, *clock_, stop);
    if (!session) return fail(session.error());
    if (session->server_version() < kServerVersionMin) {
        return fail(ErrorKind::kUnsupported, "PostgreSQL: the server is older than version 14: " +
                                                 std::to_string(session->server_version()));
    }
    sql_.emplace(std::move(*session));
    source_checked_ = false;
    auto described = describe_tables(stop);
    if (!described) sql_.reset();
    return described;
}

Result<void> PostgresConnector::describe_tables(const std::stop_token& stop) {
    std::vector<Table> tables;
    for (const ObjectMapping& object : objects_) {
        auto table = describe(*sql_, object, stop);
        if (!table) return fail(table.error());
        tables.push_back(std::move(*table));
    }
    tables_ = std::move(tables);
    return {};
}

Result<Batch> PostgresConnector::read(const Cursor& from, std::size_t max, std::stop_token stop) {
    if (!sql_ || !sql_->usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    auto position = parse_position(from);
    if (!position) return fail(position.error());
    if (!source_checked_) {
        const auto publication = check_source(stop);
        if (!publication) return fail(publication.error());
        if (*publication == Publication::kNone) {
            if (auto created = create_publication(stop); !created) return fail(created.error());
        }
        source_checked_ = true;
    }
    auto batch = position->phase == Position::Phase::kStream
                     ? read_stream(*position, max, stop)
                     : read_copy(std::move(*position), max, stop);
    if (batch) batch->looked = looks_of(tables_);
    return batch;
}

Result<std::vector<std::string>> PostgresConnector::check_reading(std::stop_token stop) {
    if (!sql_ || !sql_->usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    const auto publication = check_source(stop);
    if (!publication) return fail(publication.error());
    std::vector<std::string> notes;
    if (*publication == Publication::kNone) {
        notes.push_back("the first read makes the publication " + config_.publication);
    }
    const auto slot = slot_state(stop);
    if (!slot) return fail(slot.error());
    if (*slot && !(*slot)->problem.empty()) return fail((*slot)->kind, (*slot)->problem);
    if (!*slot) notes.push_back("the first read makes the replication slot " + config_.slot);
    return notes;
}

/// The tables alone: the stream stays where it is.
Result<Batch> PostgresConnector::survey(const Cursor& from, std::size_t max, std::stop_token stop) {
    if (!sql_ || !sql_->usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    auto position = parse_position(from);
    if (!position) return fail(position.error());
    auto chunk = copy_rows(*sql_, tables_, *position, max, stop);
    if (!chunk) return fail(chunk.error());
    chunk->batch.more = !chunk->done;
    chunk->batch.next = to_cursor(*position);
    chunk->batch.looked = looks_of(tables_);
    return std::move(chunk->batch);
}

Result<std::uint64_t> PostgresConnector::count(std::stop_token stop) {
    if (!sql_ || !sql_->usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    return count_rows(*sql_, tables_, stop);
}

Cursor PostgresConnector::full_read_start() const {
    return to_cursor({.phase = Position::Phase::kFull});
}

Result<void> PostgresConnector::stored(const Cursor& stored) {
    const auto position = parse_position(stored);
    if (!position) return fail(position.error());
    if (!stream_ || position->phase != Position::Phase::kStream) return {};
    auto confirmed = stream_->confirm(position->lsn, {});
    if (!confirmed) {
        own_writes_ += stream_->own_writes();
        stream_.reset();
    }
    return confirmed;
}

Result<std::optional<Record>> PostgresConnector::fetch(const ObjectName& object, const RecordId& id,
                                                       std::stop_token stop) {
    const auto table = table_of(object);
    if (!table) return fail(table.error());
    return fetch_row(*sql_, **table, id, stop);
}

Result<Value> PostgresConnector::ask(const std::string& name, const Fields& input,
                                     std::stop_token stop) {
    const auto at = config_.questions.find(name);
    if (at == config_.questions.end()) return Connector::ask(name, input, stop);
    if (!sql_ || !sql_->usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    const Duration asked = clock_->steady();
    auto answer = put_question(*sql_, at->second, input, stop);
    // The server may have been another one since the last question, which shows at once. A question
    // changes nothing, so it is put to the new one.
    const bool stale = !answer && !sql_->usable() && clock_->steady() - asked < kShowsStale;
    if (!stale || stop.stop_requested()) return answer;
    if (auto connected = connect(stop); !connected) return fail(connected.error());
    return put_question(*sql_, at->second, input, stop);
}

std::vector<std::string> PostgresConnector::questions() const {
    std::vector<std::string> names;
    for (const auto& [name, question] : config_.questions) names.push_back(name);
    return names;
}

Result<Value> PostgresConnector::operate(const OperationRequest& request, std::stop_token stop) {
    const auto at = config_.operations.find(request.name);
    if (at == config_.operations.end()) return Connector::operate(request, stop);
    if (!sql_ || !sql_->usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    return carry_out_operation(*sql_, config_.operations_table, at->second, request, stop);
}

std::vector<OperationTraits> PostgresConnector::operations() const {
    std::vector<OperationTraits> all;
    for (const auto& [name, operation] : config_.operations) {
        all.push_back({name, OnDoubt::kRepeat});
    }
    return all;
}

Result<std::optional<Record>> PostgresConnector::find(const ObjectName& object,
                                                      const EntityId& entity,
                                                      std::stop_token stop) {
    const auto table = table_of(object);
    if (!table) return fail(table.error());
    if (!(*table)->has_marker()) {
        return fail(ErrorKind::kUnsupported, "object " + object.text + " has no marker field");
    }
    const Statement select{.sql = "SELECT " + (*table)->select_list + " FROM " +
                                  (*table)->sql_name + " WHERE " +
                                  sql_identifier((*table)->mapping.marker) + " = $1 LIMIT 2",
                           .parameters = {entity.text},
                           .prepare = true};
    auto rows = sql_->run(select, stop);
    if (!rows) return fail(rows.error());
    if (rows->size() == 0) return std::nullopt;
    if (rows->size() > 1) {
        return fail(ErrorKind::kInvalid, (*table)->sql_name + ": several rows carry the marker '" +
                                             entity.text + "'; a person must remove all but one");
    }
    auto record = record_of(**table, cells_of(**table, *rows, 0));
    if (!record) return fail(record.error(), (*table)->sql_name);
    return std::move(*record);
}

Result<Written> PostgresConnector::write(const Command& command, std::stop_token stop) {
    const auto table = table_of(command.entity.object);
    if (!table) return fail(table.error());
    return carry_out(*sql_, **table, command, stop);
}

Fields PostgresConnector::normal_form(const ObjectName& object, const Fields& fields) const {
    const auto mapping = std::ranges::find(objects_, object, &ObjectMapping::object);
    if (mapping == objects_.end()) return fields;
    return agent::normal_form(*mapping, fields).value_or(fields);
}

Connector::Traits PostgresConnector::traits() const {
    Traits traits;
    traits.create_is_idempotent =
        !tables_.empty() && std::ranges::all_of(tables_, &Table::marker_is_unique);
    traits.has_marker = std::ranges::none_of(
        objects_, [](const ObjectMapping& object) { return object.marker.empty(); });
    traits.waits_for_changes = true;
    traits.reads_ahead = true;
    return traits;
}

std::uint64_t PostgresConnector::own_writes_seen() const {
    return own_writes_ + (stream_ ? stream_->own_writes() : 0);
}

Result<const Table*> PostgresConnector::table_of(const ObjectName& object) const {
    if (!sql_ || !sql_->usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    const auto at =
        std::ranges::find(tables_, object, [](const Table& table) { return table.mapping.object; });
    if (at == tables_.end()) {
        return fail(ErrorKind::kInvalid, "object " + object.text + " is not mapped to a table");
    }
    return &*at;
}

Result<PostgresConnector::Publication> PostgresConnector::check_source(
    const std::stop_token& stop) {
    auto rows = sql_->run({.sql = "SELECT pg_catalog.current_setting('wal_level')"}, stop);
    if (!rows) return fail(rows.error());
    if (rows->text(0, 0) != "logical") {
        return fail(ErrorKind::kUnsupported,
                    "PostgreSQL: wal_level is '" + rows->text(0, 0) +
                        "', so the server writes no changes to be read; set wal_level = logical in "
                        "postgresql.conf and restart the server");
    }
    return check_publication(stop);
}

Result<PostgresConnector::Publication> PostgresConnector::check_publication(
    const std::stop_token& stop) {
    const std::string name = sql_identifier(config_.publication);
    auto found = sql_->run({.sql = "SELECT FROM pg_catalog.pg_publication WHERE pubname = $1",
                            .parameters = {config_.publication}},
                           stop);
    if (!found) return fail(found.error());
    if (found->size() == 0) {
        if (config_.create_publication) return Publication::kNone;
        return fail(ErrorKind::kInvalid, "PostgreSQL: there is no publication " + name +
                                             "; as the owner of the tables: CREATE PUBLICATION " +
                                             name + " FOR TABLE " + table_list(tables_));
    }
    auto rows = sql_->run({.sql = "SELECT schemaname, tablename FROM"
                                  " pg_catalog.pg_publication_tables WHERE pubname = $1",
                           .parameters = {config_.publication}},
                          stop);
    if (!rows) return fail(rows.error());
    std::set<std::pair<std::string, std::string>> published;
    for (std::size_t row = 0; row < rows->size(); ++row) {
        published.emplace(rows->text(row, 0), rows->text(row, 1));
    }
    for (const Table& table : tables_) {
        if (published.contains({table.schema, table.name})) continue;
        return fail(ErrorKind::kInvalid, "PostgreSQL: the publication " + name + " does not hold " +
                                             table.sql_name + "; as its owner: ALTER PUBLICATION " +
                                             name + " ADD TABLE " + table.sql_name);
    }
    return Publication::kThere;
}

Result<void> PostgresConnector::create_publication(const std::stop_token& stop) {
    auto created = sql_->run(
        {.sql = "CREATE PUBLICATION " + sql_identifier(config_.publication) + " FOR TABLE " +
                table_list(tables_) + " WITH (publish_via_partition_root = true)"},
        stop);
    if (!created) return fail(created.error());
    return {};
}

Result<std::optional<PostgresConnector::SlotState>> PostgresConnector::slot_state(
    const std::stop_token& stop) {
    auto rows = sql_->run({.sql = "SELECT slot_type = 'logical' AND plugin = 'pgoutput',"
                                  " coalesce(database = pg_catalog.current_database(), false),"
                                  " coalesce(wal_status, ''), coalesce(confirmed_flush_lsn, '0/0'),"
                                  " pg_catalog.pg_current_wal_insert_lsn()"
                                  " FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
                           .parameters = {config_.slot}},
                          stop);
    if (!rows) return fail(rows.error());
    if (rows->size() == 0) return std::nullopt;
    SlotState state;
    const std::string what = "PostgreSQL: the replication slot '" + config_.slot + "' ";
    if (rows->text(0, 0) != "t") {
        state.problem = what + "is not a logical slot of the plugin pgoutput; choose another name";
    } else if (rows->text(0, 1) != "t") {
        state.problem = what + "belongs to another database; choose another name";
    } else if (rows->text(0, 2) == "lost") {
        state.kind = ErrorKind::kNotFound;
        state.problem = what +
                        "is lost: the server removed log that was not read yet "
                        "(max_slot_wal_keep_size). SELECT pg_drop_replication_slot('" +
                        config_.slot + "'), then start a full read, which makes it anew";
    }
    const auto confirmed = parse_lsn(rows->text(0, 3));
    const auto server = parse_lsn(rows->text(0, 4));
    if (!confirmed) return fail(confirmed.error());
    if (!server) return fail(server.error());
    state.confirmed = *confirmed;
    state.server = *server;
    return state;
}

Result<Session> PostgresConnector::open_replication(const std::stop_token& stop) {
    const auto target = connection_target(config_, Role::kReplication);
    if (!target) return fail(target.error());
    auto session = Session::open(*target, *clock_, stop);
    if (!session && session.error().kind == ErrorKind::kDenied) {
        return fail(ErrorKind::kDenied, session.error().what +
                                            " (if it is the right to replicate: ALTER ROLE " +
                                            sql_identifier(config_.user) + " REPLICATION)");
    }
    return session;
}

Result<Lsn> PostgresConnector::create_slot(const std::stop_token& stop) {
    auto replication = open_replication(stop);
    if (!replication) return fail(replication.error());
    auto rows = replication->run({.sql = "CREATE_REPLICATION_SLOT " + sql_identifier(config_.slot) +
                                         " LOGICAL pgoutput EXPORT_SNAPSHOT",
                                  .limit = config_.slot_wait},
                                 stop);
    if (!rows) {
        const bool exists = replication->sqlstate() == "42710";
        return fail(exists ? ErrorKind::kUnavailable : rows.error().kind, rows.error().what);
    }
    const auto lsn = parse_lsn(rows->text(0, 1));
    if (!lsn) return fail(lsn.error());
    // The snapshot lives until the next command of this connection, or until it is closed: it is
    // taken over before that. Where that fails, the copy goes without it.
    std::ignore = open_snapshot(rows->text(0, 2), *lsn, stop);
    return *lsn;
}

Result<void> PostgresConnector::open_snapshot(const std::string& name, Lsn lsn,
                                              const std::stop_token& stop) {
    if (!is_snapshot_name(name)) return fail(ErrorKind::kInvalid, "no snapshot");
    const auto target = connection_target(config_, Role::kSql);
    if (!target) return fail(target.error());
    auto session = Session::open(*target, *clock_, stop);
    if (!session) return fail(session.error());
    auto begun = session->run({.sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}, stop);
    if (!begun) return fail(begun.error());
    auto set = session->run({.sql = "SET TRANSACTION SNAPSHOT '" + name + "'"}, stop);
    if (!set) return fail(set.error());
    snapshot_.emplace(std::move(*session));
    snapshot_lsn_ = lsn;
    return {};
}

/// Makes sure of the slot before the first row is read: what changes afterwards is in it.
Result<void> PostgresConnector::begin_copy(Position& position, const std::stop_token& stop) {
    snapshot_.reset();
    const bool first = position.phase == Position::Phase::kStart;
    if (first) position.phase = Position::Phase::kCopy;
    auto slot = slot_state(stop);
    if (!slot) return fail(slot.error());
    if (*slot) {
        if (!(*slot)->problem.empty()) return fail((*slot)->kind, (*slot)->problem);
        return {};
    }
    if (!config_.create_slot) {
        return fail(ErrorKind::kNotFound, "PostgreSQL: there is no replication slot '" +
                                              config_.slot +
                                              "'; SELECT pg_create_logical_replication_slot('" +
                                              config_.slot + "', 'pgoutput')");
    }
    const auto lsn = create_slot(stop);
    if (!lsn) return fail(lsn.error());
    position.lsn = *lsn;
    return {};
}

Result<Batch> PostgresConnector::read_copy(Position position, std::size_t max,
                                           const std::stop_token& stop) {
    if (stream_) own_writes_ += stream_->own_writes();
    stream_.reset();
    if (position.object.empty()) {
        if (auto begun = begin_copy(position, stop); !begun) return fail(begun.error());
    }
    const bool in_snapshot = snapshot_ && snapshot_->usable() && snapshot_lsn_ == position.lsn;
    Session& session = in_snapshot ? *snapshot_ : *sql_;
    auto chunk = copy_rows(session, tables_, position, max, stop);
    if (!chunk) {
        const bool altered = is_schema_change(session.sqlstate());
        snapshot_.reset();
        if (!altered) return fail(chunk.error());
        sql_.reset();  // connect() looks at the tables anew.
        return fail(ErrorKind::kUnavailable, chunk.error().what + " (the table was altered)");
    }
    chunk->batch.more = !chunk->done;
    if (chunk->done) {
        Position after{.phase = Position::Phase::kStream, .lsn = position.lsn};
        if (!in_snapshot) {
            // What the slot tells up to here is older than what was just read.
            const auto now = current_lsn(*sql_, stop);
            if (!now) return fail(now.error());
            after.fresh_until = *now;
        }
        snapshot_.reset();
        position = after;
    }
    chunk->batch.next = to_cursor(position);
    return std::move(chunk->batch);
}

Result<Batch> PostgresConnector::read_stream(const Position& from, std::size_t max,
                                             const std::stop_token& stop) {
    snapshot_.reset();
    if (!stream_ || stream_->position() != from) {
        if (stream_) own_writes_ += stream_->own_writes();
        stream_.reset();
        auto started = start_stream(from, stop);
        if (!started) return fail(started.error());
        if (*started) return std::move(**started);
    }
    auto batch = stream_->read(max, stop);
    if (!batch) {
        own_writes_ += stream_->own_writes();
        stream_.reset();
    }
    return batch;
}

/// A batch instead of a stream: everything must be read again.
Result<std::optional<Batch>> PostgresConnector::start_stream(const Position& from,
                                                             const std::stop_token& stop) {
    auto slot = slot_state(stop);
    if (!slot) return fail(slot.error());
    if (!*slot) {
        return fail(ErrorKind::kNotFound,
                    "PostgreSQL: the replication slot '" + config_.slot +
                        "' is gone, and with it the changes after " + to_string(from.lsn) +
                        " that were not read; start a full read, which makes it anew");
    }
    const SlotState& state = **slot;
    if (!state.problem.empty()) return fail(state.kind, state.problem);
    if (from.lsn != Lsn{} && state.confirmed > from.lsn) {
        return read_all_again("the slot '" + config_.slot + "' was confirmed up to " +
                              to_string(state.confirmed) +
                              ", but the agent holds changes only up "
                              "to " +
                              to_string(from.lsn) +
                              ": an older state of the agent was put back, or somebody else reads "
                              "this slot. Everything is read again");
    }
    if (from.lsn > state.server) {
        return read_all_again("the agent holds changes up to " + to_string(from.lsn) +
                              ", but the database's log ends at " + to_string(state.server) +
                              ": an older state of the database was put back. Everything is read "
                              "again");
    }
    auto replication = open_replication(stop);
    if (!replication) return fail(replication.error());
    const std::string command = "START_REPLICATION SLOT " + sql_identifier(config_.slot) +
                                " LOGICAL " + to_string(from.lsn) +
                                " (proto_version '1', publication_names '" +
                                sql_identifier(config_.publication) + "', messages 'true')";
    Position start = from;
    if (start.lsn == Lsn{}) start.lsn = state.confirmed;
    auto stream =
        Stream::start({*sql_, tables_, *clock_}, std::move(*replication), command, start, stop);
    if (!stream) return fail(stream.error());
    stream_.emplace(std::move(*stream));
    return std::nullopt;
}

Batch PostgresConnector::read_all_again(const std::string& why) const {
    Batch batch;
    batch.notes.push_back("PostgreSQL: " + why);
    batch.next = full_read_start();
    batch.more = true;
    return batch;
}

Result<std::unique_ptr<Connector>> make_postgres(PostgresConfig config,
                                                 std::vector<ObjectMapping> objects,
                                                 const Clock& clock) {
    std::set<ObjectName> names;
    for (const ObjectMapping& object : objects) {
        if (!names.insert(object.object).second) {
            return fail(ErrorKind::kInvalid, "object " + object.object.text + " is mapped twice");
        }
    }
    if (names.empty()) return fail(ErrorKind::kInvalid, "no object is mapped to a table");
    return std::make_unique<PostgresConnector>(std::move(config), std::move(objects), clock);
}

}  // namespace syncline::agent::postgres
