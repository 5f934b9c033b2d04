#include "agent/connectors/sql/mariadb_catalogue.h"

#include <algorithm>
#include <array>

namespace syncline::agent::sql {
namespace {

struct MariadbName {
    std::optional<std::string> database;  ///< Absent: the session's own.
    std::string table;
};

MariadbName split_name(const std::string& native) {
    const auto dot = native.find('.');
    if (dot == std::string::npos) return {std::nullopt, native};
    return {native.substr(0, dot), native.substr(dot + 1)};
}

/// For a condition "... = COALESCE(?, DATABASE()) AND ... = ?".
std::vector<Datum> name_parameters(const MariadbName& name) {
    return {name.database ? Datum::of_text(*name.database) : Datum{}, Datum::of_text(name.table)};
}

/// By DATA_TYPE, and COLUMN_TYPE, which has the length.
ColumnType type_of_mariadb(const std::string& type, const std::string& whole) {
    constexpr std::array kIntegers{"tinyint", "smallint", "mediumint", "int", "bigint", "year"};
    constexpr std::array kNumbers{"decimal", "float", "double"};
    constexpr std::array kBytes{
        "tinyblob",  "blob",       "mediumblob",      "longblob",     "binary",
        "varbinary", "bit",        "geometry",        "point",        "linestring",
        "polygon",   "multipoint", "multilinestring", "multipolygon", "geometrycollection"};
    const auto is_one_of = [&](const auto& names) {
        return std::ranges::any_of(names, [&](const char* name) { return type == name; });
    };
    if (whole.starts_with("tinyint(1)")) return ColumnType::kBool;
    if (is_one_of(kIntegers)) return ColumnType::kInteger;
    if (is_one_of(kNumbers)) return ColumnType::kNumber;
    if (is_one_of(kBytes)) return ColumnType::kBytes;
    if (type == "date") return ColumnType::kDate;
    if (type == "datetime" || type == "timestamp") return ColumnType::kTimestamp;
    return ColumnType::kText;  // Also enum, set, json, uuid, inet6, time: as MariaDB writes them.
}

std::string problem_of(const std::string& kind, const std::string& engine) {
    if (kind != "BASE TABLE" && kind != "SYSTEM VERSIONED")
        return "it is a view or the like, no table";
    const bool transactions = engine != "MyISAM" && engine != "Aria" && engine != "MEMORY" &&
                              engine != "CSV" && engine != "ARCHIVE";
    if (transactions) return {};
    return "its engine " + engine +
           " has no transactions, so that half a write could stay; ALTER TABLE ... ENGINE = InnoDB";
}

}  // namespace

Result<std::optional<Catalogue>> describe_mariadb(Session& session, const std::string& native,
                                                  const std::stop_token& stop) {
    const MariadbName name = split_name(native);
    const std::string condition =
        " WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?";
    auto kind =
        session.run({.sql = "SELECT TABLE_TYPE, ENGINE FROM information_schema.TABLES" + condition,
                     .parameters = name_parameters(name)},
                    stop);
    if (!kind) return fail(kind.error());
    if (kind->rows.empty()) return std::nullopt;
    Catalogue catalogue;
    catalogue.sql_name =
        (name.database ? sql_identifier(*name.database) + "." : "") + sql_identifier(name.table);
    catalogue.problem = problem_of(kind->rows[0][0].text, kind->rows[0][1].text);
    auto columns = session.run({.sql = "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, EXTRA"
                                       " FROM information_schema.COLUMNS" +
                                       condition,
                                .parameters = name_parameters(name)},
                               stop);
    if (!columns) return fail(columns.error());
    auto unique = session.run(
        {.sql = "SELECT MIN(COLUMN_NAME) FROM information_schema.STATISTICS" + condition +
                " AND NON_UNIQUE = 0 GROUP BY INDEX_NAME"
                " HAVING COUNT(*) = 1 AND COUNT(SUB_PART) = 0",
         .parameters = name_parameters(name)},
        stop);
    if (!unique) return fail(unique.error());
    for (const Row& row : columns->rows) {
        Column column{.name = row[0].text, .type = type_of_mariadb(row[1].text, row[2].text)};
        column.generated = row[3].text.find("auto_increment") != std::string::npos;
        column.unique = std::ranges::any_of(
            unique->rows, [&](const Row& one) { return one[0].text == column.name; });
        catalogue.columns.push_back(std::move(column));
    }
    return catalogue;
}

Result<std::vector<std::string>> mariadb_trigger_names(Session& session, const std::string& native,
                                                       const std::stop_token& stop) {
    auto found = session.run({.sql = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS"
                                     " WHERE EVENT_OBJECT_SCHEMA = COALESCE(?, DATABASE())"
                                     " AND EVENT_OBJECT_TABLE = ?",
                              .parameters = name_parameters(split_name(native))},
                             stop);
    if (!found) return fail(found.error());
    std::vector<std::string> names;
    for (const Row& row : found->rows) names.push_back(row.front().text);
    return names;
}

std::string full_mariadb_name(std::string_view native, std::string_view database) {
    if (native.find('.') != std::string_view::npos) return std::string{native};
    return std::string{database} + "." + std::string{native};
}

}  // namespace syncline::agent::sql
