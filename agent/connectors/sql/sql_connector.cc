#include "agent/connectors/sql/sql_connector.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "agent/connectors/sql/outbox.h"
#include "agent/connectors/sql/triggers.h"
#include "agent/connectors/sql/write.h"
#include "agent/connectors/tables.h"

namespace syncline::agent::sql {
namespace {

constexpr Duration kLookEvery{std::chrono::minutes{1}};

}  // namespace

SqlConnector::SqlConnector(SqlSettings settings) : settings_(std::move(settings)) {
    const bool used = std::ranges::any_of(settings_.objects, [](const SqlObject& object) {
        return object.detection == Detection::kOutbox;
    });
    if (used) outbox_in_use_ = settings_.outbox;
}

Result<void> SqlConnector::connect(std::stop_token stop) {
    if (connected() && session_->run({.sql = "SELECT 1"}, stop)) return {};
    session_.reset();
    auto session = settings_.open(stop);
    if (!session) return fail(session.error());
    auto tables = describe_all(**session, stop);
    if (!tables) return fail(tables.error());
    tables_ = std::move(*tables);
    session_ = std::move(*session);
    outbox_checked_ = false;
    look_at_ = settings_.clock->steady() + kLookEvery;
    return {};
}

Result<std::vector<Table>> SqlConnector::describe_all(Session& session,
                                                      const std::stop_token& stop) const {
    std::vector<Table> tables;
    for (const SqlObject& object : settings_.objects) {
        auto table = describe(session, object, stop);
        if (!table) return fail(table.error());
        tables.push_back(std::move(*table));
    }
    return tables;
}

/// A column that comes back, or a trigger that is dropped, fails no statement of ours.
Result<void> SqlConnector::look_again(const std::stop_token& stop) {
    if (settings_.clock->steady() < look_at_) return {};
    auto tables = describe_all(*session_, stop);
    if (!tables) return fail(tables.error());
    tables_ = std::move(*tables);
    outbox_checked_ = false;
    look_at_ = settings_.clock->steady() + kLookEvery;
    return {};
}

/// An error that means that a table was altered makes the next connect() look at it anew.
template <class T>
Result<T> SqlConnector::looked_at(Result<T> result) {
    if (result || !session_->table_was_altered()) return result;
    return table_altered(*session_, result.error());
}

Result<Batch> SqlConnector::read(const Cursor& from, std::size_t max, std::stop_token stop) {
    if (!connected()) return not_connected();
    auto position = parse_position(from);
    if (!position) return fail(position.error());
    if (auto looked = look_again(stop); !looked) return fail(looked.error());
    std::vector<std::string> notes;
    if (!outbox_checked_) {
        auto checked = check_reading(stop);
        if (!checked) return fail(checked.error());
        notes = std::move(*checked);
        outbox_checked_ = true;
    }
    told_.clear();
    auto read = looked_at(read_round(context(stop), std::move(*position), max));
    if (!read) return fail(read.error());
    told_ = std::move(read->told);
    told_next_ = read->batch.next;
    std::ranges::move(notes, std::back_inserter(read->batch.notes));
    read->batch.looked = looks_of(tables_);
    return std::move(read->batch);
}

Result<Batch> SqlConnector::survey(const Cursor& from, std::size_t max, std::stop_token stop) {
    if (!connected()) return not_connected();
    auto position = parse_position(from);
    if (!position) return fail(position.error());
    if (auto looked = look_again(stop); !looked) return fail(looked.error());
    auto page = looked_at(read_survey(context(stop), std::move(*position), max));
    if (page) page->looked = looks_of(tables_);
    return page;
}

Result<std::uint64_t> SqlConnector::count(std::stop_token stop) {
    if (!connected()) return not_connected();
    std::uint64_t total = 0;
    for (const Table& table : tables_) {
        const std::string rows =
            table.select(sql_identifier(table.mapping.key) + " IS NOT NULL", Table::Filter::kApply);
        const auto answer = looked_at(
            session_->run({.sql = "SELECT COUNT(*) FROM (" + rows + ") AS counted"}, stop));
        if (!answer) return fail(answer.error());
        const std::string& text = answer->rows.at(0).at(0).text;
        std::uint64_t count = 0;
        std::ignore = std::from_chars(text.data(), text.data() + text.size(), count);
        total += count;
    }
    return total;
}

Result<void> SqlConnector::stored(const Cursor& stored) {
    if (told_.empty() || !(stored == told_next_)) return {};
    if (!connected()) return not_connected();
    auto trimmed = trim_outbox(*session_, settings_.outbox, told_, {});
    // What could not be taken out is told again.
    told_.clear();
    return trimmed;
}

Result<std::optional<Record>> SqlConnector::fetch(const ObjectName& object, const RecordId& id,
                                                  std::stop_token stop) {
    if (connected()) std::ignore = look_again(stop);  // If it cannot, reading says so.
    const auto table = table_of(object);
    if (!table) return fail(table.error());
    return looked_at(select_row(*session_, **table, id, Table::Filter::kApply, stop));
}

Result<std::optional<Record>> SqlConnector::find(const ObjectName& object, const EntityId& entity,
                                                 std::stop_token stop) {
    const auto table = table_of(object);
    if (!table) return fail(table.error());
    if (!(*table)->has_marker()) {
        return fail(ErrorKind::kUnsupported, "object " + object.text + " has no marker field");
    }
    return looked_at(find_marked(*session_, **table, entity, stop));
}

Result<Written> SqlConnector::write(const Command& command, std::stop_token stop) {
    if (connected()) std::ignore = look_again(stop);
    const auto table = table_of(command.entity.object);
    if (!table) return fail(table.error());
    return carry_out(*session_, **table, command, stop);
}

Fields SqlConnector::normal_form(const ObjectName& object, const Fields& fields) const {
    const auto at = std::ranges::find(settings_.objects, object,
                                      [](const SqlObject& one) { return one.mapping.object; });
    if (at == settings_.objects.end()) return fields;
    return agent::normal_form(at->mapping, fields).value_or(fields);
}

Connector::Traits SqlConnector::traits() const {
    Traits traits;
    traits.create_is_idempotent =
        !tables_.empty() && std::ranges::all_of(tables_, &Table::marker_is_unique);
    traits.has_marker = std::ranges::none_of(
        settings_.objects, [](const SqlObject& one) { return one.mapping.marker.empty(); });
    return traits;
}

std::unexpected<Error> SqlConnector::not_connected() const {
    return fail(ErrorKind::kUnavailable, "the database is not connected");
}

ReadContext SqlConnector::context(const std::stop_token& stop) const {
    return {*session_, tables_, settings_.lag, outbox_in_use_, stop};
}

Result<const Table*> SqlConnector::table_of(const ObjectName& object) const {
    if (!connected()) return not_connected();
    const auto at =
        std::ranges::find(tables_, object, [](const Table& table) { return table.mapping.object; });
    if (at == tables_.end()) {
        return fail(ErrorKind::kInvalid, "object " + object.text + " is not mapped to a table");
    }
    return &*at;
}

/// The events that no trigger of ours tells; empty: none. Of objects on one table the first one, as
/// the file had them when the triggers were printed, gave its name.
std::string SqlConnector::missing_triggers(const Table& table,
                                           const std::vector<std::string>& found) const {
    const std::string table_name = session_->full_name(table.mapping.native);
    std::string missing;
    for (const char* event : kTriggerEvents) {
        const bool is_there = std::ranges::any_of(settings_.objects, [&](const SqlObject& object) {
            return object.detection == Detection::kOutbox &&
                   session_->full_name(object.mapping.native) == table_name &&
                   std::ranges::find(
                       found, trigger_name(settings_.outbox_table, object.mapping.object, event)) !=
                       found.end();
        });
        if (!is_there) missing += std::string{missing.empty() ? "" : ", "} + (event + 1);
    }
    return missing;
}

/// A trigger that is missing would be changes that nobody sees.
Result<std::vector<std::string>> SqlConnector::check_reading(std::stop_token stop) {
    std::vector<std::string> notes;
    if (outbox_in_use_.empty()) return notes;
    if (!connected()) return not_connected();
    constexpr const char* kAdvice = "; run what `syncline-agent triggers FILE` prints";
    // No entry has this number: it is the right to take entries out that is tried.
    auto outbox = trim_outbox(*session_, outbox_in_use_, {0}, stop);
    if (!outbox && session_->table_was_altered()) {
        return fail(ErrorKind::kInvalid, "there is no outbox: " + outbox.error().what + kAdvice);
    }
    if (!outbox) return fail(outbox.error());
    for (const Table& table : tables_) {
        if (table.detection != Detection::kOutbox) continue;
        const auto found = session_->triggers(table.mapping.native, stop);
        if (!found) return fail(found.error());
        const std::string missing = missing_triggers(table, *found);
        if (missing.empty()) continue;
        std::string text = table.sql_name + " has no trigger that tells the outbox of: " + missing;
        if (!session_->may_hide_triggers() || !found->empty()) {
            return fail(ErrorKind::kInvalid, text + kAdvice);
        }
        notes.push_back(std::move(text) + ", as far as this user may see (GRANT TRIGGER shows it)" +
                        kAdvice + " if they are not there: without them its changes are not seen");
    }
    return notes;
}

}  // namespace syncline::agent::sql
