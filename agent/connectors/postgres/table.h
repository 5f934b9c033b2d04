#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/postgres/session.h"
#include "agent/connectors/postgres/sql_value.h"
#include "agent/core/mapping.h"

namespace syncline::agent::postgres {

/// A mapped column, as the catalogue knows it.
struct Column {
    std::string name;
    SqlType type = SqlType::kText;
    bool unique = false;  ///< A whole, immediate unique index on it alone.
    friend bool operator==(const Column&, const Column&) = default;
};

/// One mapped object and its table. Built from the catalogue, so every name in it exists.
struct Table {
    ObjectMapping mapping;
    ObjectMapping key_only;  ///< The same without fields: for deletes, which tell only the key.
    std::string schema;
    std::string name;
    std::string sql_name;         ///< Quoted: "erp"."customers".
    std::vector<Column> columns;  ///< Mapped and existing; the key is the first.
    std::string select_list;      ///< Their quoted names in that order.
    std::size_t mapped =
        0;  ///< How many of the columns are mapped; the others follow, for a probe.
    std::vector<std::string> missing;  ///< Mapped columns that the table does not have (any more).
    std::size_t marker = 0;            ///< Index of the marker's column; 0: the object has none.
    bool identity_has_key = true;      ///< Updates and deletes in the stream will tell the key.
    std::string identity_problem;      ///< What to do if not.

    [[nodiscard]] bool has_marker() const { return marker != 0; }
    [[nodiscard]] bool marker_is_unique() const { return has_marker() && columns[marker].unique; }
    [[nodiscard]] const Column* find(std::string_view column) const;
};

/// The first part of a path: the column.
[[nodiscard]] std::string_view column_of(std::string_view path);

/// Looks the object's table up in the catalogue. kInvalid: no such table, or it lacks the column
/// of the key or of the marker, or the key is not unique.
[[nodiscard]] Result<Table> describe(Session& session, const ObjectMapping& mapping,
                                     const std::stop_token& stop);

/// All columns of a table, by name. kNotFound: there is no such table.
[[nodiscard]] Result<std::vector<Column>> all_columns(Session& session, const std::string& native,
                                                      const std::stop_token& stop);

/// One column of one row.
struct Cell {
    enum class State : std::uint8_t {
        kAbsent,  ///< Not told.
        kNull,
        kText,
    };
    State state = State::kAbsent;
    SqlType type = SqlType::kText;
    std::string_view text;
};

/// The record of a row; `cells` in the order of `table.columns`. Absent cells make it partial.
/// kInvalid: a value or the key does not convert.
[[nodiscard]] Result<Record> record_of(const Table& table, std::span<const Cell> cells);
/// The record "gone" of a key.
[[nodiscard]] Result<Record> deleted_record_of(const Table& table, const Cell& key);

/// The cells of a row selected with `table.select_list`.
[[nodiscard]] std::vector<Cell> cells_of(const Table& table, const Rows& rows, std::size_t row);

/// For what could not be mapped.
[[nodiscard]] Batch::Reject reject_of(const Table& table, std::span<const Cell> cells,
                                      std::string reason);

}  // namespace syncline::agent::postgres
