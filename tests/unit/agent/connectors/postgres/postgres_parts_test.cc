// The parts of the connector that need no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "agent/connectors/postgres/cursor.h"
#include "agent/connectors/postgres/postgres_config.h"
#include "agent/connectors/postgres/question.h"
#include "agent/connectors/postgres/session.h"
#include "agent/connectors/postgres/sql_value.h"

namespace syncline::agent::postgres {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

TEST(PostgresCursor, EveryPositionComesBack) {
    using enum Position::Phase;
    const Position cases[] = {
        {},
        {.phase = kFull},
        {.phase = kCopy, .lsn = {0x10}, .object = ObjectName{"customer"}},
        {.phase = kCopy, .lsn = {0x10}, .object = ObjectName{"customer"}, .key = ""},
        {.phase = kFull, .lsn = {0x10}, .object = ObjectName{"customer"}, .key = "a b  c"},
        {.phase = kStream, .lsn = {0x16'B374D848}},
        {.phase = kStream, .lsn = {1}, .records = 7, .fresh_until = {2}},
    };
    for (const Position& position : cases) {
        const auto parsed = parse_position(to_cursor(position));
        ASSERT_TRUE(parsed) << to_cursor(position).text;
        EXPECT_EQ(*parsed, position) << to_cursor(position).text;
    }
}

TEST(PostgresCursor, OthersTextIsRefused) {
    for (const char* wrong : {"x", "stream", "stream 0/1", "stream 0/1 x 0/0", "stream 0/1 1 x",
                              "copy x customer", "page 0/1 customer", " "}) {
        const auto parsed = parse_position({wrong});
        ASSERT_FALSE(parsed) << wrong;
        EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid);
    }
}

struct ValueCase {
    SqlType type;
    const char* text;
    const char* shown;  ///< As display() writes it; nullptr: refused.
};

TEST(SqlValue, IsReadFromItsText) {
    using enum SqlType;
    const ValueCase cases[] = {
        {kBool, "t", "true"},
        {kBool, "f", "false"},
        {kInteger, "-9223372036854775808", "-9223372036854775808"},
        {kInteger, "1.5", nullptr},
        {kDecimal, "123456789012345678901234567890.123456",
         "123456789012345678901234567890.123456"},
        {kDecimal, "1234567890123456789012345678901234567.1", nullptr},  // Over 36 digits.
        {kDecimal, "NaN", nullptr},
        {kDecimal, "-Infinity", nullptr},
        {kFloat, "1e+20", "100000000000000000000"},
        {kFloat, "0.1", "0.1"},
        {kFloat, "NaN", nullptr},
        {kText, "", "\"\""},
        {kDate, "2026-02-28", "2026-02-28"},
        {kDate, "infinity", nullptr},
        {kDate, "0044-03-15 BC", nullptr},
        {kTimestamp, "2026-01-05 10:11:12.5", "2026-01-05T10:11:12.5Z"},
        {kTimestampTz, "2026-01-05 10:11:12+00", "2026-01-05T10:11:12Z"},
        {kTimestampTz, "2026-01-05 10:11:12-03:30", "2026-01-05T13:41:12Z"},
        {kTimestampTz, "-infinity", nullptr},
        {kJson, R"({"a": [1, null]})", R"({"a": [1, null]})"},
        {kArray, "{1,2}", nullptr},
    };
    for (const ValueCase& row : cases) {
        const auto value = parse_sql_value(row.type, row.text);
        ASSERT_EQ(value.has_value(), row.shown != nullptr) << row.text;
        if (value) {
            EXPECT_EQ(display(*value), row.shown);
        } else {
            EXPECT_EQ(value.error().kind, ErrorKind::kInvalid);
        }
    }
}

TEST(SqlValue, IsWrittenAsText) {
    EXPECT_EQ(sql_parameter(SqlType::kText, Value{}), std::nullopt);
    EXPECT_EQ(sql_parameter(SqlType::kBool, Value{true}), "true");
    EXPECT_EQ(sql_parameter(SqlType::kDecimal, Value{*Decimal::parse("1.50")}), "1.5");
    EXPECT_EQ(sql_parameter(SqlType::kJson, Value{"text"}), "\"text\"");
    EXPECT_EQ(sql_parameter(SqlType::kText, Value{"text"}), "text");
    EXPECT_EQ(sql_parameter(SqlType::kText, Value{Value::List{Value{1}}}), "[1]");
    EXPECT_EQ(sql_identifier("a\"b"), "\"a\"\"b\"");
}

TEST(Sqlstate, DecidesTheKind) {
    using enum ErrorKind;
    const std::pair<const char*, ErrorKind> cases[] = {
        {"23505", kConflict},    {"23503", kInvalid},     {"23514", kInvalid},
        {"22P02", kInvalid},     {"42703", kInvalid},     {"42501", kDenied},
        {"28P01", kDenied},      {"40001", kUnavailable}, {"40P01", kUnavailable},
        {"55P03", kUnavailable}, {"55006", kUnavailable}, {"57014", kUnavailable},
        {"57P01", kUnavailable}, {"08006", kUnavailable}, {"53300", kUnavailable},
        {"P0001", kInvalid},     {"0A000", kUnsupported}, {"54000", kTooLarge},
    };
    for (const auto& [state, kind] : cases) EXPECT_EQ(kind_of_sqlstate(state), kind) << state;
}

TEST(PostgresConfig, TakesASampleAndNamesEveryProblem) {
    auto read = TomlReader::parse(R"(
host = "db.example.com"
database = "erp"
user = "syncline"
password = { env = "SYNCLINE_TEST_PG_CONFIG" }
tls_ca = "/etc/ssl/erp.pem"
slot = "syncline_erp"
)",
                                  "agent.toml");
    ASSERT_TRUE(read);
    const PostgresConfig config = parse_postgres_config(*read);
    const auto finished = read->finish();
    ASSERT_TRUE(finished) << finished.error().what;
    ::setenv("SYNCLINE_TEST_PG_CONFIG", "a b'c", 1);
    const auto target = connection_target(config, Role::kReplication);
    ASSERT_TRUE(target);
    EXPECT_THAT(target->parameters, Contains(Pair("password", "a b'c")));
    EXPECT_THAT(target->parameters, Contains(Pair("sslmode", "verify-full")));
    EXPECT_THAT(target->parameters, Contains(Pair("replication", "database")));

    auto wrong = TomlReader::parse(R"(
host = "db"
user = "syncline"
password = "open"
tls = "maybe"
slot = "Not-A-Slot"
port = 70000
)",
                                   "agent.toml");
    ASSERT_TRUE(wrong);
    std::ignore = parse_postgres_config(*wrong);
    const auto problems = wrong->finish();
    ASSERT_FALSE(problems);
    for (const char* key : {"database", "password", "tls", "slot", "port"}) {
        EXPECT_THAT(problems.error().what, HasSubstr(key));
    }
}

TEST(PostgresQuestion, HasParametersOnlyWhereTheyStandAlone) {
    const struct {
        const char* told;
        const char* sql;
        std::vector<std::string> input;
    } cases[] = {
        {"SELECT :a, :b, :a", "SELECT $1, $2, $1", {"a", "b"}},
        {"SELECT x::text, :a::int", "SELECT x::text, $1::int", {"a"}},
        {"SELECT ':a', \":a\", 'it''s :a'", "SELECT ':a', \":a\", 'it''s :a'", {}},
        {"SELECT 1 -- :a\n, :b", "SELECT 1 -- :a\n, $1", {"b"}},
        {"SELECT /* :a */ $$:b$$, $t$:c$t$", "SELECT /* :a */ $$:b$$, $t$:c$t$", {}},
        {"SELECT '12:30', a[1:2] ;\n", "SELECT '12:30', a[1:2] ", {}},
    };
    for (const auto& one : cases) {
        const auto question = parse_question(one.told);
        ASSERT_TRUE(question) << one.told << ": " << question.error().what;
        EXPECT_EQ(question->sql, one.sql);
        EXPECT_EQ(question->input, one.input) << one.told;
    }
    for (const char* wrong : {"SELECT 'a", "SELECT \"a", "SELECT /* a", "SELECT 1; DROP TABLE x"}) {
        EXPECT_FALSE(parse_question(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace syncline::agent::postgres
