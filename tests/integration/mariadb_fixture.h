#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "agent/connectors/sql/triggers.h"
#include "tests/integration/sql_fixture.h"
#include "tests/support/mariadb_server.h"

namespace syncline::agent::sql {

using test::MariadbClient;
using test::MariadbServer;

inline constexpr const char* kMariadbPassword = "s3cret ' \\ \"";

/// A server for all tests of a suite, a database of its own for each.
class MariadbTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        ::setenv("SYNCLINE_TEST_MARIADB_PASSWORD", kMariadbPassword, 1);
        server_ = std::make_unique<MariadbServer>();
    }
    static void TearDownTestSuite() { server_.reset(); }

    void SetUp() override {
        MariadbClient{*server_, ""}.run(
            "DROP USER IF EXISTS syncline@'127.0.0.1';"
            "CREATE USER syncline@'127.0.0.1' IDENTIFIED BY 's3cret \\' \\\\ \"';"
            "DROP DATABASE IF EXISTS erp; CREATE DATABASE erp CHARACTER SET utf8mb4;"
            "GRANT ALL ON erp.* TO syncline@'127.0.0.1'");
        db_ = client();
        db_->run(
            "CREATE TABLE customers (id int AUTO_INCREMENT PRIMARY KEY, name varchar(20) NOT NULL,"
            " credit decimal(30,10) CHECK (credit >= 0), number varchar(20) UNIQUE,"
            " sync_id varchar(64) UNIQUE, updated_at datetime(6) NOT NULL"
            " DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), KEY (updated_at, id))");
    }

    static std::unique_ptr<MariadbClient> client() {
        return std::make_unique<MariadbClient>(*server_, "erp");
    }
    static MariadbConfig config() {
        MariadbConfig config;
        config.host = "127.0.0.1";
        config.port = server_->port();
        config.database = "erp";
        config.user = "syncline";
        config.password = Secret{Secret::Source::kEnvironment, "SYNCLINE_TEST_MARIADB_PASSWORD"};
        config.tls = MariadbTls::kDisable;
        config.lock_timeout = 1s;
        return config;
    }
    static std::vector<SqlObject> customers(Detection detection = Detection::kStamp) {
        return {{.mapping = {.object = ObjectName{"customer"},
                             .native = "customers",
                             .key = "id",
                             .marker = "sync_id",
                             .changed = "updated_at",
                             .fields = {sql_field("name"), sql_field("number"),
                                        sql_field("credit", NativeType::kDecimal)}},
                 .detection = detection}};
    }
    std::unique_ptr<SqlConnector> make(std::vector<SqlObject> objects) {
        return make(std::move(objects), config());
    }
    std::unique_ptr<SqlConnector> make(std::vector<SqlObject> objects, const MariadbConfig& with) {
        auto connector =
            std::make_unique<SqlConnector>(mariadb_settings(with, std::move(objects), clock_));
        const auto connected = connector->connect({});
        EXPECT_TRUE(connected) << connected.error().what;
        return connector;
    }
    std::unique_ptr<SqlConnector> make_with_triggers() {
        const std::string sql =
            mariadb_triggers(customers(Detection::kOutbox), "erp", "syncline_outbox");
        db_->run(sql);
        db_->run(sql);  // Harmless to repeat.
        return make(customers(Detection::kOutbox));
    }
    void insert(const std::string& id, const std::string& name) {
        db_->run("INSERT INTO customers (id, name) VALUES (" + id + ", '" + name + "')");
    }
    std::string outbox() { return db_->value("SELECT count(*) FROM syncline_outbox"); }

    static inline std::unique_ptr<MariadbServer> server_;
    SystemClock clock_;
    std::unique_ptr<MariadbClient> db_;
};

}  // namespace syncline::agent::sql
