// The parts of the connector that need no database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mysqld_error.h>

#include "agent/connectors/sql/mariadb_session.h"
#include "agent/connectors/sql/position.h"
#include "agent/connectors/sql/sql_config.h"
#include "agent/connectors/sql/sql_value.h"
#include "agent/connectors/sql/stamp.h"
#include "agent/connectors/sql/triggers.h"

namespace syncline::agent::sql {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Dialect kUtc{.name = "MariaDB", .zone_text = "+00:00"};
const Dialect kEast{.name = "MariaDB", .zone = 2h, .zone_text = "+02:00"};

Timestamp at(const char* text) { return parse_timestamp(text).value(); }
Datum text(const char* value) { return Datum::of_text(value); }

// ---- Cursors --------------------------------------------------------------------------------

TEST(SqlCursor, EveryPositionComesBack) {
    const ObjectName customer{"customer"};
    const Datum large{Datum::Kind::kInteger, "18446744073709551615"};
    const Position cases[] = {
        {},
        {.objects = {{customer, {}}}},
        {.objects = {{customer,
                      {.key = Datum::of_integer(41), .began = at("2026-01-05T10:00:00Z")}}}},
        {.at = customer, .objects = {{customer, {.full = false, .key = large}}}},
        {.seq = 7,
         .objects = {{customer, {.full = false, .stamp = text("a \"b\""), .key = text("")}}}},
        {.seq = 0, .objects = {{customer, {.full = false}}, {ObjectName{"order"}, {}}}},
    };
    for (const Position& position : cases) {
        const auto parsed = parse_position(to_cursor(position));
        ASSERT_TRUE(parsed) << to_cursor(position).text;
        EXPECT_EQ(*parsed, position) << to_cursor(position).text;
    }
    EXPECT_EQ(parse_position({}), Position{});
}

TEST(SqlCursor, OthersTextIsRefused) {
    for (const char* wrong :
         {" ", "x", "[]", "stream 0/1 1 0/0", R"({"seq":-1})", R"({"seq":"1"})", R"({"other":1})",
          R"({"objects":{"a":1}})", R"({"objects":{"a":{"full":false}}})",
          R"({"objects":{"a":{"key":1.5}}})", R"({"objects":{"a":{"began":"soon"}}})"}) {
        const auto parsed = parse_position({wrong});
        ASSERT_FALSE(parsed) << wrong;
        EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid);
        EXPECT_THAT(parsed.error().what, HasSubstr("is no cursor of this connector"));
    }
}

// ---- Rounds ---------------------------------------------------------------------------------

struct RoundCase {
    const char* name;
    bool full;
    const char* last;    ///< Stamp of the last row; empty: there is none.
    const char* next;    ///< Where the next round begins.
    bool stays = false;  ///< Behind the last row, and not at all rows of that stamp.
};
class RoundEnds : public testing::TestWithParam<RoundCase> {};

// It began at 10:10:00, and a transaction may take a minute.
TEST_P(RoundEnds, WhereNothingCanAppearBehindAnyMore) {
    const RoundCase& row = GetParam();
    ObjectPosition place{.full = row.full, .began = at("2026-01-05 10:10:00Z")};
    std::optional<Timestamp> last;
    if (*row.last != '\0') {
        last = at(row.last);
        place.stamp = text(row.last);
        place.key = text("k");
    }
    end_round(place, last, {at("2026-01-05 10:09:00Z"), text("2026-01-05T10:09:00Z")});
    EXPECT_FALSE(place.full);
    EXPECT_EQ(place.began, std::nullopt);
    ASSERT_TRUE(place.stamp);
    EXPECT_EQ(place.stamp->text, row.next);
    EXPECT_EQ(place.key.has_value(), row.stays);
}
INSTANTIATE_TEST_SUITE_P(
    Sql, RoundEnds,
    testing::Values(
        RoundCase{"settled", false, "2026-01-05T10:08:59Z", "2026-01-05T10:08:59Z", true},
        RoundCase{"of_the_settled_second", false, "2026-01-05T10:09:00Z", "2026-01-05T10:09:00Z"},
        RoundCase{"within_the_lag", false, "2026-01-05T10:09:01Z", "2026-01-05T10:09:00Z"},
        RoundCase{"clock_ahead", false, "2026-01-05T11:00:00Z", "2026-01-05T10:09:00Z"},
        RoundCase{"never_a_row", false, "", "2026-01-05T10:09:00Z"},
        // By key, so its last row says nothing about stamps.
        RoundCase{"full", true, "2026-01-05T10:00:00Z", "2026-01-05T10:09:00Z"}),
    [](const auto& row) { return std::string{row.param.name}; });

// ---- Values ---------------------------------------------------------------------------------

struct ReadCase {
    const char* name;
    ColumnType type;
    Datum datum;
    const char* shown;  ///< As display() has it, or part of the error.
};
class SqlRead : public testing::TestWithParam<ReadCase> {};
TEST_P(SqlRead, ByTheColumnsType) {
    const ReadCase& row = GetParam();
    const auto value = value_of({.name = "c", .type = row.type}, row.datum, kEast);
    if (!value) {
        EXPECT_EQ(value.error().kind, ErrorKind::kInvalid);
        EXPECT_THAT(value.error().what, HasSubstr(row.shown));
    } else {
        EXPECT_EQ(display(*value), row.shown);
    }
}
using enum ColumnType;
using Kind = Datum::Kind;
INSTANTIATE_TEST_SUITE_P(
    Sql, SqlRead,
    testing::Values(
        ReadCase{"null", kInteger, {}, "null"},
        ReadCase{"yes", kBool, {Kind::kInteger, "1"}, "true"},
        ReadCase{"two", kBool, {Kind::kInteger, "2"}, "neither 0 nor 1"},
        ReadCase{"integer", kInteger, {Kind::kInteger, "-7"}, "-7"},
        ReadCase{
            "unsigned", kInteger, {Kind::kInteger, "18446744073709551615"}, "18446744073709551615"},
        ReadCase{"decimal",
                 kNumber,
                 {Kind::kReal, "1234567890123456789.123456"},
                 "1234567890123456789.123456"},
        ReadCase{"not_a_number", kNumber, {Kind::kReal, "nan"}, "is no number"},
        ReadCase{"moment", kTimestamp, text("2026-01-05 10:00:00.5"), "2026-01-05T08:00:00.5Z"},
        ReadCase{"no_moment", kTimestamp, text("0000-00-00 00:00:00"), "null"},
        ReadCase{"no_day", kDate, text("0000-00-00"), "null"},
        ReadCase{"day", kDate, text("2026-02-28"), "2026-02-28"},
        ReadCase{"half_a_day", kDate, text("2026-00-00"), "is no date"},
        ReadCase{"words", kText, text("Żółć"), "\"Żółć\""},
        ReadCase{"latin", kText, text("a\xff"), "byte 1 is not UTF-8"},
        ReadCase{"bytes", kBytes, {Kind::kBytes, "ab"}, "map it with type = \"string\""},
        ReadCase{"text_in_numbers", kInteger, text("n/a"), "\"n/a\""}),
    [](const auto& row) { return std::string{row.param.name}; });

struct WriteCase {
    const char* name;
    Column column;
    Value value;
    Datum datum;
    const char* error = "";
};
class SqlWrite : public testing::TestWithParam<WriteCase> {};
TEST_P(SqlWrite, WhatTheColumnHoldsExactly) {
    const WriteCase& row = GetParam();
    const auto datum = datum_of(row.column, row.value, kEast);
    if (!datum) {
        EXPECT_THAT(datum.error().what, HasSubstr(row.error));
        EXPECT_STRNE(row.error, "");
    } else {
        EXPECT_EQ(*datum, row.datum) << datum->text;
    }
}
const Column kLossy{.name = "c", .type = kDynamic, .lossy_numbers = true};
const Decimal kSixteen = Decimal::parse("12345678901234.56").value();
INSTANTIATE_TEST_SUITE_P(
    Sql, SqlWrite,
    testing::Values(
        WriteCase{"null", {.type = kText}, Value{}, {}},
        WriteCase{"flag", {.type = kBool}, Value{true}, Datum::of_integer(1)},
        WriteCase{"no_flag", {.type = kBool}, Value{"maybe"}, {}, "neither true nor false"},
        WriteCase{"decimal", {.type = kNumber}, Value{kSixteen}, text("12345678901234.56")},
        WriteCase{"lossy", kLossy, Value{kSixteen}, {}, "declare the column TEXT"},
        WriteCase{"fifteen",
                  kLossy,
                  Value{Decimal::parse("0.123456789012345").value()},
                  {Kind::kReal, "0.123456789012345"}},
        WriteCase{"decimal_text", {.type = kText}, Value{kSixteen}, text("12345678901234.56")},
        WriteCase{"moment",
                  {.type = kTimestamp},
                  Value{at("2026-01-05T08:00:00.5Z")},
                  text("2026-01-05 10:00:00.5")},
        WriteCase{"moment_text",
                  {.type = kTimestamp},
                  Value{"2026-01-05T08:00:00Z"},
                  text("2026-01-05 10:00:00")},
        WriteCase{"no_moment", {.type = kTimestamp}, Value{"today"}, {}, "is no moment"},
        WriteCase{"bytes", {.type = kBytes, .hex = true}, Value{"6162"}, {Kind::kBytes, "ab"}},
        WriteCase{"large_hex", {.type = kBytes, .hex = true}, Value{"AB"}, {}, "not hexadecimal"},
        WriteCase{"half_hex", {.type = kBytes, .hex = true}, Value{"6"}, {}, "not hexadecimal"},
        WriteCase{"list", {.type = kText}, Value{Value::List{}}, {}, "a list or a map"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(SqlKey, ATextThatIsNoNumberNamesNoRow) {
    Table table;
    table.columns = {{.name = "id", .type = kInteger}};
    EXPECT_EQ(key_datum(table, RecordId{"12"}), Datum::of_integer(12));
    for (const char* wrong : {"", "-", "12x", "x", "1 OR 1=1", "1.0"}) {
        EXPECT_EQ(key_datum(table, RecordId{wrong}), std::nullopt) << wrong;
    }
    EXPECT_EQ(record_id(table, text("0007")).text, "7");
    table.columns[0].type = kText;
    EXPECT_EQ(record_id(table, text("0007")).text, "0007");
}

TEST(SqlStamp, IsReadAndWrittenAsItsColumnHoldsIt) {
    const Timestamp moment = at("2026-01-05T10:00:00.25Z");
    const auto table_of = [](ColumnType type, const char* format) {
        Table table;
        table.columns = {{.name = "id"}, {.name = "changed", .type = type}};
        table.stamp = 1;
        table.mapping.changed_format = format;
        return table;
    };
    const Table native = table_of(kTimestamp, "");
    EXPECT_EQ(stamp_datum(native, moment, kEast), text("2026-01-05 12:00:00.25"));
    EXPECT_EQ(stamp_time(native, text("2026-01-05 12:00:00.25"), kEast), moment);
    const Table seconds = table_of(kInteger, "%s");
    EXPECT_EQ(stamp_datum(seconds, moment, kUtc), Datum::of_integer(1767607200));
    EXPECT_EQ(stamp_time(seconds, Datum::of_integer(1767607200), kUtc), at("2026-01-05T10:00:00Z"));
    const Table words = table_of(kText, "%Y-%m-%d %H:%M:%S");
    EXPECT_EQ(stamp_datum(words, moment, kUtc), text("2026-01-05 10:00:00"));
    EXPECT_EQ(stamp_time(words, text("soon"), kUtc), std::nullopt);
}

struct SettledCase {
    const char* name;
    ColumnType type;
    const char* format;
    const char* moment;  ///< What the column keeps of 10:09:12.7.
    Datum stamp;         ///< In the column's own time zone.
};
class SqlSettled : public testing::TestWithParam<SettledCase> {};
// A row stamped at 10:09:12.6 may have appeared behind one that was stamped at 10:09:12.65; both
// are kept as :12 where the column has no fractions.
TEST_P(SqlSettled, IsNeverLaterThanTheStampThatAColumnKeeps) {
    const SettledCase& row = GetParam();
    Table table;
    table.columns = {{.name = "id"}, {.name = "changed", .type = row.type}};
    table.stamp = 1;
    table.mapping.changed_format = row.format;
    const Settled settled = settled_at(table, at("2026-01-05T10:09:12.7Z"), kEast);
    EXPECT_EQ(settled.moment, at(row.moment)) << to_string(settled.moment);
    EXPECT_EQ(settled.stamp, row.stamp) << settled.stamp.text;
}
INSTANTIATE_TEST_SUITE_P(
    Sql, SqlSettled,
    testing::Values(SettledCase{"moments", kTimestamp, "", "2026-01-05T10:09:12Z",
                                text("2026-01-05 12:09:12")},
                    SettledCase{"seconds", kInteger, "%s", "2026-01-05T10:09:12Z",
                                Datum::of_integer(1'767'607'752)},
                    SettledCase{"milliseconds", kInteger, "%Q", "2026-01-05T10:09:12Z",
                                Datum::of_integer(1'767'607'752'000)},
                    SettledCase{"minutes", kText, "%Y-%m-%d %H:%M", "2026-01-05T10:09:00Z",
                                text("2026-01-05 10:09")}),
    [](const auto& row) { return std::string{row.param.name}; });

// ---- Errors ---------------------------------------------------------------------------------

TEST(MariadbErrors, SayWhatTheCallerCanDo) {
    const struct {
        unsigned int number;
        const char* sqlstate;
        ErrorKind kind;
    } cases[] = {
        {ER_DUP_ENTRY, "23000", ErrorKind::kConflict},
        {ER_NO_REFERENCED_ROW_2, "23000", ErrorKind::kInvalid},
        {ER_BAD_NULL_ERROR, "23000", ErrorKind::kInvalid},
        {ER_DATA_TOO_LONG, "22001", ErrorKind::kInvalid},
        {ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "HY000", ErrorKind::kInvalid},
        {ER_SIGNAL_EXCEPTION, "45000", ErrorKind::kInvalid},
        {ER_BAD_FIELD_ERROR, "42S22", ErrorKind::kInvalid},
        {ER_TABLEACCESS_DENIED_ERROR, "42000", ErrorKind::kDenied},
        {ER_ACCESS_DENIED_ERROR, "28000", ErrorKind::kDenied},
        {ER_NET_PACKET_TOO_LARGE, "08S01", ErrorKind::kTooLarge},
        {ER_LOCK_DEADLOCK, "40001", ErrorKind::kUnavailable},
        {ER_LOCK_WAIT_TIMEOUT, "HY000", ErrorKind::kUnavailable},
        {ER_OPTION_PREVENTS_STATEMENT, "HY000", ErrorKind::kUnavailable},
        {ER_STATEMENT_TIMEOUT, "70100", ErrorKind::kUnavailable},
        {ER_CON_COUNT_ERROR, "08004", ErrorKind::kUnavailable},
    };
    for (const auto& row : cases) {
        EXPECT_EQ(kind_of_mariadb(row.number, row.sqlstate), row.kind) << row.number;
    }
}

// ---- Configuration --------------------------------------------------------------------------

struct ConfigCase {
    const char* name;
    const char* file;
    const char* problem;  ///< Begins with the place.
};
class SqlConfigProblem : public testing::TestWithParam<ConfigCase> {};
TEST_P(SqlConfigProblem, IsToldWithItsPlace) {
    auto root = TomlReader::parse(GetParam().file, "a.toml");
    ASSERT_TRUE(root) << root.error().what;
    TomlReader connector = root->table("connector");
    TomlReader objects = root->table("objects");
    const bool mariadb = connector.text("kind") == "mariadb";
    if (mariadb) std::ignore = parse_mariadb_config(connector);
    if (!mariadb) std::ignore = parse_sqlite_config(connector, "/tmp");
    std::ignore = parse_sql_objects(objects, {});
    const auto done = root->finish();
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().what, HasSubstr(GetParam().problem));
}

#define MARIADB "[connector]\nkind = \"mariadb\"\nhost = \"h\"\ndatabase = \"d\"\nuser = \"u\"\n"
#define OBJECT "[objects.c]\nnative = \"t\"\nkey = \"id\"\nfields.name = \"name\"\n"
INSTANTIATE_TEST_SUITE_P(
    Sql, SqlConfigProblem,
    testing::Values(
        ConfigCase{"neither_way", MARIADB OBJECT, "a.toml:6:1: `objects.c.changed` is missing"},
        ConfigCase{"zone", MARIADB "time_zone = \"Europe/Berlin\"\n" OBJECT "outbox = true\n",
                   "a.toml:6:13: `connector.time_zone` must be \"UTC\" or an offset"},
        ConfigCase{"zone_too_far", MARIADB "time_zone = \"+14:00\"\n" OBJECT "outbox = true\n",
                   "a.toml:6:13: `connector.time_zone` must be"},
        ConfigCase{"lag", MARIADB "lag_ms = 10\n" OBJECT "outbox = true\n",
                   "a.toml:6:10: `connector.lag_ms` must be"},
        ConfigCase{"outbox_name", MARIADB "outbox_table = \"a.b\"\n" OBJECT "outbox = true\n",
                   "a.toml:6:16: `connector.outbox_table` must be 1 to 30"},
        ConfigCase{"key_alone", MARIADB "tls_key = \"k\"\n" OBJECT "outbox = true\n",
                   "a.toml:6:11: `connector.tls_key` needs the other one"},
        ConfigCase{"verify_ca", MARIADB "tls = \"verify-ca\"\n" OBJECT "outbox = true\n",
                   "a.toml:6:7: `connector.tls` must be"},
        ConfigCase{"password_as_text", MARIADB "password = \"secret\"\n" OBJECT "outbox = true\n",
                   "a.toml:6:12: `connector.password`"},
        ConfigCase{"unknown", MARIADB "slot = \"x\"\n" OBJECT "outbox = true\n",
                   "a.toml:6:1: unknown key `connector.slot`"},
        ConfigCase{"path_inside",
                   MARIADB "[objects.c]\nnative = \"t\"\nkey = \"id\"\n"
                           "changed = \"u\"\nfields.vip = \"more.vip\"\n",
                   "a.toml:10:14: `objects.c.fields.vip` names one column"},
        ConfigCase{"quote",
                   MARIADB "[objects.c]\nnative = \"t'\"\nkey = \"id\"\nchanged = \"u\"\n"
                           "fields.name = \"name\"\n",
                   "a.toml:7:10: `objects.c.native` holds a quote"},
        ConfigCase{"question_mark", MARIADB OBJECT "changed = \"u\"\nfilter = \"a = '?'\"\n",
                   "a.toml:11:10: `objects.c.filter` must not hold a question mark"},
        ConfigCase{"outbox_no_flag", MARIADB OBJECT "outbox = \"yes\"\n",
                   "a.toml:10:10: `objects.c.outbox` must be"},
        ConfigCase{"no_file", "[connector]\nkind = \"sqlite\"\n" OBJECT "changed = \"u\"\n",
                   "a.toml:1:1: `connector.file` is missing"},
        ConfigCase{"busy",
                   "[connector]\nkind = \"sqlite\"\nfile = \"f\"\nbusy_timeout_ms = 0\n" OBJECT
                   "changed = \"u\"\n",
                   "a.toml:4:19: `connector.busy_timeout_ms` must be"}),
    [](const auto& row) { return std::string{row.param.name}; });
#undef MARIADB
#undef OBJECT

TEST(SqlConfig, TakesAllSettings) {
    auto root = TomlReader::parse(
        "host = \"/run/mysqld/mysqld.sock\"\nport = 3307\ndatabase = \"erp\"\nuser = \"u\"\n"
        "password = { env = \"P\" }\ntls = \"require\"\ntime_zone = \"-03:30\"\nlag_ms = 5000\n"
        "outbox_table = \"ob\"\nconnect_timeout_ms = 100\nstatement_timeout_ms = 200\n"
        "lock_timeout_ms = 2000\n",
        "a.toml");
    ASSERT_TRUE(root);
    const MariadbConfig config = parse_mariadb_config(*root);
    ASSERT_TRUE(root->finish());
    EXPECT_EQ(config.zone, -210min);
    EXPECT_EQ(zone_text(config.zone), "-03:30");
    EXPECT_EQ(config.common.lag, 5s);
    EXPECT_EQ(config.common.outbox_table, "ob");
    EXPECT_EQ(config.lock_timeout, 2s);
    EXPECT_EQ(config.tls, MariadbTls::kRequire);
}

// ---- Triggers -------------------------------------------------------------------------------

TEST(SqlTriggers, AreMadeOncePerTableAndFitItsNames) {
    const auto object = [](std::string name, const char* native, Detection detection) {
        return SqlObject{
            .mapping = {.object = ObjectName{std::move(name)}, .native = native, .key = "id"},
            .detection = detection};
    };
    const std::vector<SqlObject> objects{
        object(std::string(64, 'a'), "erp.customers", Detection::kOutbox),
        object("supplier", "erp.customers", Detection::kOutbox),
        object("order", "orders", Detection::kStamp)};
    const std::string sql = mariadb_triggers(objects, "main", "syncline_outbox");
    EXPECT_THAT(sql, HasSubstr("CREATE TABLE IF NOT EXISTS `main`.`syncline_outbox`"));
    EXPECT_THAT(sql, HasSubstr("AFTER INSERT ON `erp`.`customers` FOR EACH ROW"));
    const std::string name = trigger_name("syncline_outbox", objects[0].mapping.object, "_delete");
    EXPECT_THAT(sql, HasSubstr("DROP TRIGGER IF EXISTS `erp`.`" + name + "`"));
    EXPECT_THAT(sql, Not(HasSubstr("orders")));
    std::size_t made = 0;
    for (auto at_ = sql.find("CREATE TRIGGER"); at_ != std::string::npos;
         at_ = sql.find("CREATE TRIGGER", at_ + 1)) {
        ++made;
    }
    EXPECT_EQ(made, kTriggerEvents.size());
}

TEST(SqlTriggers, OfOneTableAreMadeOnceHoweverObjectsNameIt) {
    const auto object = [](const char* name, const char* native) {
        return SqlObject{.mapping = {.object = ObjectName{name}, .native = native, .key = "id"},
                         .detection = Detection::kOutbox};
    };
    const std::string mariadb = mariadb_triggers(
        {object("a", "customers"), object("b", "main.customers"), object("c", "other.customers")},
        "main", "ob");
    EXPECT_THAT(mariadb, HasSubstr("`ob_a_insert`"));
    EXPECT_THAT(mariadb, Not(HasSubstr("`ob_b_insert`")));
    EXPECT_THAT(mariadb, HasSubstr("`other`.`ob_c_insert`"));
    const std::string sqlite =
        sqlite_triggers({object("a", "customers"), object("b", "Customers")}, "ob");
    EXPECT_THAT(sqlite, Not(HasSubstr("`ob_b_insert`")));
}

TEST(SqlTriggers, NamesThatAreCutStayDistinctAndFit) {
    EXPECT_EQ(trigger_name("ob", ObjectName{"customer"}, "_rekey"), "ob_customer_rekey");
    const auto cut = [](const std::string& object) {
        return trigger_name("syncline_outbox", ObjectName{object}, "_delete");
    };
    // With its outbox and event this fits just so.
    EXPECT_EQ(cut(std::string(41, 'a')), "syncline_outbox_" + std::string(41, 'a') + "_delete");
    const std::string one = cut(std::string(41, 'a') + "_order");
    EXPECT_EQ(one.size(), 64u);
    EXPECT_THAT(one, testing::MatchesRegex("syncline_outbox_a{32}_[0-9a-f]{8}_delete"));
    EXPECT_NE(one, cut(std::string(41, 'a') + "_customer"));
    EXPECT_EQ(one, cut(std::string(41, 'a') + "_order")) << "the agent looks for it by name";
    EXPECT_THAT(cut(std::string(31, 'a') + "ż" + std::string(30, 'b')),
                testing::StartsWith("syncline_outbox_" + std::string(31, 'a') + "_"));
}

}  // namespace
}  // namespace syncline::agent::sql
