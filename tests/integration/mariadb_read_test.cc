// Changes of a real MariaDB, by stamp and by outbox.
#include "tests/integration/mariadb_fixture.h"

namespace syncline::agent::sql {
namespace {

using Then = SqlFollower::Then;

class MariadbStamp : public MariadbTest {};
class MariadbOutbox : public MariadbTest {};

/// What a server's administrator may have chosen for every session.
class MariadbDefaults : public MariadbTest {
protected:
    void TearDown() override {
        db_->run(
            "SET GLOBAL autocommit = 1, GLOBAL completion_type = 'NO_CHAIN';"
            "SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    }
};

// ---- By stamp -------------------------------------------------------------------------------

TEST_F(MariadbStamp, ARowStampedEarlierAndCommittedLaterIsTold) {
    insert("1", "first");
    insert("2", "second");
    const auto connector = make(customers());
    SqlFollower follower{*connector};
    follower.follow();
    const auto late = client();
    late->run("BEGIN; UPDATE customers SET name = 'late' WHERE id = 1");
    db_->run("UPDATE customers SET name = 'soon' WHERE id = 2");
    follower.follow();
    EXPECT_EQ(follower.text("1", "name"), "\"first\"");
    EXPECT_EQ(follower.text("2", "name"), "\"soon\"");
    late->run("COMMIT");
    ASSERT_LT(db_->value("SELECT updated_at FROM customers WHERE id = 1"),
              db_->value("SELECT updated_at FROM customers WHERE id = 2"));
    follower.follow();
    EXPECT_EQ(follower.text("1", "name"), "\"late\"");
}

TEST_F(MariadbStamp, WhatIsOlderThanTheLagIsNotReadAgain) {
    db_->run(
        "INSERT INTO customers (id, name, updated_at) VALUES (1, 'a', '2020-01-01'),"
        " (2, 'b', '2020-01-01'), (3, 'c', '2020-01-01')");
    const auto connector = make(customers());
    SqlFollower follower{*connector};
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+1", "+2", "+3"));
    follower.follow();
    EXPECT_THAT(follower.told, IsEmpty());
    const Cursor idle = follower.cursor;
    follower.follow();
    EXPECT_EQ(follower.cursor, idle) << "an idle poll writes nothing";
    insert("4", "new");
    follower.follow();
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+4")) << "within the lag";
}

TEST_F(MariadbStamp, ARowOfTheVerySecondThatReadingBeginsInIsTold) {
    db_->run("ALTER TABLE customers MODIFY updated_at datetime NOT NULL");  // Whole seconds.
    const auto server_time = [&] {
        return parse_timestamp(db_->value("SELECT UTC_TIMESTAMP(6)") + "Z").value();
    };
    constexpr int kAttemptsMax = 10;  // Of a machine that is slow just then.
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        db_->run("DELETE FROM customers");
        const Timestamp now = server_time();
        const auto whole = std::chrono::floor<std::chrono::seconds>(Duration{now.ns});
        const Timestamp second = Timestamp{Duration{whole}.count()} - 60s;
        const std::string text = to_string(second);
        // Reading begins 300 ms behind that second.
        MariadbConfig with = config();
        with.common.lag = std::chrono::round<std::chrono::milliseconds>(now - second - 300ms);
        const auto connector = make(customers(), with);
        SqlFollower follower{*connector};
        follower.follow();
        // It was stamped later in it, and commits within the lag.
        db_->run("INSERT INTO customers (id, name, updated_at) VALUES (1, 'late', '" +
                 text.substr(0, 10) + " " + text.substr(11, 8) + "')");
        follower.follow();
        if (server_time() - with.common.lag >= second + 1s) continue;
        EXPECT_THAT(follower.told, ElementsAre("+1"));
        return;
    }
    FAIL() << "no two looks within 700 ms";
}

TEST_F(MariadbStamp, CountsWhatAFullReadWouldShow) {
    db_->run("INSERT INTO customers (id, name) SELECT seq, 'c' FROM seq_1_to_35");
    std::vector<SqlObject> objects = customers();
    EXPECT_EQ(make(objects)->count({}).value_or(99), 35u);
    objects[0].mapping.filter = "id > 30";
    EXPECT_EQ(make(objects)->count({}).value_or(99), 5u);
}

TEST_F(MariadbStamp, ManyUnderOneStampArePagedThroughWithoutLossOrRepetition) {
    const auto connector = make(customers());
    SqlFollower follower{*connector};
    follower.follow();
    db_->run("INSERT INTO customers (id, name) SELECT seq, 'tie' FROM seq_1_to_430");
    ASSERT_EQ(db_->value("SELECT count(DISTINCT updated_at) FROM customers"), "1");
    follower.batches = 0;
    follower.follow(20);
    EXPECT_EQ(follower.state.size(), 430u);
    EXPECT_EQ(follower.told.size(), 430u);
    EXPECT_EQ(follower.batches, 22u);
}

TEST_F(MariadbStamp, EveryPageComesAgainAfterAKill) {
    db_->run("INSERT INTO customers (id, name) SELECT seq, 'x' FROM seq_1_to_100");
    const auto first = make(customers());
    SqlFollower follower{*first};
    follower.step(30);
    follower.step(30, Then::kForget);
    const auto second = make(customers());
    SqlFollower after{*second};
    after.cursor = follower.cursor;
    after.follow(30);
    EXPECT_EQ(after.told.size(), 70u);
}

TEST_F(MariadbStamp, AClockThatWasSetBackIsFollowedAgain) {
    db_->run("INSERT INTO customers (id, name, updated_at) VALUES (1, 'a', '2020-01-01')");
    const auto connector = make(customers());
    SqlFollower follower{*connector};
    follower.follow();
    // Stamped an hour ahead, as before the end of daylight saving or by a clock that was wrong.
    db_->run(
        "INSERT INTO customers (id, name, updated_at)"
        " VALUES (2, 'ahead', NOW(6) + INTERVAL 1 HOUR)");
    follower.follow();
    ASSERT_EQ(follower.text("2", "name"), "\"ahead\"");
    insert("3", "now");
    follower.follow();
    EXPECT_EQ(follower.text("3", "name"), "\"now\"");
}

TEST_F(MariadbStamp, AFilterAndAMissingStampAreHeeded) {
    db_->run("ALTER TABLE customers MODIFY updated_at datetime(6) NULL");
    db_->run(
        "INSERT INTO customers (id, name, updated_at) VALUES (1, 'in', NULL),"
        " (2, 'out', NULL), (3, 'in', '2020-01-01')");
    auto objects = customers();
    objects[0].mapping.filter = "name <> 'out'";
    const auto connector = make(objects);
    SqlFollower follower{*connector};
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+1", "+3"));
    ASSERT_EQ(follower.notes.size(), 1u);
    EXPECT_THAT(follower.notes[0], HasSubstr("rows without `updated_at` (id = 1 is one)"));
    EXPECT_EQ(connector->fetch(ObjectName{"customer"}, RecordId{"2"}, {}).value(), std::nullopt);
}

TEST_F(MariadbStamp, ASurveyReadsAllAndLeavesReadingWhereItStands) {
    db_->run("INSERT INTO customers (id, name) SELECT seq, 'x' FROM seq_1_to_50");
    const auto connector = make(customers());
    Cursor cursor = connector->full_read_start();
    std::size_t seen = 0;
    while (true) {
        const auto batch = connector->survey(cursor, 20, {});
        ASSERT_TRUE(batch) << batch.error().what;
        seen += batch->records.size();
        cursor = batch->next;
        if (!batch->more) break;
    }
    EXPECT_EQ(seen, 50u);
}

TEST_F(MariadbStamp, ARowThatCannotBeMappedIsKeptAndTheOthersFlow) {
    db_->run("ALTER TABLE customers ADD flag tinyint(1)");
    db_->run("INSERT INTO customers (id, name, flag) VALUES (1, 'a', 7), (2, 'b', 1)");
    auto objects = customers();
    objects[0].mapping.fields.push_back(sql_field("flag"));
    objects[0].mapping.fields.push_back(sql_field("vanished"));
    const auto connector = make(objects);
    SqlFollower follower{*connector};
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+2"));
    EXPECT_EQ(follower.text("2", "flag"), "true");
    EXPECT_THAT(follower.absent, ElementsAre(FieldName{"vanished"}));
    ASSERT_EQ(follower.rejects.size(), 1u);
    EXPECT_EQ(follower.rejects[0].id, "1");
    EXPECT_THAT(follower.rejects[0].reason, HasSubstr("'7' is neither 0 nor 1"));
}

// ---- Whatever the server's defaults are --------------------------------------------------------

TEST_F(MariadbDefaults, ChangesAreSeenAndTakenOutWithoutAutocommitAndWithChainedTransactions) {
    db_->run(mariadb_triggers(customers(Detection::kOutbox), "erp", "syncline_outbox"));
    for (const char* set : {"autocommit = 0", "autocommit = 1, GLOBAL completion_type = 'CHAIN'"}) {
        db_->run(std::string{"SET GLOBAL "} + set);
        for (const Detection detection : {Detection::kStamp, Detection::kOutbox}) {
            db_->run("DELETE FROM customers; DELETE FROM syncline_outbox");
            const auto connector = make(customers(detection));
            SqlFollower follower{*connector};
            follower.follow();
            const auto made = connector->write(
                sql_command(CommandKind::kCreate, "1", sql_fields("name", "ours")), {});
            EXPECT_TRUE(made) << made.error().what;
            follower.follow();
            insert("100", "theirs");
            follower.follow();
            EXPECT_EQ(follower.text("100", "name"), "\"theirs\"") << set;
            EXPECT_EQ(follower.state.size(), 2u) << set;
            if (detection == Detection::kStamp) continue;  // Nobody empties it.
            EXPECT_EQ(outbox(), "0") << set;
        }
    }
}

TEST_F(MariadbDefaults, WhatIsNotCommittedIsNotTold) {
    db_->run("SET GLOBAL TRANSACTION ISOLATION LEVEL READ UNCOMMITTED");
    const auto connector = make(customers());
    SqlFollower follower{*connector};
    follower.follow();
    db_->run("BEGIN");
    insert("1", "never");
    follower.follow();
    db_->run("ROLLBACK");
    EXPECT_THAT(follower.told, IsEmpty());
}

// ---- By outbox ------------------------------------------------------------------------------

TEST_F(MariadbOutbox, OfTwoTransactionsTheOneThatBeganFirstAndCommitsLastIsNotLost) {
    const auto connector = make_with_triggers();
    SqlFollower follower{*connector};
    follower.follow();
    const auto first = client();
    first->run("BEGIN; INSERT INTO customers (id, name) VALUES (1, 'began first')");
    insert("2", "committed first");
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+2"));
    EXPECT_EQ(outbox(), "0") << "what was told is taken out";
    for (int i = 0; i < 3; ++i) follower.follow();
    first->run("COMMIT");
    ASSERT_EQ(db_->value("SELECT min(seq) FROM syncline_outbox"), "1");
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+1"));
    EXPECT_EQ(outbox(), "0");
}

TEST_F(MariadbOutbox, ANumberThatWasRolledBackIsWaitedForByNobody) {
    const auto connector = make_with_triggers();
    SqlFollower follower{*connector};
    follower.follow();
    const auto other = client();
    other->run("BEGIN; INSERT INTO customers (id, name) VALUES (1, 'never'); ROLLBACK");
    insert("2", "after");
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+2"));
    const Cursor idle = follower.cursor;
    follower.follow();
    EXPECT_THAT(follower.told, IsEmpty());
    EXPECT_EQ(follower.cursor, idle);
}

TEST_F(MariadbOutbox, OnlyWhatWasStoredIsTakenOut) {
    const auto connector = make_with_triggers();
    SqlFollower follower{*connector};
    follower.follow();
    const auto late = client();
    late->run("BEGIN; INSERT INTO customers (id, name) VALUES (1, 'late')");
    insert("2", "told");
    insert("3", "told too");
    const auto batch = connector->read(follower.cursor, 10, {});
    ASSERT_TRUE(batch);
    ASSERT_EQ(batch->records.size(), 2u);
    // Between the read and its commit at the agent: a smaller number, and another change.
    late->run("COMMIT");
    db_->run("UPDATE customers SET name = 'again' WHERE id = 2");
    EXPECT_EQ(outbox(), "4");
    ASSERT_TRUE(connector->stored({"another cursor"}));
    EXPECT_EQ(outbox(), "4");
    ASSERT_TRUE(connector->stored(batch->next));
    EXPECT_EQ(outbox(), "2");
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+1", "+2"));
    EXPECT_EQ(follower.text("2", "name"), "\"again\"");
}

TEST_F(MariadbOutbox, AKillAtAnyPageLosesNothing) {
    const auto first = make_with_triggers();
    SqlFollower follower{*first};
    follower.follow();
    db_->run("INSERT INTO customers (id, name) SELECT seq, 'x' FROM seq_1_to_100");
    follower.step(30);
    EXPECT_EQ(outbox(), "70");
    follower.step(30, Then::kForget);  // Told, not stored.
    const auto second = make(customers(Detection::kOutbox));
    SqlFollower after{*second};
    after.cursor = follower.cursor;
    after.follow(30);
    EXPECT_EQ(after.state.size(), 70u);
    EXPECT_EQ(outbox(), "0");
    // The process ended after the store and before what was told was taken out.
    db_->run("UPDATE customers SET name = 'y' WHERE id <= 40");
    const auto page = second->read(after.cursor, 30, {});
    ASSERT_TRUE(page);
    const auto third = make(customers(Detection::kOutbox));
    SqlFollower last{*third};
    last.cursor = page->next;
    last.follow(30);
    EXPECT_EQ(last.state.size(), 10u) << "behind the cursor";
    last.follow(30);
    EXPECT_EQ(last.state.size(), 40u) << "what was not taken out comes again";
    EXPECT_EQ(outbox(), "0");
}

TEST_F(MariadbOutbox, DeletionsAndNewKeysAreTold) {
    const auto connector = make_with_triggers();
    insert("1", "a");
    insert("2", "b");
    SqlFollower follower{*connector};
    follower.follow();
    db_->run("DELETE FROM customers WHERE id = 1; UPDATE customers SET id = 9 WHERE id = 2");
    follower.follow();
    EXPECT_THAT(follower.told, testing::UnorderedElementsAre("-1", "-2", "+9"));
    EXPECT_EQ(follower.state.size(), 1u);
}

TEST_F(MariadbOutbox, TextKeysThatACollationTakesForEachOtherAreTwo) {
    db_->run("CREATE TABLE parts (code varchar(20) PRIMARY KEY, name varchar(20))");
    const std::vector<SqlObject> parts{{.mapping = {.object = ObjectName{"part"},
                                                    .native = "erp.parts",
                                                    .key = "code",
                                                    .fields = {sql_field("name")}},
                                        .detection = Detection::kOutbox}};
    db_->run(mariadb_triggers(parts, "erp", "syncline_outbox"));
    const auto connector = make(parts);
    SqlFollower follower{*connector};
    db_->run("INSERT INTO parts VALUES ('abc', 'x')");
    follower.follow();
    db_->run("UPDATE parts SET code = 'ABC'");
    follower.follow();
    EXPECT_THAT(follower.told, testing::UnorderedElementsAre("-abc", "+ABC"));
    const auto none = connector->fetch(ObjectName{"part"}, RecordId{"abc"}, {});
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
}

TEST_F(MariadbOutbox, AMissingOutboxOrTriggerIsSaid) {
    const auto bare = make(customers(Detection::kOutbox));
    const auto none = bare->read({}, 10, {});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(none.error().what, HasSubstr("run what `syncline-agent triggers FILE` prints"));
    db_->run(mariadb_triggers(customers(Detection::kOutbox), "erp", "syncline_outbox"));
    db_->run("DROP TRIGGER syncline_outbox_customer_delete");
    const auto one = bare->read({}, 10, {});
    ASSERT_FALSE(one);
    EXPECT_THAT(one.error().what,
                HasSubstr("`customers` has no trigger that tells the outbox of: delete"));
    // Without the right to see them nobody can tell.
    db_->run("REVOKE ALL ON erp.* FROM syncline@'127.0.0.1'");
    db_->run(
        "GRANT SELECT ON erp.customers TO syncline@'127.0.0.1';"
        "GRANT SELECT, DELETE ON erp.syncline_outbox TO syncline@'127.0.0.1'");
    const auto blind = make(customers(Detection::kOutbox));
    const auto batch = blind->read({}, 10, {});
    ASSERT_TRUE(batch) << batch.error().what;
    ASSERT_EQ(batch->notes.size(), 1u);
    EXPECT_THAT(batch->notes[0], HasSubstr("GRANT TRIGGER shows it"));
}

TEST_F(MariadbOutbox, WithoutTheRightToTakeEntriesOutNothingIsRead) {
    db_->run(mariadb_triggers(customers(Detection::kOutbox), "erp", "syncline_outbox"));
    db_->run(
        "REVOKE ALL ON erp.* FROM syncline@'127.0.0.1';"
        "GRANT SELECT ON erp.* TO syncline@'127.0.0.1'");
    const auto connector = make(customers(Detection::kOutbox));
    const auto refused = connector->read({}, 10, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kDenied);
    EXPECT_THAT(refused.error().what, HasSubstr("DELETE command denied"));
}

TEST_F(MariadbOutbox, AnObjectThatWasFollowedByStampIsReadWholeFirst) {
    const auto by_stamp = make(customers());
    insert("1", "a");
    SqlFollower before{*by_stamp};
    before.follow();
    insert("2", "before the triggers");
    const auto connector = make_with_triggers();
    SqlFollower after{*connector};
    after.cursor = before.cursor;
    after.follow();
    EXPECT_THAT(after.told, ElementsAre("+1", "+2"));
}

TEST_F(MariadbOutbox, ATableIsTheSameWithAndWithoutItsDatabase) {
    std::ignore = make_with_triggers();
    auto qualified = customers(Detection::kOutbox);
    qualified[0].mapping.native = "erp.customers";
    const auto connector = make(qualified);
    SqlFollower follower{*connector};
    follower.follow();
    insert("1", "a");
    follower.follow();
    EXPECT_THAT(follower.told, ElementsAre("+1"));
    db_->run(mariadb_triggers(qualified, "erp", "syncline_outbox"));
    const auto plain = make(customers(Detection::kOutbox));
    SqlFollower after{*plain};
    after.cursor = follower.cursor;
    db_->run("UPDATE customers SET name = 'b'");
    after.follow();
    EXPECT_THAT(after.told, ElementsAre("+1"));
    EXPECT_EQ(outbox(), "0");
    EXPECT_THAT(after.notes, IsEmpty());
}

TEST_F(MariadbOutbox, ChangesOfATableThatNobodyMapsStayAndNothingIsReadUntilAPersonDecides) {
    const auto connector = make_with_triggers();
    SqlFollower follower{*connector};
    follower.follow();
    // Its triggers go with it, and tell the name that it had.
    db_->run("RENAME TABLE customers TO clients");
    auto renamed = customers(Detection::kOutbox);
    renamed[0].mapping.native = "clients";
    const auto again = make(renamed);
    db_->run("INSERT INTO clients (id, name) VALUES (1, 'a')");
    const auto refused = again->read(follower.cursor, 10, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(refused.error().what, HasSubstr("has changes of 'customers', a table that no"));
    EXPECT_THAT(refused.error().what,
                HasSubstr("UPDATE `erp`.`syncline_outbox` SET table_name = '...' WHERE table_name "
                          "= 'customers'"));
    EXPECT_EQ(outbox(), "1") << "they stay";
    db_->run("UPDATE syncline_outbox SET table_name = 'clients'");
    db_->run(mariadb_triggers(renamed, "erp", "syncline_outbox"));
    SqlFollower after{*again};
    after.cursor = follower.cursor;
    after.follow();
    EXPECT_THAT(after.told, ElementsAre("+1"));
    EXPECT_EQ(outbox(), "0");
}

TEST_F(MariadbOutbox, ChangesOfATableThatIsNowFollowedByStampAreSaidAndDropped) {
    db_->run("CREATE TABLE parts (id int PRIMARY KEY, name varchar(20))");
    auto objects = customers();
    objects.push_back({.mapping = {.object = ObjectName{"part"},
                                   .native = "parts",
                                   .key = "id",
                                   .fields = {sql_field("name")}},
                       .detection = Detection::kOutbox});
    db_->run(mariadb_triggers(objects, "erp", "syncline_outbox"));
    const auto connector = make(objects);
    SqlFollower follower{*connector};
    db_->run(
        "INSERT INTO syncline_outbox (table_name, record, kind)"
        " VALUES ('customers', '1', 'insert')");
    follower.follow();
    ASSERT_EQ(follower.notes.size(), 1u);
    EXPECT_THAT(follower.notes[0], HasSubstr("has changes of 'customers'"));
    EXPECT_EQ(outbox(), "0");
}

TEST_F(MariadbOutbox, TriggersOfAnotherAgentAreNotTakenForOurs) {
    db_->run(mariadb_triggers(customers(Detection::kOutbox), "erp", "syncline_outbox"));
    for (const char* event : kTriggerEvents) {
        db_->run(std::string{"DROP TRIGGER syncline_outbox_customer"} + event);
    }
    db_->run(mariadb_triggers(customers(Detection::kOutbox), "erp", "syncline_outbox_b"));
    const auto connector = make(customers(Detection::kOutbox));
    const auto refused = connector->read({}, 10, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(refused.error().what, HasSubstr("insert, update, rekey, delete"));
}

}  // namespace
}  // namespace syncline::agent::sql
