#include "agent/connectors/sql/table.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "agent/connectors/sql/sql_value.h"

namespace syncline::agent::sql {
namespace {

constexpr std::size_t kRawMax = 16u << 10;

std::string place_of_table(const Table& table) {
    return "object " + table.mapping.object.text + ", table " + table.sql_name;
}

/// What the mapping says about how to read a column has the last word.
void apply_wishes(const ObjectMapping& mapping, Column& column) {
    for (const FieldMapping& field : mapping.fields) {
        if (field.path != column.name) continue;
        const bool number =
            field.type == NativeType::kInteger || field.type == NativeType::kDecimal;
        if (column.type == ColumnType::kBool && number) column.type = ColumnType::kInteger;
        if (column.type == ColumnType::kBytes) column.hex = field.type == NativeType::kString;
    }
}

void add_column(Table& table, const Catalogue& catalogue, const std::string& name) {
    if (name.empty() || table.find(name) != nullptr) return;
    const auto known = std::ranges::find(catalogue.columns, name, &Column::name);
    if (known == catalogue.columns.end()) {
        if (std::ranges::find(table.missing, name) == table.missing.end()) {
            table.missing.push_back(name);
        }
        return;
    }
    Column column = *known;
    apply_wishes(table.mapping, column);
    table.columns.push_back(std::move(column));
}

void add_unmapped(Table& table, const Catalogue& catalogue) {
    for (const Column& column : catalogue.columns) {
        if (table.find(column.name) != nullptr) continue;
        table.columns.push_back(column);
        table.columns.back().hex = column.type == ColumnType::kBytes;
    }
}

/// The place of a column that must be there.
Result<std::size_t> need_column(const Table& table, const std::string& name, const char* what) {
    const auto at = std::ranges::find(table.columns, name, &Column::name);
    if (at == table.columns.end()) {
        return fail(ErrorKind::kInvalid, place_of_table(table) + ": the " + what + " '" + name +
                                             "' is not a column of it");
    }
    return static_cast<std::size_t>(at - table.columns.begin());
}

/// Only what is written alike by a trigger and by us can be a key.
Result<void> check_key(const Table& table) {
    if (auto found = need_column(table, table.mapping.key, "key"); !found) {
        return fail(found.error());
    }
    const Column& key = table.key();
    if (key.type != ColumnType::kInteger && key.type != ColumnType::kText) {
        return fail(ErrorKind::kInvalid, place_of_table(table) + ": the key '" + key.name +
                                             "' is neither declared as a whole number nor as "
                                             "text, so records cannot be named by it");
    }
    if (!key.unique) {
        return fail(ErrorKind::kInvalid,
                    place_of_table(table) + ": the key '" + key.name +
                        "' has no unique index of its own, so it names no single row");
    }
    return {};
}

Result<void> check_stamp(Table& table, const Dialect& dialect) {
    if (table.mapping.changed.empty()) return {};
    const auto at = need_column(table, table.mapping.changed, "column `changed`");
    if (!at) return fail(at.error());
    table.stamp = *at;
    const Column& stamp = table.columns[*at];
    const bool own_form =
        stamp.type == ColumnType::kTimestamp || !table.mapping.changed_format.empty();
    if (*at == 0 || !own_form || stamp.type == ColumnType::kBytes) {
        return fail(ErrorKind::kInvalid,
                    place_of_table(table) + ": `changed` = '" + stamp.name +
                        "' is no column of moments; if it holds them as numbers or text, say how "
                        "by changed_format (" +
                        std::string{dialect.name} +
                        " counts seconds since 1970 as \"%s\", milliseconds as \"%Q\")");
    }
    return {};
}

Result<void> check_marker(Table& table) {
    if (table.mapping.marker.empty()) return {};
    const auto at = need_column(table, table.mapping.marker, "marker");
    if (!at) return fail(at.error());
    if (*at == 0) {
        return fail(ErrorKind::kInvalid,
                    place_of_table(table) + ": the marker cannot be the key's column");
    }
    table.marker = *at;
    return {};
}

Result<void> check_bytes(const Table& table) {
    for (const Column& column : table.columns) {
        if (column.type != ColumnType::kBytes || column.hex) continue;
        return fail(ErrorKind::kInvalid,
                    place_of_table(table) + ": the column '" + column.name +
                        "' holds bytes; leave it out, or map it with type = \"string\" to carry "
                        "them as hexadecimal");
    }
    return {};
}

}  // namespace

const Column* Table::find(std::string_view column) const {
    const auto at = std::ranges::find(columns, column, &Column::name);
    return at == columns.end() ? nullptr : &*at;
}

std::string Table::select(const std::string& condition, Filter filter) const {
    std::string sql = "SELECT " + select_list + " FROM " + sql_name + " WHERE " + condition;
    if (filter == Filter::kApply && !mapping.filter.empty()) sql += " AND (" + mapping.filter + ")";
    return sql;
}

Result<Table> describe(Session& session, const SqlObject& object, const std::stop_token& stop) {
    Table table;
    table.mapping = object.mapping;
    table.detection = object.detection;
    table.sql_name = sql_identifier(object.mapping.native);
    const auto catalogue = session.describe(object.mapping.native, stop);
    if (!catalogue) return fail(catalogue.error(), place_of_table(table));
    if (!*catalogue) {
        return fail(ErrorKind::kInvalid,
                    place_of_table(table) + ": there is no such table, or the user may not see it");
    }
    table.sql_name = (*catalogue)->sql_name;
    if (!(*catalogue)->problem.empty()) {
        return fail(ErrorKind::kInvalid, place_of_table(table) + ": " + (*catalogue)->problem);
    }
    add_column(table, **catalogue, object.mapping.key);
    if (auto checked = check_key(table); !checked) return fail(checked.error());
    add_column(table, **catalogue, object.mapping.marker);
    add_column(table, **catalogue, object.mapping.changed);
    for (const FieldMapping& field : object.mapping.fields) {
        add_column(table, **catalogue, field.path);
    }
    if (auto checked = check_marker(table); !checked) return fail(checked.error());
    if (auto checked = check_stamp(table, session.dialect()); !checked) {
        return fail(checked.error());
    }
    if (auto checked = check_bytes(table); !checked) return fail(checked.error());
    table.mapped = table.columns.size();
    if (object.mapping.with_unmapped) add_unmapped(table, **catalogue);
    for (const Column& column : table.columns) {
        table.select_list += (table.select_list.empty() ? "" : ", ") + sql_identifier(column.name);
    }
    return table;
}

Result<Record> record_of(const Table& table, const Row& row, const Dialect& dialect) {
    Value::Map native;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const Column& column = table.columns[i];
        auto value = value_of(column, row[i], dialect);
        if (!value && i >= table.mapped) continue;
        if (!value) return fail(value.error(), "column " + column.name);
        native.emplace(column.name, std::move(*value));
    }
    return to_canonical(table.mapping, native);
}

std::optional<Datum> key_datum(const Table& table, const RecordId& id) {
    if (table.key().type != ColumnType::kInteger) return Datum::of_text(id.text);
    // A text that is no number would be compared as 0.
    std::uint64_t magnitude = 0;
    const char* begin = id.text.data() + (id.text.starts_with('-') ? 1 : 0);
    const char* end = id.text.data() + id.text.size();
    const auto done = std::from_chars(begin, end, magnitude);
    if (done.ec != std::errc{} || done.ptr != end) return std::nullopt;
    return Datum{Datum::Kind::kInteger, id.text};
}

RecordId record_id(const Table& table, const Datum& key) {
    if (table.key().type == ColumnType::kInteger) {
        // ZEROFILL shows 7 as 0007.
        if (const auto number = Decimal::parse(key.text)) return RecordId{number->text()};
    }
    return RecordId{key.text};
}

Result<std::optional<Record>> select_row(Session& session, const Table& table, const RecordId& id,
                                         Table::Filter filter, const std::stop_token& stop) {
    const auto key = key_datum(table, id);
    if (!key) return std::nullopt;
    auto answer =
        session.run({.sql = table.select(sql_identifier(table.mapping.key) + " = ?", filter),
                     .parameters = {*key}},
                    stop);
    if (!answer) return fail(answer.error());
    for (const Row& row : answer->rows) {
        // A collation may take "a" for "A"; records do not.
        if (record_id(table, row.front()) != id) continue;
        auto record = record_of(table, row, session.dialect());
        if (!record) return fail(record.error(), table.sql_name);
        return std::move(*record);
    }
    return std::nullopt;
}

Batch::Reject reject_of(const Table& table, const Row& row, std::string reason) {
    Batch::Reject reject;
    reject.object = table.mapping.object;
    reject.reason = table.sql_name + ": " + std::move(reason);
    for (std::size_t i = 0; i < row.size() && reject.raw.size() < kRawMax; ++i) {
        if (i == 0) reject.id = record_id(table, row[i]).text;
        if (!reject.raw.empty()) reject.raw += ", ";
        reject.raw += table.columns[i].name + "=";
        const bool bytes = row[i].kind == Datum::Kind::kBytes;
        reject.raw += row[i].is_null() ? "NULL" : bytes ? "(bytes)" : row[i].text;
    }
    if (reject.raw.size() > kRawMax) reject.raw.resize(kRawMax);
    return reject;
}

}  // namespace syncline::agent::sql
