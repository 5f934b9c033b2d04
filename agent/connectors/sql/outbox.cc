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

/// What a page of the outbox has of one table.
struct ChangedTable {
    std::string native;  ///< As the triggers name it.
    std::set<std::string> keys;
};

std::unexpected<Error> not_mapped(const std::string& outbox, const std::string& native) {
    const std::string name = sql_text(native);
    return fail(ErrorKind::kInvalid,
                outbox + " has changes of " + name +
                    ", a table that no object is mapped to (any more); they stay, and nothing is "
                    "read before this is settled. If the table has another name now, run what "
                    "`syncline-agent triggers FILE` prints, then UPDATE " +
                    outbox + " SET table_name = '...' WHERE table_name = " + name +
                    " with the object's `native`. If nobody wants them, drop the triggers of that "
                    "table that write there, then DELETE FROM " +
                    outbox + " WHERE table_name = " + name);
}

/// By `changed`, whose keys are full names. What is told by stamp is told anyway.
Result<void> check_mapped(const ReadContext& context,
                          const std::map<std::string, ChangedTable>& changed, Batch& batch) {
    for (const auto& [full_name, entries] : changed) {
        bool mapped = false;
        bool by_outbox = false;
        for (const Table& table : context.tables) {
            if (context.session.full_name(table.mapping.native) != full_name) continue;
            mapped = true;
            by_outbox = by_outbox || table.detection == Detection::kOutbox;
        }
        if (!mapped) return not_mapped(context.outbox, entries.native);
        if (by_outbox) continue;
        batch.notes.push_back(context.outbox + " has changes of '" + entries.native +
                              "', whose objects are followed by stamp and not with outbox = true; "
                              "they are dropped. Drop the triggers of that table");
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
    std::map<std::string, ChangedTable> changed;
    for (const Row& row : answer->rows) {
        std::uint64_t seq = 0;
        std::ignore =
            std::from_chars(row[0].text.data(), row[0].text.data() + row[0].text.size(), seq);
        page.seqs.push_back(seq);
        ChangedTable& one = changed[context.session.full_name(row[1].text)];
        one.native = row[1].text;
        one.keys.insert(row[2].text);
    }
    if (auto known = check_mapped(context, changed, batch); !known) return fail(known.error());
    for (const Table& table : context.tables) {
        const auto at = changed.find(context.session.full_name(table.mapping.native));
        if (table.detection != Detection::kOutbox || at == changed.end()) continue;
        auto told = tell_table(context, table, at->second.keys, batch);
        if (!told) return fail(told.error());
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
