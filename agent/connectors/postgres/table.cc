#include "agent/connectors/postgres/table.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

namespace syncline::agent::postgres {
namespace {

constexpr std::size_t kRawMax = 16u << 10;

/// Oid, whether it is a table, and what its replica identity needs.
constexpr std::string_view kFindTable =
    "SELECT c.oid, c.relkind, c.relreplident FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2";

/// Columns with their types below all domains, whether an index makes the column unique, and
/// whether the replica identity holds it.
constexpr std::string_view kFindColumns =
    "WITH RECURSIVE base(attnum, attname, typ) AS ("
    " SELECT a.attnum, a.attname, a.atttypid FROM pg_catalog.pg_attribute a"
    " WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped"
    " UNION ALL SELECT b.attnum, b.attname, t.typbasetype FROM base b"
    " JOIN pg_catalog.pg_type t ON t.oid = b.typ WHERE t.typtype = 'd')"
    " SELECT b.attname, b.typ, t.typcategory,"
    " EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = $1::oid AND i.indisunique"
    "  AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indnkeyatts = 1"
    "  AND i.indkey[0] = b.attnum),"
    " EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid"
    "  WHERE i.indrelid = $1::oid AND b.attnum = ANY(i.indkey)"
    "  AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident"
    "  ELSE false END)"
    " FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ WHERE t.typtype <> 'd'";

struct Found {
    Column column;
    bool in_identity = false;
};
using FoundColumns = std::map<std::string, Found, std::less<>>;

Result<FoundColumns> find_columns(Session& session, const std::string& oid,
                                  const std::stop_token& stop) {
    auto rows = session.run({.sql = std::string{kFindColumns}, .parameters = {oid}}, stop);
    if (!rows) return fail(rows.error());
    FoundColumns found;
    for (std::size_t row = 0; row < rows->size(); ++row) {
        const std::string type = rows->text(row, 1);
        std::uint32_t type_oid = 0;
        std::ignore = std::from_chars(type.data(), type.data() + type.size(), type_oid);
        const std::string category = rows->text(row, 2);
        Found one;
        one.column.name = rows->text(row, 0);
        one.column.type = type_of_category(type_oid, category.empty() ? 'U' : category.front());
        one.column.unique = rows->text(row, 3) == "t";
        one.in_identity = rows->text(row, 4) == "t";
        found.emplace(one.column.name, one);
    }
    return found;
}

/// Schema and name.
std::pair<std::string, std::string> split_native(const std::string& native) {
    const std::size_t dot = native.find('.');
    if (dot == std::string::npos) return {"public", native};
    return {native.substr(0, dot), native.substr(dot + 1)};
}

Result<Rows> find_table_row(Session& session, const std::string& schema, const std::string& name,
                            const std::stop_token& stop) {
    return session.run({.sql = std::string{kFindTable}, .parameters = {schema, name}}, stop);
}

bool is_table(const Rows& found) {
    return found.size() == 1 && (found.text(0, 1) == "r" || found.text(0, 1) == "p");
}

/// An array that the mapping wants as text is text.
void apply_text_wish(const ObjectMapping& mapping, Column& column) {
    if (column.type != SqlType::kArray) return;
    for (const FieldMapping& field : mapping.fields) {
        if (field.path == column.name && field.type == NativeType::kString) {
            column.type = SqlType::kText;
        }
    }
}

void add_column(Table& table, const FoundColumns& found, std::string_view path) {
    const std::string_view name = column_of(path);
    if (name.empty() || table.find(name) != nullptr) return;
    const auto known = found.find(name);
    if (known == found.end()) {
        if (std::ranges::find(table.missing, name) == table.missing.end()) {
            table.missing.emplace_back(name);
        }
        return;
    }
    Column column = known->second.column;
    apply_text_wish(table.mapping, column);
    table.columns.push_back(std::move(column));
}

Result<void> check_key_and_marker(Table& table) {
    const ObjectMapping& mapping = table.mapping;
    const std::string where = "object " + mapping.object.text + ", table " + table.sql_name;
    const auto check = [&](const std::string& path, const char* what) -> Result<void> {
        if (path.find('.') != std::string::npos || table.find(path) == nullptr) {
            return fail(ErrorKind::kInvalid, where + ": the " + std::string{what} + " '" + path +
                                                 "' is not a column of it");
        }
        return {};
    };
    if (auto key = check(mapping.key, "key"); !key) return key;
    if (!table.columns.front().unique) {
        return fail(ErrorKind::kInvalid,
                    where + ": the key '" + mapping.key +
                        "' has no unique index of its own, so it names no single row");
    }
    for (const FieldMapping& field : mapping.fields) {
        if (field.write && std::ranges::count(field.path, '.') > 1) {
            return fail(ErrorKind::kInvalid, where + ": `" + field.path +
                                                 "` is more than one level inside a JSON column,"
                                                 " which cannot be written; set write = false");
        }
    }
    if (mapping.marker.empty()) return {};
    if (auto marker = check(mapping.marker, "marker"); !marker) return marker;
    const auto at = std::ranges::find(table.columns, mapping.marker, &Column::name);
    table.marker = static_cast<std::size_t>(at - table.columns.begin());
    if (table.marker == 0) {
        return fail(ErrorKind::kInvalid, where + ": the marker cannot be the key's column");
    }
    return {};
}

std::string join_columns(const Table& table) {
    std::string list;
    for (const Column& column : table.columns) {
        if (!list.empty()) list += ", ";
        list += sql_identifier(column.name);
    }
    return list;
}

}  // namespace

const Column* Table::find(std::string_view column) const {
    const auto at = std::ranges::find(columns, column, &Column::name);
    return at == columns.end() ? nullptr : &*at;
}

std::string_view column_of(std::string_view path) { return path.substr(0, path.find('.')); }

Result<Table> describe(Session& session, const ObjectMapping& mapping,
                       const std::stop_token& stop) {
    Table table;
    table.mapping = mapping;
    table.key_only = mapping;
    table.key_only.fields.clear();
    table.key_only.marker.clear();
    table.key_only.changed.clear();
    std::tie(table.schema, table.name) = split_native(mapping.native);
    table.sql_name = sql_identifier(table.schema) + "." + sql_identifier(table.name);

    auto rows = find_table_row(session, table.schema, table.name, stop);
    if (!rows) return fail(rows.error());
    if (!is_table(*rows)) {
        return fail(ErrorKind::kInvalid,
                    "object " + mapping.object.text + ": there is no table " + table.sql_name);
    }
    const auto found = find_columns(session, rows->text(0, 0), stop);
    if (!found) return fail(found.error());
    add_column(table, *found, mapping.key);
    add_column(table, *found, mapping.marker);
    add_column(table, *found, mapping.changed);
    for (const FieldMapping& field : mapping.fields) add_column(table, *found, field.path);
    if (auto checked = check_key_and_marker(table); !checked) return fail(checked.error());
    table.mapped = table.columns.size();
    if (mapping.with_unmapped) {
        for (const auto& [name, one] : *found) add_column(table, *found, name);
    }
    table.select_list = join_columns(table);
    table.identity_has_key =
        rows->text(0, 2) == "f" || found->find(mapping.key)->second.in_identity;
    if (!table.identity_has_key) {
        table.identity_problem = "the replica identity of " + table.sql_name +
                                 " does not hold the key '" + mapping.key +
                                 "', so deletes could not be told apart; make it the primary key,"
                                 " or: ALTER TABLE " +
                                 table.sql_name + " REPLICA IDENTITY FULL";
    }
    return table;
}

Result<std::vector<Column>> all_columns(Session& session, const std::string& native,
                                        const std::stop_token& stop) {
    const auto [schema, name] = split_native(native);
    const auto rows = find_table_row(session, schema, name, stop);
    if (!rows) return fail(rows.error());
    if (!is_table(*rows)) {
        return fail(ErrorKind::kNotFound, "there is no table " + sql_identifier(schema) + "." +
                                              sql_identifier(name) +
                                              ", or the user may not see it");
    }
    const auto found = find_columns(session, rows->text(0, 0), stop);
    if (!found) return fail(found.error());
    std::vector<Column> columns;
    for (const auto& [column, one] : *found) columns.push_back(one.column);
    return columns;
}

Result<Record> record_of(const Table& table, std::span<const Cell> cells) {
    Value::Map native;
    bool partial = false;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const Cell& cell = cells[i];
        const std::string& name = table.columns[i].name;
        if (cell.state == Cell::State::kAbsent) {
            partial = true;
        } else if (cell.state == Cell::State::kNull) {
            native.emplace(name, Value{});
        } else {
            Result<Value> value = parse_sql_value(cell.type, cell.text);
            if (!value && i >= table.mapped) continue;
            if (!value) return fail(value.error(), "column " + name);
            native.emplace(name, std::move(*value));
        }
    }
    Result<Record> record = to_canonical(table.mapping, native);
    if (record) record->partial = partial;
    return record;
}

Result<Record> deleted_record_of(const Table& table, const Cell& key) {
    if (key.state != Cell::State::kText) {
        return fail(ErrorKind::kInvalid, "the key is not told; " + table.identity_problem);
    }
    Result<Value> value = parse_sql_value(key.type, key.text);
    if (!value) return fail(value.error(), "column " + table.mapping.key);
    Result<Record> record = to_canonical(table.key_only, {{table.mapping.key, std::move(*value)}});
    if (!record) return fail(record.error());
    record->deleted = true;
    record->fields.clear();
    return record;
}

std::vector<Cell> cells_of(const Table& table, const Rows& rows, std::size_t row) {
    std::vector<Cell> cells;
    cells.reserve(table.columns.size());
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const auto text = rows.get(row, i);
        cells.push_back({text ? Cell::State::kText : Cell::State::kNull, table.columns[i].type,
                         text.value_or(std::string_view{})});
    }
    return cells;
}

Batch::Reject reject_of(const Table& table, std::span<const Cell> cells, std::string reason) {
    Batch::Reject reject;
    reject.object = table.mapping.object;
    reject.reason = table.sql_name + ": " + std::move(reason);
    for (std::size_t i = 0; i < cells.size() && reject.raw.size() < kRawMax; ++i) {
        if (cells[i].state == Cell::State::kAbsent) continue;
        if (i == 0) reject.id = std::string{cells[i].text};
        if (!reject.raw.empty()) reject.raw += ", ";
        reject.raw += table.columns[i].name + "=";
        reject.raw += cells[i].state == Cell::State::kNull ? "NULL" : cells[i].text;
    }
    if (reject.raw.size() > kRawMax) reject.raw.resize(kRawMax);
    return reject;
}

}  // namespace syncline::agent::postgres
