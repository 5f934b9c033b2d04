// What PostgreSQL sends: messages of pgoutput, and values in its text form.
#include <array>

#include "agent/connectors/postgres/pgoutput.h"
#include "agent/connectors/postgres/sql_value.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using namespace agent::postgres;

/// Texts are views into the message, none beside it.
struct Views {
    std::string_view message;

    void inside(std::string_view view) const {
        if (view.empty()) return;
        must(view.data() >= message.data() &&
             view.data() + view.size() <= message.data() + message.size());
    }
    void tuple(const pgoutput::Tuple& tuple) const {
        must(tuple.size() <= message.size());
        for (const pgoutput::Datum& datum : tuple) inside(datum.bytes);
    }
    void operator()(const pgoutput::Begin&) const {}
    void operator()(const pgoutput::Commit&) const {}
    void operator()(const pgoutput::Truncate& truncate) const {
        must(truncate.relations.size() <= message.size() / 4);
    }
    void operator()(const pgoutput::Origin& origin) const { inside(origin.name); }
    void operator()(const pgoutput::Relation& relation) const {
        inside(relation.schema);
        inside(relation.name);
        for (const auto& column : relation.columns) inside(column.name);
    }
    void operator()(const pgoutput::Type& type) const {
        inside(type.schema);
        inside(type.name);
    }
    void operator()(const pgoutput::Insert& insert) const { tuple(insert.after); }
    void operator()(const pgoutput::Update& update) const {
        if (update.key) tuple(*update.key);
        if (update.before) tuple(*update.before);
        tuple(update.after);
    }
    void operator()(const pgoutput::Delete& erased) const { tuple(erased.before); }
    void operator()(const pgoutput::LogicalMessage& logical) const {
        inside(logical.prefix);
        inside(logical.content);
    }
};

void check_message(std::string_view bytes) {
    const auto message = pgoutput::decode(bytes);
    if (!taken(message)) return;
    std::visit(Views{bytes}, *message);
    must(!pgoutput::decode(bytes.substr(0, bytes.size() - 1)));  // It must fill its bytes.
    must(!pgoutput::decode(std::string{bytes} + "x"));
}

void check_value(SqlType type, std::string_view text) {
    const auto value = parse_sql_value(type, text);
    if (!taken(value)) return;
    const Parameter written = sql_parameter(type, *value);
    must(written.has_value() || value->is_null());
    if (!written) return;
    // What is written names its time zone, which PostgreSQL leaves out again where there is none.
    const SqlType read = type == SqlType::kTimestamp ? SqlType::kTimestampTz : type;
    const auto again = parse_sql_value(read, *written);
    must(again && *again == *value);
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline::agent::postgres;
    using syncline::fuzz::must;
    const std::string_view text = syncline::fuzz::text_of(data, size);
    syncline::fuzz::check_message(text);
    using enum SqlType;
    for (const SqlType type : {kBool, kInteger, kDecimal, kFloat, kText, kDate, kTimestamp,
                               kTimestampTz, kJson, kArray}) {
        syncline::fuzz::check_value(type, text);
    }
    const auto lsn = parse_lsn(text);
    if (syncline::fuzz::taken(lsn)) must(parse_lsn(to_string(*lsn)) == *lsn);
    const std::string quoted = sql_identifier(text);
    must(quoted.size() >= 2 && quoted.front() == '"' && quoted.back() == '"');
    for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {  // Inside there are only pairs.
        if (quoted[i] == '"') must(quoted[++i] == '"' && i + 1 < quoted.size());
    }
    return 0;
}
