// Real SQLite files, with an application that writes beside us.
#include <filesystem>
#include <fstream>

#include "agent/connectors/sql/sqlite_session.h"
#include "agent/connectors/sql/triggers.h"
#include "tests/integration/sql_fixture.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sqlite_file.h"

namespace syncline::agent::sql {
namespace {

using enum CommandKind;
using test::SqliteClient;
using test::SqliteFile;

class SqliteConnectorTest : public testing::Test {
protected:
    SqliteConnectorTest() {
        app_.run(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, number TEXT "
            "UNIQUE,"
            " credit REAL CHECK (credit >= 0), sync_id TEXT UNIQUE,"
            " updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)");
    }
    static std::vector<SqlObject> customers(Detection detection = Detection::kStamp) {
        return {{.mapping = {.object = ObjectName{"customer"},
                             .native = "customers",
                             .key = "id",
                             .marker = "sync_id",
                             .changed = "updated_at",
                             .changed_format = std::string{kSqliteStampFormat},
                             .fields = {sql_field("name"), sql_field("number"),
                                        sql_field("credit", NativeType::kDecimal)}},
                 .detection = detection}};
    }
    SqliteConfig config() const {
        SqliteConfig config;
        config.file = file_.path();
        config.busy_timeout = 100ms;
        return config;
    }
    std::unique_ptr<SqlConnector> make(std::vector<SqlObject> objects) {
        return make(std::move(objects), config());
    }
    std::unique_ptr<SqlConnector> make(std::vector<SqlObject> objects, const SqliteConfig& with) {
        auto connector =
            std::make_unique<SqlConnector>(sqlite_settings(with, std::move(objects), clock_));
        const auto connected = connector->connect({});
        EXPECT_TRUE(connected) << connected.error().what;
        return connector;
    }
    void insert(const std::string& id, const std::string& name) {
        app_.run("INSERT INTO customers (id, name) VALUES (" + id + ", '" + name + "')");
    }

    SystemClock clock_;
    SqliteFile file_;
    SqliteClient app_{file_.path()};
};

TEST_F(SqliteConnectorTest, ATransactionThatStampsEarlyAndCommitsLateIsTold) {
    const auto connector = make(customers());
    SqlFollower follower{*connector};
    app_.run("PRAGMA journal_mode = WAL");  // So that it can be read meanwhile.
    insert("1", "first");
    follower.follow();
    app_.run(
        "BEGIN; INSERT INTO customers (id, name, updated_at)"
        " VALUES (2, 'late', datetime('now', '-30 seconds'))");
    follower.follow();
    EXPECT_EQ(follower.state.size(), 1u);
    app_.run("COMMIT");
    follower.follow();
    EXPECT_EQ(follower.text("2", "name"), "\"late\"");
}

// Within one second: stamps are whole ones, and what was promised of a transaction is not.
TEST_F(SqliteConnectorTest, ARowThatSharesItsSecondWithTheLastOneIsToldHoweverSmallItsKey) {
    const auto moment = [](const char* text) { return parse_timestamp(text).value(); };
    for (const char* format : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"}) {
        test::ManualClock clock{moment("2026-01-05T10:10:12.5Z")};
        const std::string stamp = std::string{"'2026-01-05 10:09"} +
                                  (std::string_view{format}.ends_with("S") ? ":12'" : "'");
        app_.run("DELETE FROM customers");
        auto objects = customers();
        objects[0].mapping.changed_format = format;
        SqlConnector connector{sqlite_settings(config(), objects, clock)};
        ASSERT_TRUE(connector.connect({}));
        SqlFollower follower{connector};
        follower.follow();
        app_.run("INSERT INTO customers (id, name, updated_at) VALUES (5, 'first', " + stamp + ")");
        follower.follow();
        ASSERT_THAT(follower.told, ElementsAre("+5")) << format;
        // Stamped at 10:09:12.7, and committed within the minute.
        clock.advance(100ms);
        app_.run("INSERT INTO customers (id, name, updated_at) VALUES (2, 'late', " + stamp + ")");
        follower.follow();
        EXPECT_EQ(follower.text("2", "name"), "\"late\"") << format;
        clock.advance(2min);
        follower.follow();
        follower.follow();
        EXPECT_THAT(follower.told, IsEmpty()) << format;
    }
}

TEST_F(SqliteConnectorTest, StampsThatAreNumbersAreFollowed) {
    app_.run("CREATE TABLE readings (id INTEGER PRIMARY KEY, value, at INTEGER NOT NULL)");
    for (const char* format : {"%s", "%Q"}) {
        const std::string one = std::string_view{format} == "%s" ? "1" : "1000";
        app_.run("DELETE FROM readings; INSERT INTO readings VALUES (1, 'old', 1700000000 * " +
                 one + ")");
        const auto connector = make({{.mapping = {.object = ObjectName{"reading"},
                                                  .native = "readings",
                                                  .key = "id",
                                                  .changed = "at",
                                                  .changed_format = format,
                                                  .fields = {sql_field("value")}}}});
        SqlFollower follower{*connector};
        follower.follow();
        app_.run("INSERT INTO readings VALUES (2, 'new', unixepoch() * " + one + ")");
        follower.follow();
        EXPECT_THAT(follower.told, ElementsAre("+2")) << format;
        EXPECT_NE(follower.state["2"].changed_at, Timestamp{});
    }
}

TEST_F(SqliteConnectorTest, EachValueKeepsItsOwnType) {
    app_.run(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, sync_id TEXT UNIQUE, any_, flag BOOLEAN,"
        " exact TEXT, raw BLOB, number NUMERIC, updated_at TEXT DEFAULT CURRENT_TIMESTAMP)");
    std::vector<SqlObject> things{{.mapping = {.object = ObjectName{"customer"},
                                               .native = "things",
                                               .key = "id",
                                               .marker = "sync_id",
                                               .changed = "updated_at",
                                               .changed_format = std::string{kSqliteStampFormat}}}};
    things[0].mapping.fields = {
        sql_field("any_"), sql_field("flag"), sql_field("exact", NativeType::kDecimal),
        sql_field("raw", NativeType::kString), sql_field("number", NativeType::kDecimal)};
    const auto connector = make(things);
    const Decimal exact = Decimal::parse("123456789012345678901234567890.123456").value();
    for (const Value& any :
         {Value{"text"}, Value{7}, Value{Decimal::parse("0.1").value()}, Value{}}) {
        const Fields all{{FieldName{"any_"}, any},
                         {FieldName{"flag"}, Value{true}},
                         {FieldName{"exact"}, Value{exact}},
                         {FieldName{"raw"}, Value{"00ff"}},
                         {FieldName{"number"}, Value{Decimal::parse("1234.56").value()}}};
        const std::string entity = display(any);
        const auto made = connector->write(sql_command(kCreate, entity, all), {});
        ASSERT_TRUE(made) << made.error().what;
        for (const auto& [name, value] : all) {
            EXPECT_EQ(*made->record->fields.find(name), value) << name.text;
        }
    }
    EXPECT_EQ(app_.value("SELECT group_concat(typeof(any_)) FROM things"), "text,integer,real,null")
        << "numbers are stored as numbers";
    EXPECT_EQ(app_.value("SELECT hex(raw) || exact FROM things LIMIT 1"), "00FF" + exact.text());
    const auto lossy =
        connector->write(sql_command(kUpdate, "1", sql_fields("number", Value{exact})), {});
    ASSERT_FALSE(lossy);
    EXPECT_EQ(lossy.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(lossy.error().what, HasSubstr("declare the column TEXT"));
    app_.run("INSERT INTO things (id, any_) VALUES (50, x'00')");
    SqlFollower follower{*connector};
    follower.follow();
    ASSERT_EQ(follower.rejects.size(), 1u);
    EXPECT_THAT(follower.rejects[0].reason, HasSubstr("column any_: 1 bytes, no text"));
}

TEST_F(SqliteConnectorTest, TheOutboxTellsDeletionsAndSmallerNumbersThatAppearLate) {
    const std::string sql = sqlite_triggers(customers(Detection::kOutbox), "syncline_outbox");
    app_.run(sql);
    app_.run(sql);  // Harmless to repeat.
    const auto connector = make(customers(Detection::kOutbox));
    SqlFollower follower{*connector};
    insert("1", "a");
    insert("2", "b");
    follower.follow();
    EXPECT_EQ(app_.value("SELECT count(*) FROM syncline_outbox"), "0");
    app_.run("UPDATE customers SET id = 9 WHERE id = 1; DELETE FROM customers WHERE id = 2");
    follower.follow();
    EXPECT_THAT(follower.told, testing::UnorderedElementsAre("-1", "+9", "-2"));
    app_.run(
        "UPDATE customers SET name = 'late' WHERE id = 9;"
        "UPDATE syncline_outbox SET seq = 1");
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+9"));
    EXPECT_EQ(app_.value("SELECT count(*) FROM syncline_outbox"), "0");
}

TEST_F(SqliteConnectorTest, ATableIsTheSameHoweverItsNameIsWritten) {
    app_.run(sqlite_triggers(customers(Detection::kOutbox), "syncline_outbox"));
    auto objects = customers(Detection::kOutbox);
    objects[0].mapping.native = "Customers";
    const auto connector = make(objects);
    SqlFollower follower{*connector};
    follower.follow();
    insert("1", "a");
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+1"));
    app_.run("INSERT INTO syncline_outbox (table_name, record, kind) VALUES ('old', '1', 'x')");
    const auto refused = connector->read(follower.cursor, 10, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(refused.error().what, HasSubstr("has changes of 'old', a table that no"));
    EXPECT_EQ(app_.value("SELECT count(*) FROM syncline_outbox"), "1");
}

TEST_F(SqliteConnectorTest, TriggersOfAnotherAgentAreNotTakenForOurs) {
    app_.run(sqlite_triggers(customers(Detection::kOutbox), "syncline_outbox"));
    for (const char* event : kTriggerEvents) {
        app_.run(std::string{"DROP TRIGGER syncline_outbox_customer"} + event);
    }
    app_.run(sqlite_triggers(customers(Detection::kOutbox), "syncline_outbox_b"));
    const auto refused = make(customers(Detection::kOutbox))->read({}, 10, {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr("insert, update, rekey, delete"));
}

TEST_F(SqliteConnectorTest, TwoLongNamesOfObjectsHaveTriggersOfTheirOwn) {
    app_.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT, updated_at TEXT)");
    const std::string long_name(60, 'a');
    auto objects = customers(Detection::kOutbox);
    objects.push_back({.mapping = {.object = ObjectName{long_name + "_order"},
                                   .native = "orders",
                                   .key = "id",
                                   .fields = {sql_field("name")}},
                       .detection = Detection::kOutbox});
    objects[0].mapping.object = ObjectName{long_name + "_customer"};
    app_.run(sqlite_triggers(objects, "syncline_outbox"));
    EXPECT_EQ(app_.value("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"), "8");
    const auto connector = make(objects);
    SqlFollower follower{*connector};
    follower.follow();
    insert("1", "a");
    app_.run("INSERT INTO orders (id, name) VALUES (2, 'b')");
    follower.follow();
    EXPECT_THAT(follower.told, testing::UnorderedElementsAre("+1", "+2"));
}

TEST_F(SqliteConnectorTest, AMissingTriggerIsSaid) {
    app_.run(sqlite_triggers(customers(Detection::kOutbox), "syncline_outbox"));
    app_.run("DROP TRIGGER syncline_outbox_customer_rekey");
    const auto connector = make(customers(Detection::kOutbox));
    const auto refused = connector->read({}, 10, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(refused.error().what, HasSubstr("no trigger that tells the outbox of: rekey"));
}

TEST_F(SqliteConnectorTest, AColumnThatIsBackIsToldAgainWithoutAStart) {
    app_.run(sqlite_triggers(customers(Detection::kOutbox), "syncline_outbox"));
    test::ManualClock clock{Timestamp{1'767'607'812'500'000'000}};
    SqlConnector connector{sqlite_settings(config(), customers(Detection::kOutbox), clock)};
    ASSERT_TRUE(connector.connect({}));
    SqlFollower follower{connector};
    insert("5", "first");
    follower.follow();
    EXPECT_EQ(follower.text("5", "name"), "\"first\"");
    app_.run("ALTER TABLE customers RENAME COLUMN name TO full_name");
    app_.run("UPDATE customers SET full_name = 'second' WHERE id = 5");
    ASSERT_FALSE(connector.read(follower.cursor, 10, {}));
    ASSERT_TRUE(connector.connect({}));
    follower.follow();
    EXPECT_EQ(follower.text("5", "name"), "(no field)");
    EXPECT_EQ(follower.absent, std::vector{FieldName{"name"}});
    app_.run("ALTER TABLE customers RENAME COLUMN full_name TO name");
    clock.advance(61s);
    follower.follow();
    EXPECT_TRUE(follower.absent.empty());
    app_.run("UPDATE customers SET name = 'third' WHERE id = 5");
    follower.follow();
    EXPECT_EQ(follower.text("5", "name"), "\"third\"");
}

TEST_F(SqliteConnectorTest, ATriggerThatIsDroppedLaterIsSaid) {
    app_.run(sqlite_triggers(customers(Detection::kOutbox), "syncline_outbox"));
    test::ManualClock clock{Timestamp{1'767'607'812'500'000'000}};
    SqlConnector connector{sqlite_settings(config(), customers(Detection::kOutbox), clock)};
    ASSERT_TRUE(connector.connect({}));
    ASSERT_TRUE(connector.read({}, 10, {}));
    app_.run("DROP TRIGGER syncline_outbox_customer_update");
    clock.advance(61s);
    const auto refused = connector.read({}, 10, {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr("no trigger that tells the outbox of: update"));
}

TEST_F(SqliteConnectorTest, WhileTheApplicationWritesNothingHappensAndItIsTriedAgain) {
    insert("1", "theirs");
    const auto connector = make(customers());
    const Command update = sql_command(kUpdate, "1", sql_fields("name", "ours"));
    app_.run("BEGIN IMMEDIATE; UPDATE customers SET name = 'meanwhile'");
    const auto begun = std::chrono::steady_clock::now();
    const auto busy = connector->write(update, {});
    const auto took = std::chrono::steady_clock::now() - begun;
    ASSERT_FALSE(busy);
    EXPECT_EQ(busy.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(busy.error().what, HasSubstr("locked"));
    EXPECT_GE(took, 90ms);
    EXPECT_LT(took, 1s);
    app_.run("COMMIT");
    EXPECT_TRUE(connector->write(update, {}));
    EXPECT_EQ(app_.value("SELECT name FROM customers"), "ours");
}

TEST_F(SqliteConnectorTest, ACommitThatReadersKeepAwayIsRolledBackAndNoDoubt) {
    insert("1", "theirs");
    const auto connector = make(customers());
    app_.run("BEGIN; SELECT * FROM customers");  // Reads on: no commit gets through.
    const Command update = sql_command(kUpdate, "1", sql_fields("name", "ours"));
    const auto busy = connector->write(update, {});
    ASSERT_FALSE(busy);
    EXPECT_EQ(busy.error().kind, ErrorKind::kUnavailable) << busy.error().what;
    app_.run("COMMIT");
    EXPECT_EQ(app_.value("SELECT name FROM customers"), "theirs");
    EXPECT_TRUE(connector->write(update, {}));
}

TEST_F(SqliteConnectorTest, AWriteThatFindsTheTableAlteredLooksAtItAnewAndIsNotRefused) {
    insert("1", "one");
    insert("2", "two");
    const Command commands[] = {sql_command(kCreate, "3", sql_fields("name", "new")),
                                sql_command(kUpdate, "1", sql_fields("name", "ours")),
                                sql_command(kDelete, "2", {})};
    for (const Command& command : commands) {
        const auto connector = make(customers());
        app_.run("ALTER TABLE customers RENAME COLUMN number TO number_x");
        const auto refused = connector->write(command, {});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable) << refused.error().what;
        EXPECT_THAT(refused.error().what, HasSubstr("it is looked at anew"));
        ASSERT_TRUE(connector->connect({}));
        const auto written = connector->write(command, {});
        EXPECT_TRUE(written) << written.error().what;
        app_.run("ALTER TABLE customers RENAME COLUMN number_x TO number");
    }
    EXPECT_EQ(app_.value("SELECT group_concat(name) FROM customers"), "ours,new");
}

TEST_F(SqliteConnectorTest, StopAndLimitsEndEveryWait) {
    insert("1", "one");
    auto endless = customers();
    endless[0].mapping.filter =
        "id < (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM "
        "n)";
    const auto connector = make(endless);
    std::stop_source source;
    std::thread stopper{[&] {
        std::this_thread::sleep_for(200ms);
        source.request_stop();
    }};
    auto begun = std::chrono::steady_clock::now();
    const auto stopped = connector->read({}, 10, source.get_token());
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1200ms);
    stopper.join();
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::kUnavailable);
    SqliteConfig hasty = config();
    hasty.common.statement_timeout = 300ms;
    begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(make(endless, hasty)->read({}, 10, {}));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
    SqliteConfig patient = config();
    patient.busy_timeout = 60s;
    const auto waiting = make(customers(), patient);
    app_.run("BEGIN EXCLUSIVE");
    std::stop_source second;
    second.request_stop();
    begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(waiting->fetch(ObjectName{"customer"}, RecordId{"1"}, second.get_token()));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
}

TEST_F(SqliteConnectorTest, RefusalsSayTheDatabasesOwnReason) {
    app_.run(
        "INSERT INTO customers (id, name, number) VALUES (1, 'a', 'x'), (2, 'b', 'taken');"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer REFERENCES customers (id));"
        "INSERT INTO orders (customer) VALUES (1)");
    const auto connector = make(customers());
    const struct {
        Command command;
        ErrorKind kind;
        const char* why;
    } cases[] = {
        {sql_command(kUpdate, "1", sql_fields("number", "taken")), ErrorKind::kConflict,
         "UNIQUE constraint failed: customers.number"},
        {sql_command(kUpdate, "1", sql_fields("name", Value{})), ErrorKind::kInvalid,
         "NOT NULL constraint failed"},
        {sql_command(kUpdate, "1", sql_fields("credit", Value{-1})), ErrorKind::kInvalid,
         "CHECK constraint failed"},
        {sql_command(kDelete, "1", {}), ErrorKind::kInvalid, "FOREIGN KEY constraint failed"},
        {sql_command(kUpdate, "7", sql_fields("name", "x")), ErrorKind::kNotFound, "no row"},
    };
    for (const auto& row : cases) {
        const auto written = connector->write(row.command, {});
        ASSERT_FALSE(written) << row.why;
        EXPECT_EQ(written.error().kind, row.kind) << written.error().what;
        EXPECT_THAT(written.error().what, HasSubstr(row.why));
    }
    EXPECT_TRUE(connector->write(sql_command(kUpdate, "1", sql_fields("name", "fine")), {}));
}

TEST_F(SqliteConnectorTest, AFileThatIsNotThereOrNoDatabaseIsSaid) {
    SqliteConfig nowhere = config();
    nowhere.file = file_.path().string() + ".missing";
    SqlConnector missing{sqlite_settings(nowhere, customers(), clock_)};
    const auto none = missing.connect({});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(none.error().what, HasSubstr(nowhere.file.string()));
    EXPECT_FALSE(std::filesystem::exists(nowhere.file)) << "it is the application's to make";
    std::ofstream{nowhere.file} << "This is no database, but a text of some length.\n";
    EXPECT_EQ(missing.connect({}).error().kind, ErrorKind::kCorrupt);
}

TEST_F(SqliteConnectorTest, WithoutAMarkerTheKeyThatWasCountedUpIsTold) {
    auto objects = customers();
    objects[0].mapping.marker.clear();
    const auto connector = make(objects);
    insert("41", "before");
    const auto made = connector->write(sql_command(kCreate, "x", sql_fields("name", "Ada")), {});
    ASSERT_TRUE(made) << made.error().what;
    EXPECT_EQ(made->id.text, "42");
    EXPECT_EQ(connector->find(ObjectName{"customer"}, EntityId{"x"}, {}).error().kind,
              ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace syncline::agent::sql
