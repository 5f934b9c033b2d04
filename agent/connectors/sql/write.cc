#include "agent/connectors/sql/write.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/connectors/sql/sql_value.h"
#include "agent/core/expected.h"

namespace syncline::agent::sql {
namespace {

/// What one column shall hold.
struct Assignment {
    std::string column;  ///< Quoted.
    Datum value;
};

Result<std::vector<Assignment>> assignments_of(const Table& table, const Command& command,
                                               const Dialect& dialect) {
    auto native = to_native(table.mapping, command.fields);
    if (!native) return fail(native.error());
    if (command.kind == CommandKind::kCreate && table.has_marker()) {
        native->insert_or_assign(table.mapping.marker, Value{command.entity.entity.text});
    }
    std::vector<Assignment> assignments;
    for (const auto& [name, value] : *native) {
        const Column* column = table.find(name);
        if (column == nullptr) {
            return fail(ErrorKind::kInvalid,
                        table.sql_name + " has no column '" + name + "' (any more)");
        }
        auto datum = datum_of(*column, value, dialect);
        if (!datum) return fail(datum.error(), table.sql_name + ", column " + name);
        assignments.push_back({sql_identifier(name), std::move(*datum)});
    }
    return assignments;
}

std::unexpected<Error> no_such_row(const Table& table, const RecordId& id) {
    return fail(ErrorKind::kNotFound,
                table.sql_name + " has no row with " + table.mapping.key + " = '" + id.text + "'");
}

Statement insert_statement(const Table& table, std::vector<Assignment> assignments) {
    Statement insert;
    std::string names;
    std::string values;
    for (Assignment& assignment : assignments) {
        const char* comma = names.empty() ? "" : ", ";
        names += comma + assignment.column;
        values += std::string{comma} + "?";
        insert.parameters.push_back(std::move(assignment.value));
    }
    insert.sql = "INSERT INTO " + table.sql_name + " (" + names + ") VALUES (" + values + ")";
    return insert;
}

/// The id of a row that has just been made without a marker: its own key, or the one counted up.
Result<RecordId> made_id(const Table& table, const Command& command, const Answer& answer) {
    for (const FieldMapping& field : table.mapping.fields) {
        const Value* value = field.path == table.mapping.key && field.write
                                 ? command.fields.find(field.field)
                                 : nullptr;
        if (value != nullptr && !value->is_null()) return RecordId{key_text(*value)};
    }
    if (table.key().generated && answer.last_id != 0) {
        return RecordId{std::to_string(answer.last_id)};
    }
    return fail(ErrorKind::kInvalid,
                table.sql_name +
                    ": nobody can tell the key of a new row, as the database does not "
                    "count it up; map a marker column");
}

Written written_of(Record record, bool existed) {
    Written written{.id = record.id, .existed = existed};
    written.record = std::move(record);
    return written;
}

/// All of a create but BEGIN and COMMIT.
Result<Written> create_inside(Session& session, const Table& table, const Command& command,
                              const std::stop_token& stop) {
    const EntityId& entity = command.entity.entity;
    if (table.has_marker()) {
        auto found = find_marked(session, table, entity, stop);
        if (!found) return fail(found.error());
        if (*found) return written_of(std::move(**found), true);
    }
    auto assignments = assignments_of(table, command, session.dialect());
    if (!assignments) return fail(assignments.error());
    const auto made = session.run(insert_statement(table, std::move(*assignments)), stop);
    if (!made) return fail(made.error(), table.sql_name);
    if (table.has_marker()) {
        auto found = find_marked(session, table, entity, stop);
        if (!found) return fail(found.error());
        if (*found) return written_of(std::move(**found), false);
        return fail(ErrorKind::kInvalid, table.sql_name +
                                             ": a trigger of the database dropped or changed the "
                                             "new row, which has no marker '" +
                                             entity.text + "'");
    }
    const auto id = made_id(table, command, *made);
    if (!id) return fail(id.error());
    auto row = select_row(session, table, *id, Table::Filter::kIgnore, stop);
    if (!row) return fail(row.error());
    if (!*row) return no_such_row(table, *id);
    return written_of(std::move(**row), false);
}

Result<void> check_expected(const Table& table, const Command& command, const Record& held) {
    const auto field = unexpected_field(table.mapping, command, held);
    if (field) {
        return fail(ErrorKind::kConflict, table.sql_name + ", " + table.mapping.key + " = '" +
                                              held.id.text + "': " + field->text +
                                              " does not hold what was expected");
    }
    return {};
}

/// The key by which to write, once the row is there, is locked and holds what it should.
Result<Datum> lock_row(Session& session, const Table& table, const Command& command,
                       const std::stop_token& stop) {
    const RecordId& id = *command.record;
    const auto key = key_datum(table, id);
    if (!key) return no_such_row(table, id);
    std::string sql =
        table.select(sql_identifier(table.mapping.key) + " = ?", Table::Filter::kIgnore);
    sql += session.dialect().lock_rows;
    auto answer = session.run({.sql = std::move(sql), .parameters = {*key}}, stop);
    if (!answer) return fail(answer.error(), table.sql_name);
    const auto row = std::ranges::find_if(
        answer->rows, [&](const Row& one) { return record_id(table, one.front()) == id; });
    if (row == answer->rows.end()) return no_such_row(table, id);
    if (command.expected.empty()) return row->front();
    const auto held = record_of(table, *row, session.dialect());
    if (!held) return fail(held.error(), table.sql_name);
    if (auto same = check_expected(table, command, *held); !same) return fail(same.error());
    return row->front();
}

Result<Written> update_inside(Session& session, const Table& table, const Command& command,
                              const std::stop_token& stop) {
    const auto key = lock_row(session, table, command, stop);
    if (!key) return fail(key.error());
    auto assignments = assignments_of(table, command, session.dialect());
    if (!assignments) return fail(assignments.error());
    Statement update;
    std::string updates;
    for (Assignment& assignment : *assignments) {
        updates += (updates.empty() ? "" : ", ") + assignment.column + " = ?";
        update.parameters.push_back(std::move(assignment.value));
    }
    if (!updates.empty()) {
        update.sql = "UPDATE " + table.sql_name + " SET " + updates + " WHERE " +
                     sql_identifier(table.mapping.key) + " = ?";
        update.parameters.push_back(*key);
        if (auto done = session.run(update, stop); !done) return fail(done.error(), table.sql_name);
    }
    Written written{.id = *command.record, .existed = true};
    auto row = select_row(session, table, written.id, Table::Filter::kIgnore, stop);
    // It is written; what cannot be read back is told without its values.
    if (row) written.record = std::move(*row);
    if (!row && row.error().kind != ErrorKind::kInvalid) return fail(row.error());
    return written;
}

Result<Written> delete_inside(Session& session, const Table& table, const Command& command,
                              const std::stop_token& stop) {
    Written written{.id = *command.record};
    const auto key = lock_row(session, table, command, stop);
    if (!key && key.error().kind == ErrorKind::kNotFound) return written;
    if (!key) return fail(key.error());
    const Statement removal{.sql = "DELETE FROM " + table.sql_name + " WHERE " +
                                   sql_identifier(table.mapping.key) + " = ?",
                            .parameters = {*key}};
    if (auto removed = session.run(removal, stop); !removed) {
        return fail(removed.error(), table.sql_name);
    }
    written.existed = true;
    return written;
}

Result<Written> write_inside(Session& session, const Table& table, const Command& command,
                             const std::stop_token& stop) {
    if (command.kind == CommandKind::kCreate) return create_inside(session, table, command, stop);
    if (!command.record) return fail(ErrorKind::kInvalid, "the command names no record");
    if (command.kind == CommandKind::kDelete) return delete_inside(session, table, command, stop);
    return update_inside(session, table, command, stop);
}

}  // namespace

Result<std::optional<Record>> find_marked(Session& session, const Table& table,
                                          const EntityId& entity, const std::stop_token& stop) {
    auto answer = session.run({.sql = table.select(sql_identifier(table.mapping.marker) + " = ?",
                                                   Table::Filter::kIgnore) +
                                      " LIMIT 2",
                               .parameters = {Datum::of_text(entity.text)}},
                              stop);
    if (!answer) return fail(answer.error(), table.sql_name);
    // A collation may take one text for another.
    std::erase_if(answer->rows,
                  [&](const Row& row) { return row[table.marker].text != entity.text; });
    if (answer->rows.empty()) return std::nullopt;
    if (answer->rows.size() > 1) {
        return fail(ErrorKind::kInvalid, table.sql_name + ": several rows carry the marker '" +
                                             entity.text + "'; a person must remove all but one");
    }
    auto record = record_of(table, answer->rows.front(), session.dialect());
    if (!record) return fail(record.error(), table.sql_name);
    return std::move(*record);
}

Result<Written> carry_out(Session& session, const Table& table, const Command& command,
                          const std::stop_token& stop) {
    bool altered = false;  // Asked at once: to roll back is a statement of its own.
    auto written = in_transaction<Written>(session, stop, [&] {
        auto inside = write_inside(session, table, command, stop);
        altered = !inside && session.table_was_altered();
        return inside;
    });
    if (!written && altered) return table_altered(session, written.error());
    // A create of before, whose answer was lost, may have been committed only now: its marker is
    // what the unique index refused, and is found by looking again.
    const bool look_again = !written && written.error().kind == ErrorKind::kConflict &&
                            command.kind == CommandKind::kCreate && table.marker_is_unique() &&
                            session.usable();
    if (look_again) {
        auto found = find_marked(session, table, command.entity.entity, stop);
        if (found && *found) return written_of(std::move(**found), true);
    }
    return written;
}

}  // namespace syncline::agent::sql
