#include "agent/connectors/postgres/copy.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace syncline::agent::postgres {
namespace {

/// A batch holds this many rows at most, however many the caller would take: they are in memory.
constexpr std::size_t kChunkMax = 2'000;

std::string rows_of(const Table& table) {
    std::string text =
        " FROM " + table.sql_name + " WHERE " + sql_identifier(table.mapping.key) + " IS NOT NULL";
    if (!table.mapping.filter.empty()) text += " AND (" + table.mapping.filter + ")";
    return text;
}

Statement select_after(const Table& table, const Position& position, std::size_t limit) {
    const std::string key = sql_identifier(table.mapping.key);
    Statement select{.sql = "SELECT " + table.select_list + rows_of(table)};
    if (position.key) {
        select.sql += " AND " + key + " > $1";
        select.parameters.push_back(*position.key);
    }
    select.sql += " ORDER BY " + key + " LIMIT " + std::to_string(limit);
    return select;
}

/// Index of the table that `position` stands in; past the end: its object is mapped no more.
std::size_t find_table(const std::vector<Table>& tables, const Position& position) {
    if (position.object.empty()) return 0;
    const auto at = std::ranges::find(tables, position.object,
                                      [](const Table& table) { return table.mapping.object; });
    return static_cast<std::size_t>(at - tables.begin());
}

}  // namespace

Result<CopyChunk> copy_rows(Session& session, const std::vector<Table>& tables, Position& position,
                            std::size_t max, const std::stop_token& stop) {
    CopyChunk chunk;
    std::size_t at = find_table(tables, position);
    if (at == tables.size() && !tables.empty()) {  // The mapping changed: from the beginning.
        at = 0;
        position.key.reset();
    }
    if (at == tables.size()) {
        chunk.done = true;
        return chunk;
    }
    const Table& table = tables[at];
    position.object = table.mapping.object;
    const std::size_t limit = std::clamp<std::size_t>(max, 1, kChunkMax);
    auto rows = session.run(select_after(table, position, limit), stop);
    if (!rows) return fail(rows.error(), table.sql_name);
    for (std::size_t row = 0; row < rows->size(); ++row) {
        const std::vector<Cell> cells = cells_of(table, *rows, row);
        auto record = record_of(table, cells);
        if (record) {
            chunk.batch.records.push_back(std::move(*record));
        } else {
            chunk.batch.rejects.push_back(reject_of(table, cells, record.error().what));
        }
        position.key = std::string{cells.front().text};
    }
    if (rows->size() == limit) return chunk;
    if (at + 1 == tables.size()) {
        chunk.done = true;
    } else {
        position.object = tables[at + 1].mapping.object;
        position.key.reset();
    }
    return chunk;
}

Result<std::uint64_t> count_rows(Session& session, const std::vector<Table>& tables,
                                 const std::stop_token& stop) {
    std::uint64_t total = 0;
    for (const Table& table : tables) {
        const auto rows = session.run({.sql = "SELECT count(*)" + rows_of(table)}, stop);
        if (!rows) return fail(rows.error(), table.sql_name);
        const std::string text = rows->text(0, 0);
        std::uint64_t count = 0;
        std::ignore = std::from_chars(text.data(), text.data() + text.size(), count);
        total += count;
    }
    return total;
}

}  // namespace syncline::agent::postgres
