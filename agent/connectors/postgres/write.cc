#include "agent/connectors/postgres/write.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/connectors/postgres/transaction.h"
#include "agent/core/expected.h"

namespace syncline::agent::postgres {
namespace {

/// What one column shall hold.
struct Assignment {
    const Column* column = nullptr;
    Parameter value;
    bool merge = false;  ///< Only some keys of a JSON column are mapped: the others stay.
};

class ParameterList {
public:
    /// Adds a value and gives its place: "$3".
    std::string add(Parameter value) {
        values_.push_back(std::move(value));
        return "$" + std::to_string(values_.size());
    }
    [[nodiscard]] std::vector<Parameter> take() { return std::move(values_); }

private:
    std::vector<Parameter> values_;
};

bool is_merged(const ObjectMapping& mapping, const std::string& column) {
    return std::ranges::any_of(mapping.fields, [&](const FieldMapping& field) {
        return field.path.size() > column.size() && column_of(field.path) == column;
    });
}

Result<std::vector<Assignment>> assignments_of(const Table& table, const Command& command) {
    auto native = to_native(table.mapping, command.fields);
    if (!native) return fail(native.error());
    std::vector<Assignment> assignments;
    for (const auto& [name, value] : *native) {
        const Column* column = table.find(name);
        if (column == nullptr) {
            return fail(ErrorKind::kInvalid,
                        table.sql_name + " has no column '" + name + "' (any more)");
        }
        if (command.kind == CommandKind::kCreate && table.has_marker() &&
            column == &table.columns[table.marker]) {
            continue;  // Holds the entity's id.
        }
        const bool merge = column->type == SqlType::kJson && is_merged(table.mapping, name);
        assignments.push_back({column, sql_parameter(column->type, value), merge});
    }
    if (command.kind == CommandKind::kCreate && table.has_marker()) {
        assignments.push_back({&table.columns[table.marker], command.entity.entity.text, false});
    }
    return assignments;
}

/// The columns that say what the record holds now, and the message in the same transaction.
std::string returning(const Table& table, const Command& command, const char* existed,
                      ParameterList& parameters) {
    return " RETURNING " + table.select_list + ", " + existed +
           ", pg_catalog.pg_logical_emit_message(true, 'syncline', " +
           parameters.add(idempotency_key(command)) + "::text)";
}

std::string set_expression(const Assignment& assignment, const std::string& value) {
    const std::string name = sql_identifier(assignment.column->name);
    if (!assignment.merge) return name + " = " + value;
    return name + " = coalesce(target." + name + "::jsonb, '{}'::jsonb) || " + value + "::jsonb";
}

Statement insert_statement(const Table& table, const Command& command,
                           const std::vector<Assignment>& assignments) {
    ParameterList parameters;
    std::string names;
    std::string places;
    std::string updates;
    for (const Assignment& assignment : assignments) {
        const char* comma = names.empty() ? "" : ", ";
        const std::string name = sql_identifier(assignment.column->name);
        names += comma + name;
        places += comma + parameters.add(assignment.value);
        updates += comma + set_expression(assignment, "EXCLUDED." + name);
    }
    std::string sql = "INSERT INTO " + table.sql_name + " AS target ";
    sql += names.empty() ? "DEFAULT VALUES" : "(" + names + ") VALUES (" + places + ")";
    if (table.marker_is_unique()) {
        sql += " ON CONFLICT (" + sql_identifier(table.columns[table.marker].name) +
               ") DO UPDATE SET " + updates;
    }
    sql += returning(table, command, "(target.xmax <> 0)", parameters);
    return {.sql = std::move(sql), .parameters = parameters.take(), .prepare = true};
}

Statement update_statement(const Table& table, const Command& command,
                           const std::vector<Assignment>& assignments) {
    ParameterList parameters;
    std::string updates;
    for (const Assignment& assignment : assignments) {
        if (!updates.empty()) updates += ", ";
        updates += set_expression(assignment, parameters.add(assignment.value));
    }
    const std::string key = sql_identifier(table.mapping.key);
    if (updates.empty()) updates = key + " = target." + key;  // Nothing to set: only look.
    std::string sql = "UPDATE " + table.sql_name + " AS target SET " + updates + " WHERE target." +
                      key + " = " + parameters.add(command.record->text);
    sql += returning(table, command, "true", parameters);
    return {.sql = std::move(sql), .parameters = parameters.take(), .prepare = true};
}

Statement delete_statement(const Table& table, const Command& command) {
    ParameterList parameters;
    std::string sql = "DELETE FROM " + table.sql_name + " WHERE " +
                      sql_identifier(table.mapping.key) + " = " +
                      parameters.add(command.record->text);
    sql += returning(table, command, "true", parameters);
    return {.sql = std::move(sql), .parameters = parameters.take(), .prepare = true};
}

std::unexpected<Error> no_such_row(const Table& table, const Command& command) {
    return fail(ErrorKind::kNotFound, table.sql_name + " has no row with " + table.mapping.key +
                                          " = '" + command.record->text + "'");
}

/// Compares with what the row holds, and keeps it locked until the transaction ends.
Result<void> check_expected(Session& session, const Table& table, const Command& command,
                            const std::stop_token& stop) {
    const Statement select{.sql = "SELECT " + table.select_list + " FROM " + table.sql_name +
                                  " WHERE " + sql_identifier(table.mapping.key) +
                                  " = $1 FOR UPDATE",
                           .parameters = {command.record->text},
                           .prepare = true};
    auto rows = session.run(select, stop);
    if (!rows) return fail(rows.error());
    if (rows->size() == 0) return no_such_row(table, command);
    const auto held = record_of(table, cells_of(table, *rows, 0));
    if (!held) return fail(held.error(), table.sql_name);
    if (const auto field = unexpected_field(table.mapping, command, *held)) {
        return fail(ErrorKind::kConflict, table.sql_name + ", " + table.mapping.key + " = '" +
                                              command.record->text + "': " + field->text +
                                              " does not hold what was expected");
    }
    return {};
}

Result<Statement> statement_for(Session& session, const Table& table, const Command& command,
                                const std::stop_token& stop) {
    if (command.kind != CommandKind::kCreate) {
        if (!command.record) {
            return fail(ErrorKind::kInvalid, "the command names no record");
        }
        if (!command.expected.empty()) {
            if (auto same = check_expected(session, table, command, stop); !same) {
                return fail(same.error());
            }
        }
    }
    if (command.kind == CommandKind::kDelete) return delete_statement(table, command);
    auto assignments = assignments_of(table, command);
    if (!assignments) return fail(assignments.error());
    return command.kind == CommandKind::kCreate ? insert_statement(table, command, *assignments)
                                                : update_statement(table, command, *assignments);
}

Result<Written> written_of(const Table& table, const Command& command, const Rows& rows) {
    const std::vector<Cell> cells = cells_of(table, rows, 0);
    Written written;
    written.existed = rows.get(0, cells.size()).value_or("f") == "t";
    if (command.kind == CommandKind::kDelete) {
        written.id = *command.record;
        return written;
    }
    auto record = record_of(table, cells);
    if (!record) {
        // It is written, and its values cannot be read back: the key is all that is told.
        auto key = deleted_record_of(table, cells.front());
        if (!key) return fail(key.error(), table.sql_name);
        written.id = key->id;
        return written;
    }
    written.id = record->id;
    written.record = std::move(*record);
    return written;
}

/// All but BEGIN and COMMIT.
Result<Written> write_inside(Session& session, const Table& table, const Command& command,
                             const std::stop_token& stop) {
    const bool is_delete = command.kind == CommandKind::kDelete;
    const Written already_gone{.id = command.record.value_or(RecordId{})};
    const auto statement = statement_for(session, table, command, stop);
    if (!statement) {
        if (is_delete && statement.error().kind == ErrorKind::kNotFound) return already_gone;
        return fail(statement.error());
    }
    auto rows = session.run(*statement, stop);
    if (!rows) {
        // A record id that is no value of the key's type names no row.
        if (is_delete && session.sqlstate().starts_with("22")) return already_gone;
        return fail(rows.error());
    }
    if (rows->size() == 0) {
        if (is_delete) return already_gone;
        if (command.kind == CommandKind::kUpdate) return no_such_row(table, command);
        return fail(ErrorKind::kInvalid,
                    table.sql_name + ": a trigger or rule of the database dropped the new row");
    }
    return written_of(table, command, *rows);
}

}  // namespace

bool is_schema_change(std::string_view sqlstate) {
    // Undefined column, undefined table, and "cached plan must not change result type".
    return sqlstate == "42703" || sqlstate == "42P01" || sqlstate == "0A000";
}

Result<Written> carry_out(Session& session, const Table& table, const Command& command,
                          const std::stop_token& stop) {
    std::string state;
    auto written = in_transaction<Written>(session, stop, [&] {
        auto inside = write_inside(session, table, command, stop);
        if (!inside) state = session.sqlstate();
        return inside;
    });
    if (!written && is_schema_change(state)) {
        session.close();  // Its prepared statements are of the old table.
        return fail(ErrorKind::kUnavailable,
                    written.error().what + " (the table was altered; it is looked at anew)");
    }
    return written;
}

}  // namespace syncline::agent::postgres
