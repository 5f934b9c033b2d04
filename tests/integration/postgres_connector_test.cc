// Reading: copy, stream, restarts, and what the server may lack.
#include "tests/integration/postgres_fixture.h"

namespace syncline::agent::postgres {
namespace {

TEST_F(PostgresConnectorTest, CopiesWhatIsThereAndThenStreamsWhatChanges) {
    insert("1", "Anna");
    insert("2", "Bert");
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    EXPECT_EQ(agent.state.size(), 2u);
    EXPECT_EQ(agent.text("1", "name"), "\"Anna\"");

    db_->run(
        "BEGIN; INSERT INTO erp.customers (id, name) VALUES (3, 'Cleo');"
        "UPDATE erp.customers SET name = 'Anne' WHERE id = 1; COMMIT");
    db_->run("BEGIN; INSERT INTO erp.customers (id, name) VALUES (4, 'gone'); ROLLBACK");
    db_->run("DELETE FROM erp.customers WHERE id = 2");
    agent.until([&] { return agent.state.size() == 2 && agent.state.contains("3"); });
    EXPECT_EQ(agent.text("1", "name"), "\"Anne\"");
    EXPECT_FALSE(agent.state.contains("4"));
    EXPECT_TRUE(agent.rejects.empty());
    EXPECT_GT(agent.seen.back().changed_at.ns, 0);
}

TEST_F(PostgresConnectorTest, LosesNothingOfFourWritersAndALateCommit) {
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    PostgresClient late{server_, "erp"};
    late.run("BEGIN; INSERT INTO erp.customers (id, name) VALUES (1000, 'late')");
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < 4; ++writer) {
        writers.emplace_back([this, writer] {
            PostgresClient client{server_, "erp"};
            for (int i = 0; i < 50; ++i) {
                client.run("INSERT INTO erp.customers (id, name) VALUES (" +
                           std::to_string(writer * 50 + i) + ", 'w')");
            }
        });
    }
    agent.until([&] { return agent.state.size() >= 100; }, 7);
    writers.clear();
    agent.until([&] { return agent.state.size() == 200; }, 7);
    late.run("COMMIT");
    agent.until([&] { return agent.state.contains("1000"); }, 7);
    EXPECT_EQ(agent.state.size(), 201u);
}

TEST_F(PostgresConnectorTest, GoesOnInTheCopyAfterARestart) {
    db_->run("INSERT INTO erp.customers (id, name) SELECT i, 'c' FROM generate_series(1, 35) i");
    auto connector = make();
    Follower first{*connector};
    first.step(10);
    ASSERT_EQ(first.cursor.text.substr(0, 4), "copy");
    ASSERT_EQ(first.state.size(), 10u);
    connector.reset();  // The snapshot dies with it.
    db_->run("UPDATE erp.customers SET name = 'changed' WHERE id IN (3, 30)");
    db_->run("DELETE FROM erp.customers WHERE id IN (4, 31)");

    connector = make();
    Follower second{*connector};
    second.cursor = first.cursor;
    second.state = first.state;
    second.until(
        [&] { return second.state.size() == 33 && second.text("3", "name") == "\"changed\""; }, 10);
    EXPECT_EQ(second.text("30", "name"), "\"changed\"");
    // The rows before the cut are not read again.
    EXPECT_EQ(std::ranges::count(second.seen, RecordId{"5"}, &Record::id), 0);
    // Nothing went back in time: 30 was copied changed, and its old state was never told after.
    for (const Record& record : second.seen) {
        if (record.id.text == "30") {
            EXPECT_EQ(display(*record.fields.find("name")), "\"changed\"");
        }
    }
}

TEST_F(PostgresConnectorTest, CountsWhatAFullReadWouldShow) {
    const auto connector = make();
    EXPECT_EQ(connector->count({}).value_or(99), 0u);
    db_->run("INSERT INTO erp.customers (id, name) SELECT i, 'c' FROM generate_series(1, 35) i");
    EXPECT_EQ(connector->count({}).value_or(99), 35u);
}

TEST_F(PostgresConnectorTest, TheCopyIsOfOneMoment) {
    db_->run("INSERT INTO erp.customers (id, name) SELECT i, 'c' FROM generate_series(1, 20) i");
    const auto connector = make();
    Follower agent{*connector};
    agent.step(10);
    db_->run("UPDATE erp.customers SET name = 'changed'");
    agent.until_streaming();
    EXPECT_EQ(agent.text("20", "name"), "\"c\"");
    agent.until([&] { return agent.text("20", "name") == "\"changed\""; });
    EXPECT_EQ(agent.text("1", "name"), "\"changed\"");
}

TEST_F(PostgresConnectorTest, WhatWasNotStoredComesAgain) {
    auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    insert("1", "Anna");
    const Cursor before = agent.cursor;
    auto batch = agent.read();
    while (batch && batch->records.empty()) batch = agent.read();
    ASSERT_TRUE(batch) << batch.error().what;
    ASSERT_EQ(batch->records.size(), 1u);

    auto again = connector->read(before, 100, {});  // The same object, from the old cursor.
    while (again && again->records.empty()) again = connector->read(again->next, 100, {});
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(again->records.front().id.text, "1");

    connector = make();  // And another process.
    Follower second{*connector};
    second.cursor = before;
    second.until([&] { return second.state.contains("1"); });
}

TEST_F(PostgresConnectorTest, StreamsOnAfterACrashOfTheServer) {
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    insert("1", "Anna");
    agent.until([&] { return agent.state.contains("1"); });
    db_.reset();
    server_.kill9();
    agent.step();
    server_.start();
    db_ = std::make_unique<PostgresClient>(server_, "erp");
    insert("2", "Bert");
    agent.until([&] { return agent.state.contains("2"); });
    EXPECT_EQ(agent.state.size(), 2u);
}

TEST_F(PostgresConnectorTest, AServerThatShutsDownIsNotHeldUp) {
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    insert("1", "Anna");
    agent.until([&] { return agent.state.contains("1"); });
    db_.reset();
    std::atomic<bool> stopped = false;
    std::jthread reader{[&] {
        while (!stopped) agent.step();
    }};
    const auto begin = std::chrono::steady_clock::now();
    server_.stop();
    stopped = true;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s);
}

TEST_F(PostgresConnectorTest, ALongTransactionComesInPieces) {
    auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    db_->run("INSERT INTO erp.customers (id, name) SELECT i, 'c' FROM generate_series(1, 250) i");
    agent.until([&] { return agent.state.size() >= 100; }, 100);
    EXPECT_EQ(agent.state.size(), 100u);
    connector = make();  // In the middle of it: it begins again.
    Follower second{*connector};
    second.cursor = agent.cursor;
    second.until([&] { return second.state.size() == 250; }, 100);
    insert("251", "after");
    second.until([&] { return second.state.contains("251"); }, 100);
    EXPECT_EQ(std::ranges::count(second.seen, RecordId{"7"}, &Record::id), 1);
}

TEST_F(PostgresConnectorTest, ToldInPartIsReadWhole) {
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    db_->run(
        "INSERT INTO erp.customers (id, name, note) SELECT 1, 'Anna', "
        "string_agg(md5(i::text), '') FROM generate_series(1, 600) i");
    agent.until([&] { return agent.state.contains("1"); });
    const std::string note = agent.text("1", "note");
    ASSERT_GT(note.size(), 19'000u);
    db_->run("UPDATE erp.customers SET name = 'Anne' WHERE id = 1");
    agent.until([&] { return agent.text("1", "name") == "\"Anne\""; });
    EXPECT_EQ(agent.text("1", "note"), note);
}

TEST_F(PostgresConnectorTest, AChangedKeyIsADeleteAndANewRecord) {
    insert("1", "Anna");
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    db_->run("UPDATE erp.customers SET id = 9 WHERE id = 1");
    agent.until([&] { return agent.state.contains("9"); });
    EXPECT_FALSE(agent.state.contains("1"));
    EXPECT_EQ(agent.text("9", "name"), "\"Anna\"");
    db_->run("ALTER TABLE erp.customers REPLICA IDENTITY FULL");
    db_->run("UPDATE erp.customers SET id = 10 WHERE id = 9");
    db_->run(
        "DELETE FROM erp.customers WHERE id = 10; INSERT INTO erp.customers (id, name) "
        "VALUES (11, 'x')");
    agent.until([&] { return agent.state.contains("11"); });
    EXPECT_EQ(agent.state.size(), 1u);
}

TEST_F(PostgresConnectorTest, ATruncateIsLeftToAPerson) {
    insert("1", "Anna");
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    db_->run("TRUNCATE erp.customers");
    agent.until([&] { return !agent.rejects.empty(); });
    EXPECT_THAT(agent.rejects.front().reason, HasSubstr("TRUNCATE"));
    EXPECT_EQ(agent.state.size(), 1u);
}

TEST_F(PostgresConnectorTest, EveryTypeIsExact) {
    const std::string row =
        "'A-1', 'Żółć', 'a@x', 12345678901234567890.0123456789, true, '2026-02-28', "
        "'2026-01-05 12:11:12.123456+02', '{\"vip\": true, \"n\": 1.10}', NULL, 'gold', '{a,b}', "
        "0.1)";
    const std::string into =
        "INSERT INTO erp.customers (id, number, name, email, credit, active, since, seen, "
        "attributes, note, tier, tags, ratio) VALUES ";
    db_->run(into + "(1, " + row);
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    std::string second = row;
    second.replace(second.find("A-1"), 3, "A-2");
    db_->run(into + "(2, " + second);
    agent.until([&] { return agent.state.contains("2"); });
    for (const char* id : {"1", "2"}) {  // Copied and streamed alike.
        EXPECT_EQ(agent.text(id, "credit"), "12345678901234567890.0123456789");
        EXPECT_EQ(agent.text(id, "name"), "\"Żółć\"");
        EXPECT_EQ(agent.text(id, "active"), "true");
        EXPECT_EQ(agent.text(id, "since"), "2026-02-28");
        EXPECT_EQ(agent.text(id, "seen"), "2026-01-05T10:11:12.123456Z");
        EXPECT_EQ(agent.text(id, "vip"), "true");
        EXPECT_EQ(agent.text(id, "note"), "null");
        EXPECT_EQ(agent.text(id, "tier"), "\"gold\"");
        EXPECT_EQ(agent.text(id, "tags"), "\"{a,b}\"");
        EXPECT_EQ(agent.text(id, "ratio"), "0.1");
    }
    db_->run("INSERT INTO erp.customers (id, name, credit) VALUES (3, 'x', 'NaN')");
    db_->run("INSERT INTO erp.customers (id, name, since) VALUES (4, 'x', 'infinity')");
    db_->run("INSERT INTO erp.customers (id, name) VALUES (5, 'x')");
    agent.until([&] { return agent.state.contains("5"); });
    ASSERT_EQ(agent.rejects.size(), 2u);
    EXPECT_THAT(agent.rejects[0].reason, HasSubstr("NaN"));
    EXPECT_EQ(agent.rejects[0].id, "3");
    EXPECT_THAT(agent.rejects[0].raw, HasSubstr("name=x"));
    EXPECT_EQ(agent.rejects[1].id, "4");
}

TEST_F(PostgresConnectorTest, AColumnThatVanishesIsToldAndTheOthersFlow) {
    insert("1", "Anna");
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    insert("2", "Bert");
    agent.until([&] { return agent.state.contains("2"); });
    db_->run("ALTER TABLE erp.customers DROP COLUMN email");
    db_->run("UPDATE erp.customers SET name = 'Anne' WHERE id = 1");
    agent.until([&] { return agent.text("1", "name") == "\"Anne\"" && !agent.absent.empty(); });
    EXPECT_EQ(agent.absent, std::vector{FieldName{"email"}});
    EXPECT_TRUE(agent.rejects.empty()) << "it is no record that cannot be used";
    EXPECT_EQ(agent.text("1", "email"), "(no field)");
    const auto written = connector->write(update("1", {{FieldName{"email"}, Value{"x"}}}), {});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kInvalid) << written.error().what;
    db_->run("ALTER TABLE erp.customers ADD COLUMN email text");
    db_->run("UPDATE erp.customers SET email = 'a@b.example' WHERE id = 1");
    agent.until([&] { return agent.text("1", "email") == "\"a@b.example\""; });
    EXPECT_TRUE(agent.absent.empty());
}

TEST_F(PostgresConnectorTest, AFullReadTellsEverythingAndGoesOnStreaming) {
    insert("1", "Anna");
    insert("2", "Bert");
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    agent.state.clear();
    agent.cursor = connector->full_read_start();
    insert("3", "Cleo");
    agent.step(1);
    EXPECT_EQ(agent.state.size(), 1u);
    agent.until_streaming();
    EXPECT_EQ(agent.state.size(), 3u);
    insert("4", "Dora");
    agent.until([&] { return agent.state.contains("4"); });
}

TEST_F(PostgresConnectorTest, ASlotThatIsGoneIsSaidAndAFullReadMakesItAnew) {
    auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    connector.reset();
    const auto deadline = std::chrono::steady_clock::now() + kMost;
    while (db_->value("SELECT active FROM pg_replication_slots") == "t" &&
           std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(10ms);
    }
    db_->run("SELECT pg_drop_replication_slot('syncline')");
    insert("1", "Anna");
    connector = make();
    const auto batch = connector->read(agent.cursor, 10, {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().kind, ErrorKind::kNotFound);
    EXPECT_THAT(batch.error().what, HasSubstr("full read"));
    Follower second{*connector};
    second.cursor = connector->full_read_start();
    second.until_streaming();
    EXPECT_EQ(second.state.size(), 1u);
    insert("2", "Bert");
    second.until([&] { return second.state.contains("2"); });
}

TEST_F(PostgresConnectorTest, ASlotThatIsAheadOfTheAgentLeadsToAFullRead) {
    auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    const Cursor old = agent.cursor;
    insert("1", "Anna");
    agent.until([&] { return agent.state.contains("1"); });
    insert("2", "Bert");
    agent.until([&] { return agent.state.contains("2"); });
    connector = make();
    Follower second{*connector};
    second.cursor = old;
    second.until([&] { return second.state.size() == 2; });
    ASSERT_FALSE(second.notes.empty());
    EXPECT_THAT(second.notes.front(), HasSubstr("read again"));
}

TEST_F(PostgresConnectorTest, ASecondReaderOfTheSlotHasToWait) {
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    agent.step();
    const auto second = make();
    const auto batch = second->read(agent.cursor, 10, {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().kind, ErrorKind::kUnavailable) << batch.error().what;
    EXPECT_THAT(batch.error().what, HasSubstr("55006"));
}

TEST_F(PostgresConnectorTest, EachMissingPieceIsNamed) {
    struct Case {
        const char* prepare;
        const char* undo;
        ErrorKind kind;
        const char* text;
    };
    const Case cases[] = {
        {"ALTER PUBLICATION syncline DROP TABLE erp.customers",
         "ALTER PUBLICATION syncline ADD TABLE erp.customers", ErrorKind::kInvalid,
         "ALTER PUBLICATION \"syncline\" ADD TABLE \"erp\".\"customers\""},
        {"ALTER PUBLICATION syncline RENAME TO gone", "ALTER PUBLICATION gone RENAME TO syncline",
         ErrorKind::kInvalid, "CREATE PUBLICATION"},
        {"ALTER ROLE syncline NOREPLICATION", "ALTER ROLE syncline REPLICATION", ErrorKind::kDenied,
         "ALTER ROLE \"syncline\" REPLICATION"},
        {"SELECT pg_create_logical_replication_slot('syncline', 'test_decoding')",
         "SELECT pg_drop_replication_slot('syncline')", ErrorKind::kInvalid, "pgoutput"},
    };
    for (const Case& row : cases) {
        SCOPED_TRACE(row.prepare);
        db_->run(row.prepare);
        const auto connector = make();
        const auto batch = connector->read({}, 10, {});
        db_->run(row.undo);
        ASSERT_FALSE(batch);
        EXPECT_EQ(batch.error().kind, row.kind) << batch.error().what;
        EXPECT_THAT(batch.error().what, HasSubstr(row.text));
    }
}

TEST_F(PostgresConnectorTest, WrongCredentialsAndNamesAreTold) {
    PostgresConfig wrong = config();
    ::setenv("SYNCLINE_TEST_PG_OTHER", "wrong", 1);
    wrong.password = Secret{Secret::Source::kEnvironment, "SYNCLINE_TEST_PG_OTHER"};
    PostgresConnector denied{wrong, mappings(), clock_};
    auto result = denied.connect({});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kDenied) << result.error().what;

    wrong = config();
    wrong.database = "nowhere";
    PostgresConnector nowhere{wrong, mappings(), clock_};
    result = nowhere.connect({});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kInvalid) << result.error().what;

    auto objects = mappings();
    objects[0].native = "erp.nothing";
    PostgresConnector unmapped{config(), objects, clock_};
    result = unmapped.connect({});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(result.error().what, HasSubstr("erp\".\"nothing"));

    db_.reset();
    server_.stop();
    PostgresConnector unreachable{config(), mappings(), clock_};
    result = unreachable.connect({});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kUnavailable) << result.error().what;
}

class ImpatientServer : public PostgresConnectorTest {
protected:
    ImpatientServer() : PostgresConnectorTest("wal_sender_timeout = '2s'") {}
};

TEST_F(ImpatientServer, AnIdleSlotMovesOnAndIsKeptAlive) {
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    db_->run("INSERT INTO erp.other SELECT generate_series(1, 1000)");
    const std::string target = db_->value("SELECT pg_current_wal_lsn()");
    agent.until([&] {
        return db_->value("SELECT confirmed_flush_lsn >= '" + target +
                          "' FROM pg_replication_slots") == "t";
    });
    EXPECT_TRUE(agent.seen.empty());
    EXPECT_TRUE(agent.last_error.what.empty()) << agent.last_error.what;
}

class SmallLog : public PostgresConnectorTest {
protected:
    SmallLog()
        : PostgresConnectorTest(
              "max_slot_wal_keep_size = '1MB'\nmax_wal_size = '32MB'\n"
              "min_wal_size = '32MB'\nwal_keep_size = 0") {}
};

TEST_F(SmallLog, ASlotThatLostItsLogIsTold) {
    auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    connector.reset();
    const auto deadline = std::chrono::steady_clock::now() + kMost;
    while (db_->value("SELECT wal_status FROM pg_replication_slots") != "lost") {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline);
        db_->run(
            "SELECT pg_switch_wal(); INSERT INTO erp.other VALUES ((random() * 1e9)::int) ON "
            "CONFLICT DO NOTHING");
        db_->run("CHECKPOINT");
    }
    connector = make();
    const auto batch = connector->read(agent.cursor, 10, {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().kind, ErrorKind::kNotFound);
    EXPECT_THAT(batch.error().what, HasSubstr("max_slot_wal_keep_size"));
}

class NotLogical : public PostgresConnectorTest {
protected:
    NotLogical() : PostgresConnectorTest("wal_level = replica") {}
};

TEST_F(NotLogical, IsToldWithWhatToSet) {
    const auto connector = make();
    const auto batch = connector->read({}, 10, {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().kind, ErrorKind::kUnsupported);
    EXPECT_THAT(batch.error().what, HasSubstr("wal_level = logical"));
}

}  // namespace
}  // namespace syncline::agent::postgres
