// Writing: once, sorted refusals, and connections that are lost on the way.
#include "tests/integration/postgres_fixture.h"

namespace syncline::agent::postgres {
namespace {

TEST_F(PostgresConnectorTest, ACreateRepeatedIsOneRow) {
    const auto connector = make();
    ASSERT_TRUE(connector->traits().create_is_idempotent == false);  // `odd` has no marker.
    const Fields fields{{FieldName{"name"}, Value{"Anna"}},
                        {FieldName{"credit"}, Value{*Decimal::parse("12.5")}},
                        {FieldName{"vip"}, Value{true}}};
    const auto first = connector->write(create("entity1", fields), {});
    ASSERT_TRUE(first) << first.error().what;
    EXPECT_FALSE(first->existed);
    ASSERT_TRUE(first->record);
    EXPECT_EQ(first->record->marker, EntityId{"entity1"});
    const auto second = connector->write(create("entity1", fields), {});
    ASSERT_TRUE(second) << second.error().what;
    EXPECT_TRUE(second->existed);
    EXPECT_EQ(second->id, first->id);
    EXPECT_EQ(db_->value("SELECT count(*) FROM erp.customers"), "1");
    const auto found = connector->find(ObjectName{"customer"}, EntityId{"entity1"}, {});
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->id, first->id);
    const auto none = connector->find(ObjectName{"customer"}, EntityId{"entity2"}, {});
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
}

TEST_F(PostgresConnectorTest, UpdatesAndDeletesOneRow) {
    db_->run(
        "INSERT INTO erp.customers (id, name, attributes) VALUES (1, 'Anna', "
        "'{\"vip\": false, \"other\": 1}'), (2, 'Bert', NULL)");
    const auto connector = make();
    const auto written = connector->write(
        update("1", {{FieldName{"name"}, Value{"A'; DROP TABLE erp.customers; --"}},
                     {FieldName{"credit"}, Value{*Decimal::parse("0.12345678901")}},
                     {FieldName{"vip"}, Value{true}},
                     {FieldName{"email"}, Value{}}}),
        {});
    ASSERT_TRUE(written) << written.error().what;
    ASSERT_TRUE(written->record);
    // As stored: rounded by the column.
    EXPECT_EQ(display(*written->record->fields.find("credit")), "0.123456789");
    EXPECT_EQ(db_->value("SELECT name FROM erp.customers WHERE id = 1"),
              "A'; DROP TABLE erp.customers; --");
    EXPECT_EQ(db_->value("SELECT attributes FROM erp.customers WHERE id = 1"),
              "{\"vip\": true, \"other\": 1}");
    EXPECT_EQ(db_->value("SELECT name FROM erp.customers WHERE id = 2"), "Bert");

    Command gone = update("1", {});
    gone.kind = CommandKind::kDelete;
    EXPECT_TRUE(connector->write(gone, {}));
    const auto again = connector->write(gone, {});
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_FALSE(again->existed);
    const auto fetched = connector->fetch(ObjectName{"customer"}, RecordId{"1"}, {});
    ASSERT_TRUE(fetched);
    EXPECT_FALSE(*fetched);
    const auto nonsense = connector->fetch(ObjectName{"customer"}, RecordId{"no number"}, {});
    ASSERT_TRUE(nonsense) << nonsense.error().what;
    EXPECT_FALSE(*nonsense);
}

TEST_F(PostgresConnectorTest, RefusalsAreSorted) {
    db_->run("INSERT INTO erp.customers (id, number, name) VALUES (1, 'A', 'x'), (2, 'B', 'y')");
    const auto connector = make();
    const auto kind_of = [&](const Command& command) {
        const auto written = connector->write(command, {});
        return written ? "none" : std::string{name_of(written.error().kind)};
    };
    EXPECT_EQ(kind_of(update("2", {{FieldName{"number"}, Value{"A"}}})), "conflict");
    const auto refused = connector->write(update("2", {{FieldName{"credit"}, Value{-1}}}), {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr("customers_credit_check"));
    EXPECT_THAT(refused.error().what, testing::Not(HasSubstr("Failing row")));  // Its values.
    EXPECT_EQ(kind_of(update("2", {{FieldName{"credit"}, Value{-1}}})), "invalid");
    EXPECT_EQ(kind_of(update("2", {{FieldName{"name"}, Value{}}})), "invalid");
    EXPECT_EQ(kind_of(update("2", {{FieldName{"tier"}, Value{"lead"}}})), "invalid");
    EXPECT_EQ(kind_of(update("2", {{FieldName{"name"}, Value{std::string{"a\0b", 3}}}})),
              "invalid");
    EXPECT_EQ(kind_of(update("7", {{FieldName{"name"}, Value{"z"}}})), "not_found");
    EXPECT_EQ(kind_of(update("2", {{FieldName{"name"}, Value{"z"}}})), "none");
    db_->run(
        "REVOKE UPDATE ON erp.customers FROM syncline; ALTER TABLE erp.customers OWNER TO "
        "postgres; GRANT SELECT ON erp.customers TO syncline");
    EXPECT_EQ(kind_of(update("2", {{FieldName{"name"}, Value{"q"}}})), "denied");
}

TEST_F(PostgresConnectorTest, AConcurrentEditIsAConflict) {
    insert("1", "Anna");
    const auto connector = make();
    Command command = update("1", {{FieldName{"name"}, Value{"Anne"}}});
    command.expected = {{FieldName{"name"}, Value{"Somebody"}}};
    auto written = connector->write(command, {});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kConflict);
    command.expected = {{FieldName{"name"}, Value{"Anna"}}};
    EXPECT_TRUE(connector->write(command, {}));
    EXPECT_TRUE(connector->write(command, {}));  // Already as wanted.
}

TEST_F(PostgresConnectorTest, ABackendEndedBeforeTheCommitDidNothing) {
    insert("1", "Anna");
    const auto connector = make();
    PostgresClient locker{server_, "erp"};
    locker.run("BEGIN; SELECT * FROM erp.customers FOR UPDATE");
    std::jthread killer{[&] { terminate_blocked_session(); }};
    const Command command = update("1", {{FieldName{"name"}, Value{"Anne"}}});
    const auto written = connector->write(command, {});
    killer.join();
    locker.run("ROLLBACK");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kUnavailable) << written.error().what;
    EXPECT_EQ(db_->value("SELECT name FROM erp.customers"), "Anna");
    ASSERT_TRUE(connector->connect({}));
    EXPECT_TRUE(connector->write(command, {}));
}

TEST_F(PostgresConnectorTest, ABackendEndedInTheCommitLeavesADoubt) {
    insert("1", "Anna");
    db_->run(
        "CREATE FUNCTION erp.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$");
    db_->run(
        "CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON erp.customers DEFERRABLE INITIALLY "
        "DEFERRED FOR EACH ROW EXECUTE FUNCTION erp.wait()");
    const auto connector = make();
    db_->run("SELECT pg_advisory_lock(1)");
    std::jthread killer{[&] { terminate_blocked_session(); }};
    const auto written = connector->write(update("1", {{FieldName{"name"}, Value{"Anne"}}}), {});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kAmbiguous) << written.error().what;
}

TEST_F(PostgresConnectorTest, StoppingEndsAWriteThatWaits) {
    insert("1", "Anna");
    const auto connector = make();
    PostgresClient locker{server_, "erp"};
    locker.run("BEGIN; SELECT * FROM erp.customers FOR UPDATE");
    std::stop_source stop;
    std::jthread stopper{[&] {
        wait_for_blocked_session();
        stop.request_stop();
    }};
    const auto begin = std::chrono::steady_clock::now();
    const auto written =
        connector->write(update("1", {{FieldName{"name"}, Value{"Anne"}}}), stop.get_token());
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kUnavailable) << written.error().what;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST_F(PostgresConnectorTest, OwnWritesAreMarkedInTheStream) {
    const auto reader = make();
    const auto writer = make();
    Follower agent{*reader};
    agent.until_streaming();
    insert("100", "not ours");
    const auto written = writer->write(create("entity1", {{FieldName{"name"}, Value{"ours"}}}), {});
    ASSERT_TRUE(written) << written.error().what;
    agent.until([&] { return agent.state.contains(written->id.text) && agent.state.size() == 2; });
    EXPECT_EQ(reader->own_writes_seen(), 1u);
}

TEST_F(PostgresConnectorTest, OddNamesAndKeysWork) {
    const auto connector = make();
    Follower agent{*connector};
    agent.until_streaming();
    Command command = create("entity1", {{FieldName{"text"}, Value{"hello"}}});
    command.entity.object = ObjectName{"odd"};
    const auto written = connector->write(command, {});
    ASSERT_TRUE(written) << written.error().what;
    EXPECT_EQ(written->id.text.size(), 36u);
    agent.until([&] { return agent.state.contains(written->id.text); });
    EXPECT_EQ(agent.text(written->id.text, "text"), "\"hello\"");
}

}  // namespace
}  // namespace syncline::agent::postgres
