// Operations of workflows in a database: each is carried out once, also if the COMMIT's answer is
// lost.
#include "tests/integration/postgres_fixture.h"

#include "shared/base/json.h"

namespace syncline::agent::postgres {
namespace {

class PostgresOperationsTest : public PostgresConnectorTest {
protected:
    PostgresOperationsTest() {
        db_->run(
            "SET ROLE syncline; CREATE TABLE erp.shipments (id bigint GENERATED ALWAYS AS IDENTITY,"
            " number text UNIQUE, amount numeric(12,2) CHECK (amount > 0), key text); RESET ROLE");
        config_ = config();
        config_.operations_table = "erp.done_operations";
        declare("ship",
                "INSERT INTO erp.shipments (number, amount, key) VALUES (:number, :amount, :key)"
                " RETURNING number, amount");
        declare("cancel", "DELETE FROM erp.shipments WHERE number = :number RETURNING number");
        declare("fails", "SELECT erp.refuse(:number) AS number");
    }
    void declare(const char* name, const char* sql) {
        config_.operations.emplace(name, parse_question(sql).value());
    }
    OperationRequest request(const std::string& key, const char* name = "ship",
                             const char* amount = "2.50") const {
        return {name,
                key,
                {{FieldName{"number"}, "S-1"}, {FieldName{"amount"}, *Decimal::parse(amount)}},
                20s};
    }
    std::string count() { return db_->value("SELECT count(*) FROM erp.shipments"); }
    PostgresConfig config_;
};

TEST_F(PostgresOperationsTest, AreCarriedOutOnce) {
    const auto connector = make(config_);
    ASSERT_EQ(connector->operations().size(), 3u);
    EXPECT_EQ(connector->operations()[0].name, "cancel");
    EXPECT_EQ(connector->operations()[0].on_doubt, OnDoubt::kRepeat);
    const auto first = connector->operate(request("flow/i1/ship"), {});
    ASSERT_TRUE(first) << first.error().what;
    EXPECT_EQ(to_json(*first), R"({"amount":2.5,"number":"S-1"})");
    const auto again = connector->operate(request("flow/i1/ship"), {});
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(*again, *first);
    EXPECT_EQ(count(), "1");
    EXPECT_EQ(db_->value("SELECT key FROM erp.shipments"), "flow/i1/ship");
    EXPECT_EQ(db_->value("SELECT count(*) FROM erp.done_operations"), "1");
    EXPECT_TRUE(connector->operate(request("flow/i1/cancel", "cancel"), {}));
    EXPECT_EQ(count(), "0");
}

TEST_F(PostgresOperationsTest, WhatIsRefusedHasNoEffectAndLeavesNothingBehind) {
    db_->run(
        "SET ROLE syncline; CREATE FUNCTION erp.refuse(text) RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO erp.shipments (number) VALUES ($1); RAISE 'closed'; END $$;"
        " RESET ROLE; CREATE TABLE erp.secret (number text)");
    declare("denied", "INSERT INTO erp.secret VALUES (:number) RETURNING number");
    declare("many", "INSERT INTO erp.shipments (number) VALUES ('a'), ('b') RETURNING number");
    const auto connector = make(config_);
    const auto kind = [&](const OperationRequest& one) {
        const auto done = connector->operate(one, {});
        return done ? ErrorKind::kInternal : done.error().kind;
    };
    EXPECT_EQ(kind(request("flow/i1/a", "ship", "-1")), ErrorKind::kInvalid);
    EXPECT_EQ(kind(request("flow/i1/b", "fails")), ErrorKind::kInvalid);
    EXPECT_EQ(kind(request("flow/i1/c", "cancel")), ErrorKind::kNotFound);
    EXPECT_EQ(kind(request("flow/i1/d", "denied")), ErrorKind::kInvalid);
    EXPECT_EQ(kind(request("flow/i1/e", "many")), ErrorKind::kInvalid);
    EXPECT_EQ(kind(request("flow/i1/f", "other")), ErrorKind::kUnsupported);
    EXPECT_EQ(count(), "0");
    EXPECT_EQ(db_->value("SELECT count(*) FROM erp.done_operations"), "0");
    ASSERT_TRUE(connector->operate(request("flow/i1/a"), {})) << "the session goes on";
    EXPECT_EQ(kind(request("flow/i1/g")), ErrorKind::kInvalid) << "the number is taken";
}

TEST_F(PostgresOperationsTest, WaitUntilTheirTableCanBeMade) {
    config_.operations_table = "erp2.done";
    const auto connector = make(config_);
    const auto waits = connector->operate(request("flow/i1/ship"), {});
    ASSERT_FALSE(waits);
    EXPECT_EQ(waits.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(waits.error().what, HasSubstr("CREATE TABLE"));
    db_->run("CREATE SCHEMA erp2 AUTHORIZATION syncline");
    ASSERT_TRUE(connector->connect({}));
    EXPECT_TRUE(connector->operate(request("flow/i1/ship"), {}));
}

TEST_F(PostgresOperationsTest, ALostCommitIsFoundOutByRepeating) {
    db_->run(
        "CREATE FUNCTION erp.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON erp.shipments DEFERRABLE INITIALLY "
        "DEFERRED FOR EACH ROW EXECUTE FUNCTION erp.wait()");
    auto connector = make(config_);
    db_->run("SELECT pg_advisory_lock(1)");
    {
        std::jthread killer{[&] { terminate_blocked_session(); }};
        const auto lost = connector->operate(request("flow/i1/ship"), {});
        ASSERT_FALSE(lost);
        EXPECT_EQ(lost.error().kind, ErrorKind::kAmbiguous) << lost.error().what;
    }
    // This one is lost for us alone: its COMMIT goes on in the server.
    ASSERT_TRUE(connector->connect({}));
    std::stop_source stop;
    std::jthread stopper{[&] {
        wait_for_blocked_session();
        stop.request_stop();
    }};
    const auto lost = connector->operate(request("flow/i1/ship"), stop.get_token());
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, ErrorKind::kAmbiguous) << lost.error().what;
    stopper.join();
    // An attempt meanwhile waits for it instead of doing it a second time.
    std::jthread opener{[&] {
        const auto deadline = std::chrono::steady_clock::now() + kMost;
        while (db_->value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'syncline' AND "
                          "wait_event_type = 'Lock'") != "2" &&
               std::chrono::steady_clock::now() < deadline) {
            std::this_thread::sleep_for(5ms);
        }
        db_->run("SELECT pg_advisory_unlock(1)");
    }};
    const auto other = make(config_);
    const auto again = other->operate(request("flow/i1/ship"), {});
    opener.join();  // It uses the same connection as count(): two at once wait for ever.
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(to_json(*again), R"({"amount":2.5,"number":"S-1"})");
    EXPECT_EQ(count(), "1");
}

}  // namespace
}  // namespace syncline::agent::postgres
