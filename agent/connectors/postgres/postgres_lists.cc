#include "agent/connectors/postgres/postgres_lists.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "agent/connectors/postgres/postgres_config.h"
#include "agent/connectors/postgres/session.h"
#include "agent/connectors/postgres/table.h"
#include "agent/core/mapping_toml.h"

namespace syncline::agent {
namespace {

using namespace postgres;

class PostgresLists final : public ListDoor {
public:
    PostgresLists(PostgresConfig config, std::vector<ObjectMapping> lists, const Clock& clock)
        : config_(std::move(config)), lists_(std::move(lists)), clock_(clock) {}

    Result<ListRows> read(const ListName& list, std::stop_token stop) override;
    Result<void> replace(const ListName& list, const ListRows& rows, std::stop_token stop) override;

private:
    Result<Table> open(const ListName& list, const std::stop_token& stop);
    Result<Rows> select(const Table& table, const std::stop_token& stop);
    Result<void> replace_inside(const Table& table, const ListRows& rows,
                                const std::stop_token& stop);
    Result<void> write_row(const Table& table, const ListRow& row, const std::stop_token& stop);
    Result<void> delete_row(const Table& table, const std::string& key,
                            const std::stop_token& stop);

    PostgresConfig config_;
    std::vector<ObjectMapping> lists_;
    const Clock& clock_;
    std::optional<Session> session_;
};

/// The table as it is now; the connection is opened if there is none.
Result<Table> PostgresLists::open(const ListName& list, const std::stop_token& stop) {
    const auto mapping = std::ranges::find(
        lists_, list.text, [](const ObjectMapping& one) { return one.object.text; });
    if (mapping == lists_.end()) {
        return fail(ErrorKind::kInvalid, "the list is not mapped here");
    }
    if (!session_ || !session_->usable()) {
        session_.reset();
        const auto target = connection_target(config_, Role::kSql);
        if (!target) return fail(target.error());
        auto session = Session::open(*target, clock_, stop);
        if (!session) return fail(session.error());
        session_.emplace(std::move(*session));
    }
    auto table = describe(*session_, *mapping, stop);
    if (table && !table->missing.empty()) {
        return fail(ErrorKind::kInvalid,
                    table->sql_name + " has no column `" + table->missing.front() + "`");
    }
    return table;
}

Result<Rows> PostgresLists::select(const Table& table, const std::stop_token& stop) {
    Statement select{.sql = "SELECT " + table.select_list + " FROM " + table.sql_name};
    if (!table.mapping.filter.empty()) select.sql += " WHERE " + table.mapping.filter;
    return session_->run(select, stop);
}

Result<ListRows> PostgresLists::read(const ListName& list, std::stop_token stop) {
    const auto table = open(list, stop);
    if (!table) return fail(table.error());
    const auto found = select(*table, stop);
    if (!found) return fail(found.error(), table->sql_name);
    ListRows rows;
    for (std::size_t i = 0; i < found->size(); ++i) {
        auto record = record_of(*table, cells_of(*table, *found, i));
        if (!record) return fail(record.error(), table->sql_name);
        rows.push_back({std::move(record->id.text), std::move(record->fields)});
    }
    return rows;
}

Result<void> PostgresLists::replace(const ListName& list, const ListRows& rows,
                                    std::stop_token stop) {
    const auto table = open(list, stop);
    if (!table) return fail(table.error());
    if (auto begun = session_->run({.sql = "BEGIN"}, stop); !begun) return fail(begun.error());
    if (auto done = replace_inside(*table, rows, stop); !done) {
        if (!session_->usable() || !session_->run({.sql = "ROLLBACK"}, stop)) session_->close();
        return fail(done.error(), table->sql_name);
    }
    const Statement commit{.sql = "COMMIT", .if_lost = IfLost::kInDoubt};
    if (auto done = session_->run(commit, stop); !done) return fail(done.error());
    return {};
}

/// All but BEGIN and COMMIT. Whoever reads meanwhile sees what was there before.
Result<void> PostgresLists::replace_inside(const Table& table, const ListRows& rows,
                                           const std::stop_token& stop) {
    const Statement lock{.sql = "LOCK TABLE " + table.sql_name + " IN SHARE ROW EXCLUSIVE MODE"};
    if (auto locked = session_->run(lock, stop); !locked) return fail(locked.error());
    const auto found = select(table, stop);
    if (!found) return fail(found.error());
    std::map<std::string, std::optional<Fields>> there;  // Nothing: it cannot be understood.
    for (std::size_t i = 0; i < found->size(); ++i) {
        const auto cells = cells_of(table, *found, i);
        auto record = record_of(table, cells);
        if (record) {
            there.emplace(record->id.text, std::move(record->fields));
        } else {
            there.emplace(std::string{cells.front().text}, std::nullopt);
        }
    }
    std::set<std::string> wanted;
    for (const ListRow& row : rows) wanted.insert(row.key);
    for (const auto& [key, fields] : there) {
        if (wanted.contains(key)) continue;
        if (auto done = delete_row(table, key, stop); !done) return done;
    }
    for (const ListRow& row : rows) {
        const auto normal = normal_form(table.mapping, row.fields);
        if (!normal) return fail(normal.error(), "the row `" + row.key + "`");
        const auto held = there.find(row.key);
        if (held != there.end() && held->second == *normal) continue;
        if (auto done = write_row(table, row, stop); !done) return done;
    }
    return {};
}

Result<void> PostgresLists::write_row(const Table& table, const ListRow& row,
                                      const std::stop_token& stop) {
    const std::string where = "the row `" + row.key + "`";
    auto native = to_native(table.mapping, row.fields);
    if (!native) return fail(native.error(), where);
    const std::string key = sql_identifier(table.mapping.key);
    std::string names = key;
    std::string places = "$1";
    std::string updates;
    std::vector<Parameter> parameters{row.key};
    for (const auto& [name, value] : *native) {
        const Column* column = table.find(name);
        if (column == nullptr || name == table.mapping.key) continue;
        parameters.push_back(sql_parameter(column->type, value));
        const std::string quoted = sql_identifier(name);
        names += ", " + quoted;
        places += ", $" + std::to_string(parameters.size());
        updates += (updates.empty() ? "" : ", ") + quoted + " = EXCLUDED." + quoted;
    }
    const std::string otherwise = updates.empty() ? "DO NOTHING" : "DO UPDATE SET " + updates;
    auto done =
        session_->run({.sql = "INSERT INTO " + table.sql_name + " (" + names + ") VALUES (" +
                              places + ") ON CONFLICT (" + key + ") " + otherwise,
                       .parameters = std::move(parameters),
                       .prepare = true},
                      stop);
    if (!done) return fail(done.error(), where);
    return {};
}

Result<void> PostgresLists::delete_row(const Table& table, const std::string& key,
                                       const std::stop_token& stop) {
    auto done = session_->run({.sql = "DELETE FROM " + table.sql_name + " WHERE " +
                                      sql_identifier(table.mapping.key) + " = $1",
                               .parameters = {key},
                               .prepare = true},
                              stop);
    if (!done) return fail(done.error(), "the row `" + key + "`");
    return {};
}

}  // namespace

Result<ListDoorFactory> make_postgres_lists(TomlReader& connector, TomlReader& lists,
                                            const ConnectorContext& context) {
    constexpr int kTimestampDecimals = 6;  // PostgreSQL keeps microseconds.
    return ListDoorFactory{
        [config = parse_postgres_config(connector),
         mappings = read_object_mappings(lists, {.timestamp_decimals = kTimestampDecimals}),
         clock = &context.clock]() -> Result<std::unique_ptr<ListDoor>> {
            return std::make_unique<PostgresLists>(config, mappings, *clock);
        }};
}

}  // namespace syncline::agent
