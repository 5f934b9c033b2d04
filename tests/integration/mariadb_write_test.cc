// Values, writes, errors and limits at a real MariaDB.
#include <sys/socket.h>

#include <filesystem>
#include <fstream>

#include "agent/connectors/sql/write.h"
#include "tests/integration/mariadb_fixture.h"
#include "tests/support/free_port.h"

namespace syncline::agent::sql {
namespace {

using enum CommandKind;

class MariadbWrite : public MariadbTest {
protected:
    MariadbTarget target() const {
        return {.host = "127.0.0.1",
                .port = server_->port(),
                .database = "erp",
                .user = "syncline",
                .password = Secret{Secret::Source::kEnvironment, "SYNCLINE_TEST_MARIADB_PASSWORD"},
                .tls = MariadbTls::kDisable,
                .connect_limit = 10s,
                .statement_limit = 10s,
                .lock_limit = 10s};
    }
    std::string id_of_session() {
        return db_->value("SELECT id FROM information_schema.PROCESSLIST WHERE user = 'syncline'");
    }
    /// Until somebody waits for a row that another holds.
    void wait_for_lock_wait() {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (db_->value("SELECT count(*) FROM information_schema.INNODB_TRX"
                          " WHERE trx_state = 'LOCK WAIT'") == "0") {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
            // InnoDB shows what it showed before to who asks again within 100 ms.
            std::this_thread::sleep_for(150ms);
        }
    }
    /// Until a session of ours waits for something.
    void wait_for_state(const std::string& state) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (db_->value("SELECT count(*) FROM information_schema.PROCESSLIST WHERE user = "
                          "'syncline' AND state LIKE '" +
                          state + "'") == "0") {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << state;
            std::this_thread::sleep_for(5ms);
        }
    }
};

TEST_F(MariadbWrite, EveryTypeComesAndGoesUnchanged) {
    db_->run(
        "CREATE TABLE things (id bigint unsigned PRIMARY KEY AUTO_INCREMENT, sync_id varchar(64)"
        " UNIQUE, big bigint unsigned, exact decimal(36,6), ratio double, yes tinyint(1),"
        " words longtext, day date, moment datetime(6), stamp timestamp NULL, kind enum('a','b'),"
        " raw varbinary(20), nothing int, year_ year, updated_at timestamp(6) DEFAULT NOW(6))");
    std::vector<SqlObject> things{{.mapping = {.object = ObjectName{"customer"},
                                               .native = "things",
                                               .key = "id",
                                               .marker = "sync_id",
                                               .changed = "updated_at"}}};
    auto& fields = things[0].mapping.fields;
    fields = {sql_field("big"),
              sql_field("exact"),
              sql_field("ratio"),
              sql_field("yes"),
              sql_field("words"),
              sql_field("day"),
              sql_field("kind"),
              sql_field("nothing"),
              sql_field("year_"),
              sql_field("moment", NativeType::kTimestamp),
              sql_field("stamp", NativeType::kTimestamp),
              sql_field("raw", NativeType::kString)};
    MariadbConfig east = config();
    east.zone = 120min;
    const auto connector = make(things, east);
    const std::string words = "Żółć 💡 ' \\ \" ` ? " + std::string(100'000, 'x');
    const Fields all{
        {FieldName{"big"}, Value{Decimal::parse("18446744073709551615").value()}},
        {FieldName{"exact"},
         Value{Decimal::parse("123456789012345678901234567890.123456").value()}},
        {FieldName{"ratio"}, Value{Decimal::parse("0.1").value()}},
        {FieldName{"yes"}, Value{true}},
        {FieldName{"words"}, Value{words}},
        {FieldName{"day"}, Value{parse_date("2026-02-28").value()}},
        {FieldName{"kind"}, Value{"b"}},
        {FieldName{"nothing"}, Value{}},
        {FieldName{"year_"}, Value{2026}},
        {FieldName{"moment"}, Value{parse_timestamp("2026-01-05T10:11:12.123456Z").value()}},
        {FieldName{"stamp"}, Value{parse_timestamp("2026-01-05T10:11:12Z").value()}},
        {FieldName{"raw"}, Value{"00ff27"}}};
    const auto made = connector->write(sql_command(kCreate, "1", all), {});
    ASSERT_TRUE(made) << made.error().what;
    ASSERT_TRUE(made->record);
    for (const auto& [name, value] : all) {
        const Value* held = made->record->fields.find(name);
        ASSERT_NE(held, nullptr) << name.text;
        EXPECT_EQ(*held, value) << name.text << ": " << display(*held).substr(0, 80);
    }
    const auto row = db_->run(
                            "SELECT moment, UNIX_TIMESTAMP(stamp), HEX(raw), exact, big, words"
                            " FROM things")
                         .at(0);
    EXPECT_EQ(row[0], "2026-01-05 12:11:12.123456") << "local time of the database";
    EXPECT_EQ(row[1], "1767607872");
    EXPECT_EQ(row[2], "00FF27");
    EXPECT_EQ(row[3], "123456789012345678901234567890.123456");
    EXPECT_EQ(row[4], "18446744073709551615");
    EXPECT_EQ(row[5], words);
    const auto again = connector->fetch(ObjectName{"customer"}, made->id, {});
    ASSERT_TRUE(again && *again);
    EXPECT_EQ((*again)->fields, made->record->fields);
}

TEST_F(MariadbWrite, AKeyOfSixtyFourBitsIsNotTakenForItsNeighbour) {
    db_->run(
        "CREATE TABLE things (id bigint unsigned PRIMARY KEY, words text,"
        " updated_at timestamp(6) DEFAULT NOW(6))");
    const auto connector = make({{.mapping = {.object = ObjectName{"customer"},
                                              .native = "things",
                                              .key = "id",
                                              .changed = "updated_at",
                                              .fields = {sql_field("words")}}}});
    // They differ in the last of 64 bits; a fraction of 53 bits holds one for all.
    db_->run(
        "INSERT INTO things (id, words) VALUES (18446744073709551614, 'ours'),"
        " (18446744073709551613, 'the neighbour')");
    const auto largest =
        connector->fetch(ObjectName{"customer"}, RecordId{"18446744073709551614"}, {});
    ASSERT_TRUE(largest && *largest);
    EXPECT_EQ(*(*largest)->fields.find(std::string_view{"words"}), Value{"ours"});
    const auto missing =
        connector->fetch(ObjectName{"customer"}, RecordId{"18446744073709551612"}, {});
    ASSERT_TRUE(missing);
    EXPECT_FALSE(*missing);
}

TEST_F(MariadbWrite, BytesAndTablesWithoutTransactionsAreRefusedWithAdvice) {
    db_->run("ALTER TABLE customers ADD photo blob");
    auto objects = customers();
    objects[0].mapping.fields.push_back(sql_field("photo"));
    SqlConnector bytes{mariadb_settings(config(), objects, clock_)};
    const auto refused = bytes.connect({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(refused.error().what, HasSubstr("the column 'photo' holds bytes; leave it out"));
    db_->run("ALTER TABLE customers ENGINE = MyISAM");
    SqlConnector loose{mariadb_settings(config(), customers(), clock_)};
    EXPECT_THAT(loose.connect({}).error().what, HasSubstr("ALTER TABLE ... ENGINE = InnoDB"));
    objects = customers();
    objects[0].mapping.native = "nowhere";
    SqlConnector none{mariadb_settings(config(), objects, clock_)};
    EXPECT_THAT(none.connect({}).error().what, HasSubstr("there is no such table"));
    db_->run("ALTER TABLE customers ENGINE = InnoDB");
    objects = customers();
    objects[0].mapping.key = "name";
    SqlConnector loose_key{mariadb_settings(config(), objects, clock_)};
    EXPECT_THAT(loose_key.connect({}).error().what, HasSubstr("no unique index of its own"));
}

TEST_F(MariadbWrite, ACreateThatFindsItsRecordWritesNothingOver) {
    const auto connector = make(customers());
    const Command create = sql_command(kCreate, "1", sql_fields("name", "Ada"));
    const auto made = connector->write(create, {});
    ASSERT_TRUE(made) << made.error().what;
    EXPECT_FALSE(made->existed);
    db_->run("UPDATE customers SET name = 'edited'");
    const auto again = connector->write(create, {});
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_TRUE(again->existed);
    EXPECT_EQ(again->id, made->id);
    EXPECT_EQ(*again->record->fields.find(std::string_view{"name"}), Value{"edited"});
    EXPECT_EQ(db_->value("SELECT count(*) FROM customers"), "1");
}

TEST_F(MariadbWrite, ACreateStillOnItsWayIsFoundByTheUniqueMarker) {
    MariadbConfig patient = config();
    patient.lock_timeout = 20s;
    const auto connector = make(customers(), patient);
    const auto before = client();  // The session of before, whose commit takes its time.
    before->run("BEGIN; INSERT INTO customers (name, sync_id) VALUES ('Ada', 'entity-of-1')");
    std::thread commits{[&] {
        wait_for_lock_wait();
        before->run("COMMIT");
    }};
    const auto again = connector->write(sql_command(kCreate, "1", sql_fields("name", "Ada")), {});
    commits.join();
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_TRUE(again->existed);
    EXPECT_EQ(db_->value("SELECT count(*) FROM customers"), "1");
}

TEST_F(MariadbWrite, AnEditIsNotWrittenOver) {
    insert("1", "theirs");
    const auto connector = make(customers());
    Command update = sql_command(kUpdate, "1", sql_fields("name", "ours"));
    update.expected = sql_fields("name", "old");
    const auto refused = connector->write(update, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
    EXPECT_EQ(db_->value("SELECT name FROM customers"), "theirs");
    update.expected = sql_fields("name", "theirs");
    EXPECT_TRUE(connector->write(update, {}));
    update.expected = sql_fields("name", "old");
    EXPECT_TRUE(connector->write(update, {})) << "it holds what is wanted: repeating is harmless";
    EXPECT_EQ(db_->value("SELECT name FROM customers"), "ours");
}

TEST_F(MariadbWrite, RefusalsSayTheServersOwnReason) {
    insert("1", "one");
    db_->run("INSERT INTO customers (id, name, number) VALUES (2, 'two', 'taken')");
    db_->run(
        "CREATE TRIGGER no BEFORE DELETE ON customers FOR EACH ROW"
        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'has open orders'");
    const auto connector = make(customers());
    const struct {
        Command command;
        ErrorKind kind;
        const char* why;
    } cases[] = {
        {sql_command(kUpdate, "1", sql_fields("number", "taken")), ErrorKind::kConflict,
         "Duplicate entry 'taken'"},
        {sql_command(kUpdate, "1", sql_fields("name", std::string(21, 'x'))), ErrorKind::kInvalid,
         "Data too long for column 'name'"},
        {sql_command(kUpdate, "1", sql_fields("name", Value{})), ErrorKind::kInvalid,
         "cannot be null"},
        {sql_command(kUpdate, "1", sql_fields("credit", Value{-1})), ErrorKind::kInvalid,
         "CONSTRAINT `customers.credit` failed"},
        {sql_command(kDelete, "1", {}), ErrorKind::kInvalid, "has open orders"},
        {sql_command(kUpdate, "77", sql_fields("name", "x")), ErrorKind::kNotFound, "no row"},
        {sql_command(kUpdate, "x", sql_fields("name", "x")), ErrorKind::kNotFound, "no row"},
    };
    for (const auto& row : cases) {
        const auto written = connector->write(row.command, {});
        ASSERT_FALSE(written) << row.why;
        EXPECT_EQ(written.error().kind, row.kind) << written.error().what;
        EXPECT_THAT(written.error().what, HasSubstr(row.why));
    }
    EXPECT_EQ(db_->value("SELECT name FROM customers WHERE id = 1"), "one");
    EXPECT_TRUE(connector->write(sql_command(kUpdate, "1", sql_fields("name", "fine")), {}));
}

TEST_F(MariadbWrite, AConnectionLostInTheCommitIsADoubtAndBeforeItIsNot) {
    auto session = open_mariadb(target(), clock_, {});
    ASSERT_TRUE(session) << session.error().what;
    const Statement insertion{.sql = "INSERT INTO customers (name) VALUES (?)",
                              .parameters = {Datum::of_text("x")}};
    const auto before = in_transaction<Written>(**session, {}, [&]() -> Result<Written> {
        EXPECT_TRUE((*session)->run(insertion, {}));
        db_->run("KILL CONNECTION " + id_of_session());
        if (auto late = (*session)->run(insertion, {}); !late) return fail(late.error());
        return Written{};
    });
    ASSERT_FALSE(before);
    EXPECT_EQ(before.error().kind, ErrorKind::kUnavailable) << before.error().what;
    EXPECT_FALSE((*session)->usable());

    session = open_mariadb(target(), clock_, {});
    ASSERT_TRUE(session) << session.error().what;
    const auto blocker = client();
    std::thread killer;
    const auto during = in_transaction<Written>(**session, {}, [&]() -> Result<Written> {
        EXPECT_TRUE((*session)->run(insertion, {}));
        blocker->run("FLUSH TABLES WITH READ LOCK");  // Lets no commit through.
        killer = std::thread{[&] {
            wait_for_state("Waiting for backup lock");
            db_->run("KILL CONNECTION " + id_of_session());
        }};
        return Written{};
    });
    killer.join();
    blocker->run("UNLOCK TABLES");
    ASSERT_FALSE(during);
    EXPECT_EQ(during.error().kind, ErrorKind::kAmbiguous) << during.error().what;
}

TEST_F(MariadbWrite, ADeadlockIsTriedAgainLater) {
    insert("1", "one");
    db_->run(
        "CREATE TABLE others (id int PRIMARY KEY, n int); INSERT INTO others VALUES (1, 0);"
        "CREATE TABLE weight (n int); CREATE TRIGGER also AFTER UPDATE ON customers FOR EACH "
        "ROW UPDATE others SET n = n + 1 WHERE id = 1");
    MariadbConfig patient = config();
    patient.lock_timeout = 20s;
    const auto connector = make(customers(), patient);
    const auto theirs = client();
    // With more to undo, theirs is not the one that is given up.
    theirs->run(
        "BEGIN; INSERT INTO weight SELECT seq FROM seq_1_to_1000;"
        "UPDATE others SET n = 5 WHERE id = 1");
    std::thread crosses{[&] {
        wait_for_lock_wait();  // Ours holds the customer and waits for the other row.
        theirs->run("SELECT * FROM customers WHERE id = 1 FOR UPDATE");
    }};
    const Command update = sql_command(kUpdate, "1", sql_fields("name", "ours"));
    const auto written = connector->write(update, {});
    crosses.join();
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(written.error().what, HasSubstr("Deadlock"));
    theirs->run("COMMIT");
    EXPECT_TRUE(connector->write(update, {})) << "on the same session";
    EXPECT_EQ(db_->value("SELECT n FROM others"), "6");
}

TEST_F(MariadbWrite, AWriteThatFindsTheTableAlteredLooksAtItAnewAndIsNotRefused) {
    insert("1", "one");
    insert("2", "two");
    const Command commands[] = {sql_command(kCreate, "3", sql_fields("name", "new")),
                                sql_command(kUpdate, "1", sql_fields("name", "ours")),
                                sql_command(kDelete, "2", {})};
    for (const Command& command : commands) {
        const auto connector = make(customers());
        db_->run("ALTER TABLE customers CHANGE number number_x varchar(20)");
        const auto refused = connector->write(command, {});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable) << refused.error().what;
        EXPECT_THAT(refused.error().what, HasSubstr("it is looked at anew"));
        ASSERT_TRUE(connector->connect({}));
        const auto written = connector->write(command, {});
        EXPECT_TRUE(written) << written.error().what;
        db_->run("ALTER TABLE customers CHANGE number_x number varchar(20)");
    }
    EXPECT_EQ(db_->value("SELECT GROUP_CONCAT(name ORDER BY id) FROM customers"), "ours,new");
}

TEST_F(MariadbWrite, StopAndLimitsEndEveryWait) {
    const auto locker = client();
    insert("1", "one");
    MariadbConfig patient = config();
    patient.lock_timeout = 60s;
    patient.common.statement_timeout = 60s;
    const auto connector = make(customers(), patient);
    locker->run("LOCK TABLES customers WRITE");
    std::stop_source source;
    std::thread stopper{[&] {
        std::this_thread::sleep_for(200ms);
        source.request_stop();
    }};
    auto begun = std::chrono::steady_clock::now();
    const auto stopped =
        connector->fetch(ObjectName{"customer"}, RecordId{"1"}, source.get_token());
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1200ms);
    stopper.join();
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::kUnavailable);
    locker->run("UNLOCK TABLES");

    MariadbConfig hasty = config();
    hasty.common.statement_timeout = 300ms;
    auto slow = customers();
    slow[0].mapping.filter = "SLEEP(20) = 0";
    const auto limited = make(slow, hasty);
    begun = std::chrono::steady_clock::now();
    const auto late = limited->read({}, 10, {});
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kUnavailable) << late.error().what;
}

TEST_F(MariadbWrite, AServerThatDoesNotAnswerIsGivenUp) {
    // Takes connections into its backlog and says nothing.
    const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(silent, generic, size), 0);
    ASSERT_EQ(::listen(silent, 4), 0);
    ASSERT_EQ(::getsockname(silent, generic, &size), 0);
    MariadbTarget mute = target();
    mute.port = ntohs(address.sin_port);
    mute.connect_limit = 300ms;
    auto begun = std::chrono::steady_clock::now();
    const auto late = open_mariadb(mute, clock_, {});
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(late.error().what, HasSubstr("no answer while connecting"));
    mute.connect_limit = 30s;
    std::stop_source source;
    std::thread stopper{[&] {
        std::this_thread::sleep_for(100ms);
        source.request_stop();
    }};
    begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(open_mariadb(mute, clock_, source.get_token()));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1100ms);
    stopper.join();
    ::close(silent);
    mute.port = test::free_port();
    EXPECT_EQ(open_mariadb(mute, clock_, {}).error().kind, ErrorKind::kUnavailable);
}

TEST_F(MariadbWrite, WrongCredentialsAreForAPerson) {
    MariadbTarget wrong = target();
    wrong.user = "nobody";
    const auto denied = open_mariadb(wrong, clock_, {});
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().kind, ErrorKind::kDenied) << denied.error().what;
    wrong = target();
    wrong.database = "nowhere";
    EXPECT_FALSE(open_mariadb(wrong, clock_, {}));
    wrong = target();
    wrong.password = Secret{Secret::Source::kEnvironment, "SYNCLINE_TEST_NO_SUCH"};
    EXPECT_EQ(open_mariadb(wrong, clock_, {}).error().kind, ErrorKind::kNotFound);
}

// ---- TLS ------------------------------------------------------------------------------------

class MariadbTlsTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "syncline-tls-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        std::filesystem::permissions(folder_, std::filesystem::perms{0755});
        for (const char* name : {"server", "other"}) {
            const std::string base = (folder_ / name).string();
            const std::string command =
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
                " -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
                base + ".key -out " + base + ".crt 2>/dev/null && chmod 644 " + base + ".key";
            ASSERT_EQ(std::system(command.c_str()), 0);
        }
        ::setenv("SYNCLINE_TEST_MARIADB_PASSWORD", "secret", 1);
        server_ = std::make_unique<MariadbServer>(
            std::vector<std::string>{"--ssl-cert=" + (folder_ / "server.crt").string(),
                                     "--ssl-key=" + (folder_ / "server.key").string(),
                                     "--ssl-ca=" + (folder_ / "server.crt").string()});
        MariadbClient{*server_, ""}.run(
            "CREATE DATABASE erp; CREATE USER syncline@'127.0.0.1' IDENTIFIED BY 'secret' REQUIRE "
            "SSL; GRANT ALL ON erp.* TO syncline@'127.0.0.1'");
    }
    static void TearDownTestSuite() {
        server_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Result<std::unique_ptr<Session>> open(const char* host, MariadbTls tls, const char* ca) {
        return open_mariadb(
            {.host = host,
             .port = server_->port(),
             .database = "erp",
             .user = "syncline",
             .password = Secret{Secret::Source::kEnvironment, "SYNCLINE_TEST_MARIADB_PASSWORD"},
             .tls = tls,
             .tls_ca = (folder_ / ca).string(),
             .connect_limit = 10s,
             .statement_limit = 10s,
             .lock_limit = 10s},
            clock_, {});
    }
    static inline std::filesystem::path folder_;
    static inline std::unique_ptr<MariadbServer> server_;
    SystemClock clock_;
};

TEST_F(MariadbTlsTest, TheServersCertificateAndNameAreVerified) {
    const auto good = open("localhost", MariadbTls::kVerifyFull, "server.crt");
    ASSERT_TRUE(good) << good.error().what;
    const auto cipher = (*good)->run({.sql = "SHOW STATUS LIKE 'Ssl_cipher'"}, {});
    ASSERT_TRUE(cipher);
    EXPECT_NE(cipher->rows.at(0).at(1).text, "");
    const auto stranger = open("localhost", MariadbTls::kVerifyFull, "other.crt");
    ASSERT_FALSE(stranger);
    EXPECT_EQ(stranger.error().kind, ErrorKind::kDenied) << stranger.error().what;
    const auto misnamed = open("127.0.0.1", MariadbTls::kVerifyFull, "server.crt");
    ASSERT_FALSE(misnamed);
    EXPECT_EQ(misnamed.error().kind, ErrorKind::kDenied) << misnamed.error().what;
    EXPECT_TRUE(open("127.0.0.1", MariadbTls::kRequire, "other.crt"));
    const auto plain = open("127.0.0.1", MariadbTls::kDisable, "server.crt");
    ASSERT_FALSE(plain) << "the account requires TLS";
    EXPECT_EQ(plain.error().kind, ErrorKind::kDenied);
}

}  // namespace
}  // namespace syncline::agent::sql
