#include "agent/connectors/sql/outbox.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <span>

namespace syncline::agent::sql {
namespace {

/// Parameters of one statement; SQLite takes 32,766.
constexpr std::size_t kParametersMax = 500;

std::string places(std::size_t count) {
    std::string text = "(?";
    for (std::size_t i = 1; i < count; ++i) text += ", ?";
    return text + ")";
}

/// Tells the rows of these keys as they are now; those that are not there are gone.
Result<void> tell_rows(const ReadContext& context, const Table& table,
                       std::span<const std::string> keys, Batch& batch) {
    std::set<std::string> gone;
    Statement select{
        .sql = table.select(sql_identifier(table.mapping.key) + " IN " + places(keys.size()),
                            Table::Filter::kApply)};
    for (const std::string& text : keys) {
        const RecordId id = record_id(table, Datum::of_text(text));
        gone.insert(id.text);
        select.parameters.push_back(key_datum(table, id).value_or(Datum{}));
    }
    auto answer = context.session.run(select, context.stop);
    if (!answer) return fail(answer.error(), table.sql_name);
    for (const Row& row : answer->rows) {
        // A collation may take "a" for "A"; the outbox does not.
        if (gone.erase(record_id(table, row.front()).text) == 0) continue;
        auto record = record_of(table, row, context.session.dialect());
        if (record) {
            batch.records.push_back(std::move(*record));
        } else {
            batch.rejects.push_back(reject_of(table, row, record.error().what));
        }
    }
    for (const std::string& id : gone) {
        batch.records.push_back(
            {.object = table.mapping.object, .id = RecordId{id}, .deleted = true});
    }
    return {};
}

Result<void> tell_table(const ReadContext& context, const Table& table,
                        const std::set<std::string>& changed, Batch& batch) {
    const std::vector<std::string> keys{changed.begin(), changed.end()};
    for (std::size_t at = 0; at < keys.size(); at += kParametersMax) {
        const std::size_t count = std::min(kParametersMax, keys.size() - at);
        auto told = tell_rows(context, table, std::span{keys}.subspan(at, count), batch);
        if (!told) return told;
    }
    return {};
}

}  // namespace

Result<OutboxPage> read_outbox(const ReadContext& context, std::uint64_t after, std::size_t limit,
                               Batch& batch) {
    const Statement select{.sql = "SELECT seq, table_name, record FROM " + context.outbox +
                                  " WHERE seq > ? ORDER BY seq LIMIT " + std::to_string(limit),
                           .parameters = {Datum::of_integer(static_cast<std::int64_t>(after))}};
    auto answer = context.session.run(select, context.stop);
    if (!answer) return fail(answer.error(), context.outbox);
    OutboxPage page{.last = answer->rows.size() < limit};
    std::map<std::string, std::set<std::string>> changed;
    for (const Row& row : answer->rows) {
        std::uint64_t seq = 0;
        std::ignore =
            std::from_chars(row[0].text.data(), row[0].text.data() + row[0].text.size(), seq);
        page.seqs.push_back(seq);
        changed[row[1].text].insert(row[2].text);
    }
    for (const Table& table : context.tables) {
        const auto at = changed.find(table.mapping.native);
        if (table.detection != Detection::kOutbox || at == changed.end()) continue;
        auto told = tell_table(context, table, at->second, batch);
        if (!told) return fail(told.error());
    }
    for (const auto& [native, keys] : changed) {
        const bool known = std::ranges::any_of(context.tables, [&](const Table& table) {
            return table.detection == Detection::kOutbox && table.mapping.native == native;
        });
        if (known) continue;
        batch.notes.push_back(context.outbox + " has changes of '" + native +
                              "', which no object with outbox = true is mapped to; they are "
                              "dropped. Drop the triggers of that table");
    }
    return page;
}

Result<void> trim_outbox(Session& session, const std::string& outbox,
                         const std::vector<std::uint64_t>& seqs, const std::stop_token& stop) {
    for (std::size_t at = 0; at < seqs.size(); at += kParametersMax) {
        const std::size_t count = std::min(kParametersMax, seqs.size() - at);
        Statement removal{.sql = "DELETE FROM " + outbox + " WHERE seq IN " + places(count)};
        for (std::size_t i = at; i < at + count; ++i) {
            removal.parameters.push_back(Datum::of_integer(static_cast<std::int64_t>(seqs[i])));
        }
        if (auto removed = session.run(removal, stop); !removed) {
            return fail(removed.error(), outbox);
        }
    }
    return {};
}

}  // namespace syncline::agent::sql
