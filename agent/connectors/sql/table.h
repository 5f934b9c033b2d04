#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/sql/session.h"
#include "agent/core/mapping.h"

namespace syncline::agent::sql {

/// How changes of an object are found.
enum class Detection : std::uint8_t {
    kStamp,   ///< By its column `changed`.
    kOutbox,  ///< By triggers that fill the outbox.
};

/// One object as the configuration has it.
struct SqlObject {
    ObjectMapping mapping;
    Detection detection = Detection::kStamp;
};

/// One mapped object and its table. Built from the catalogue, so every name in it exists.
struct Table {
    ObjectMapping mapping;
    Detection detection = Detection::kStamp;
    std::string sql_name;
    /// Mapped and existing, the key is the first. After these, for a probe, those not mapped.
    std::vector<Column> columns;
    std::size_t mapped = 0;            ///< How many of them are mapped.
    std::string select_list;           ///< Their quoted names in that order.
    std::vector<std::string> missing;  ///< Mapped columns that the table does not have (any more).
    std::size_t marker = 0;            ///< Index of the marker's column; 0: the object has none.
    std::size_t stamp = 0;             ///< The same of `changed`.

    [[nodiscard]] const Column& key() const { return columns.front(); }
    [[nodiscard]] bool has_marker() const { return marker != 0; }
    [[nodiscard]] bool marker_is_unique() const { return has_marker() && columns[marker].unique; }
    [[nodiscard]] const Column* find(std::string_view column) const;
    /// "SELECT ... FROM ... WHERE <condition>", with the object's filter if `filtered`.
    enum class Filter : std::uint8_t { kApply, kIgnore };
    [[nodiscard]] std::string select(const std::string& condition, Filter filter) const;
};

/// Looks the object's table up. kInvalid: no such table, or it lacks the column of the key, of
/// the marker or of the stamp, or one of them is of no use.
[[nodiscard]] Result<Table> describe(Session& session, const SqlObject& object,
                                     const std::stop_token& stop);

/// The record of a row, which is in the order of `table.columns`. kInvalid: a value or the key does
/// not convert.
[[nodiscard]] Result<Record> record_of(const Table& table, const Row& row, const Dialect& dialect);

/// The key as statements compare it; nullopt: no value of its type, so it names no row.
[[nodiscard]] std::optional<Datum> key_datum(const Table& table, const RecordId& id);
/// The record's id that a key of that row makes.
[[nodiscard]] RecordId record_id(const Table& table, const Datum& key);

/// The row of that key; nullopt: there is none. Errors as Session::run() and record_of().
[[nodiscard]] Result<std::optional<Record>> select_row(Session& session, const Table& table,
                                                       const RecordId& id, Table::Filter filter,
                                                       const std::stop_token& stop);

/// For what could not be mapped.
[[nodiscard]] Batch::Reject reject_of(const Table& table, const Row& row, std::string reason);

}  // namespace syncline::agent::sql
