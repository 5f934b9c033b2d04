#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <type_traits>
#include <utility>

#include "agent/connectors/sql/sql.h"
#include "agent/connectors/sql/triggers.h"
#include "shared/base/clock.h"
#include "tests/conformance/connector_conformance.h"
#include "tests/support/mariadb_server.h"
#include "tests/support/sqlite_file.h"

namespace syncline::test {
namespace {

using namespace agent;
using sql::Detection;

/// Does what the agent does around a connector and the suite does not: connects again after
/// kUnavailable, at once and before the next call.
class ConnectsAgain final : public Connector {
public:
    explicit ConnectsAgain(sql::SqlSettings settings) : inner_(std::move(settings)) {}

    Result<void> connect(std::stop_token stop) override { return inner_.connect(stop); }
    Result<Batch> read(const Cursor& from, std::size_t max, std::stop_token stop) override {
        return again([&] { return inner_.read(from, max, stop); });
    }
    Result<void> stored(const Cursor& stored) override { return inner_.stored(stored); }
    Result<std::optional<Record>> fetch(const ObjectName& object, const RecordId& id,
                                        std::stop_token stop) override {
        return again([&] { return inner_.fetch(object, id, stop); });
    }
    Result<std::optional<Record>> find(const ObjectName& object, const EntityId& entity,
                                       std::stop_token stop) override {
        return again([&] { return inner_.find(object, entity, stop); });
    }
    Result<Written> write(const Command& command, std::stop_token stop) override {
        return again([&] { return inner_.write(command, stop); });
    }
    Fields normal_form(const ObjectName& object_name, const Fields& fields) const override {
        return inner_.normal_form(object_name, fields);
    }
    Traits traits() const override { return inner_.traits(); }

private:
    template <class Call>
    std::invoke_result_t<Call> again(Call call) {
        if (lost_) lost_ = !inner_.connect({});  // The call tells if it did not work.
        auto result = call();
        if (!result && result.error().kind == ErrorKind::kUnavailable) {
            lost_ = !inner_.connect({});
        }
        return result;
    }

    sql::SqlConnector inner_;
    bool lost_ = false;
};

std::string sql_quote(const std::string& text, bool backslashes) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || (backslashes && c == '\\')) out += c;
        out += c;
    }
    return out + "'";
}

std::vector<sql::SqlObject> customer(Detection detection, const char* stamp_format) {
    return {{.mapping = {.object = ObjectName{"customer"},
                         .native = "customers",
                         .key = "id",
                         .marker = "syncline_id",
                         .changed = "updated_at",
                         .changed_format = stamp_format,
                         .fields = {{.field = FieldName{"name"}, .path = "name"}}},
             .detection = detection}};
}

class MariadbPlatform final : public Platform {
public:
    explicit MariadbPlatform(Detection detection)
        : detection_(detection), objects_(customer(detection, "")) {
        ::setenv("SYNCLINE_TEST_MARIADB_PASSWORD", "secret", 1);
        MariadbClient{server_, ""}.run(
            "CREATE DATABASE erp CHARACTER SET utf8mb4;"
            "CREATE USER syncline@'127.0.0.1' IDENTIFIED BY 'secret';"
            "CREATE TABLE erp.customers (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(200),"
            " syncline_id varchar(64) UNIQUE, updated_at datetime NOT NULL"
            " DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY (updated_at, id))");
        db_ = std::make_unique<MariadbClient>(server_, "erp");
        locker_ = std::make_unique<MariadbClient>(server_, "erp");
        if (detection == Detection::kOutbox) {
            db_->run(sql::mariadb_triggers(objects_, "erp", "syncline_outbox"));
            db_->run("GRANT SELECT, DELETE ON erp.syncline_outbox TO syncline@'127.0.0.1'");
        }
        grant();
    }

    std::unique_ptr<Connector> connector() override {
        sql::MariadbConfig config;
        config.host = "127.0.0.1";
        config.port = server_.port();
        config.database = "erp";
        config.user = "syncline";
        config.password = Secret{Secret::Source::kEnvironment, "SYNCLINE_TEST_MARIADB_PASSWORD"};
        config.tls = sql::MariadbTls::kDisable;
        config.lock_timeout = std::chrono::seconds{1};
        return std::make_unique<ConnectsAgain>(sql::mariadb_settings(config, objects_, clock_));
    }

    std::string create(const std::string& text) override {
        db_->run("INSERT INTO customers (name) VALUES (" + sql_quote(text, true) + ")");
        return db_->value("SELECT LAST_INSERT_ID()");
    }
    void create_many(std::size_t count, const std::string& text) override {
        db_->run("INSERT INTO customers (name) SELECT " + sql_quote(text, true) +
                 " FROM seq_1_to_" + std::to_string(count));
    }
    void edit(const std::string& id, const std::string& text) override {
        db_->run("UPDATE customers SET name = " + sql_quote(text, true) + " WHERE id = " + id);
    }
    void remove(const std::string& id) override {
        db_->run("DELETE FROM customers WHERE id = " + id);
    }
    void settle() override {}
    std::optional<std::size_t> count() override {
        return std::stoul(db_->value("SELECT count(*) FROM customers"));
    }
    bool tells_deletions() const override { return detection_ == Detection::kOutbox; }

    std::vector<Fault> faults() override {
        return {
            {.name = "sessions ended",
             .arm = [this] { end_sessions(); },
             .read = ErrorKind::kUnavailable,
             .write = ErrorKind::kUnavailable},
            {.name = "table locked",
             .arm = [this] { locker_->run("LOCK TABLES customers WRITE"); },
             .read = ErrorKind::kUnavailable,
             .write = ErrorKind::kUnavailable},
            {.name = "table renamed",
             .arm = [this] { db_->run("RENAME TABLE customers TO others"); },
             .read = ErrorKind::kUnavailable,
             .write = ErrorKind::kUnavailable},
            {.name = "rights taken",
             .arm = [this] { db_->run("REVOKE ALL ON erp.customers FROM syncline@'127.0.0.1'"); },
             .read = ErrorKind::kDenied,
             .write = ErrorKind::kDenied},
        };
    }
    void clear_faults() override {
        locker_->run("UNLOCK TABLES");
        if (db_->value("SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'erp'"
                       " AND TABLE_NAME = 'others'") == "1") {
            db_->run("RENAME TABLE others TO customers");
        }
        grant();
    }

private:
    void grant() {
        db_->run(
            "GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON erp.customers"
            " TO syncline@'127.0.0.1'");
    }
    void end_sessions() {
        const std::string ours =
            "SELECT id FROM information_schema.PROCESSLIST WHERE user = 'syncline'";
        for (const auto& row : db_->run(ours)) db_->run("KILL CONNECTION " + row.at(0));
        while (!db_->run(ours).empty()) ::usleep(5'000);
    }

    Detection detection_;
    SystemClock clock_;
    std::vector<sql::SqlObject> objects_;
    MariadbServer server_;
    std::unique_ptr<MariadbClient> db_;
    std::unique_ptr<MariadbClient> locker_;
};

class SqlitePlatform final : public Platform {
public:
    explicit SqlitePlatform(Detection detection)
        : detection_(detection), objects_(customer(detection, "%Y-%m-%d %H:%M:%S")) {
        db_.run(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, syncline_id TEXT UNIQUE,"
            " updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)");
        if (detection == Detection::kOutbox) {
            db_.run(sql::sqlite_triggers(objects_, "syncline_outbox"));
        }
    }

    std::unique_ptr<Connector> connector() override {
        sql::SqliteConfig config;
        config.file = file_.path();
        config.busy_timeout = std::chrono::milliseconds{100};
        return std::make_unique<ConnectsAgain>(sql::sqlite_settings(config, objects_, clock_));
    }

    std::string create(const std::string& text) override {
        return db_.value("INSERT INTO customers (name) VALUES (" + sql_quote(text, false) +
                         ") RETURNING id");
    }
    void create_many(std::size_t count, const std::string& text) override {
        db_.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
                std::to_string(count) + ") INSERT INTO customers (name) SELECT " +
                sql_quote(text, false) + " FROM n");
    }
    void edit(const std::string& id, const std::string& text) override {
        db_.run("UPDATE customers SET updated_at = CURRENT_TIMESTAMP, name = " +
                sql_quote(text, false) + " WHERE id = " + id);
    }
    void remove(const std::string& id) override {
        db_.run("DELETE FROM customers WHERE id = " + id);
    }
    void settle() override {}
    std::optional<std::size_t> count() override {
        return std::stoul(db_.value("SELECT count(*) FROM customers"));
    }
    bool tells_deletions() const override { return detection_ == Detection::kOutbox; }

    std::vector<Fault> faults() override {
        return {{.name = "file locked",
                 .arm = [this] { db_.run("BEGIN EXCLUSIVE"); },
                 .read = ErrorKind::kUnavailable,
                 .write = ErrorKind::kUnavailable},
                {.name = "table renamed",
                 .arm = [this] { db_.run("ALTER TABLE customers RENAME TO others"); },
                 .read = ErrorKind::kUnavailable,
                 .write = ErrorKind::kUnavailable}};
    }
    void clear_faults() override {
        if (db_.in_transaction()) db_.run("COMMIT");
        if (db_.value("SELECT count(*) FROM sqlite_master WHERE name = 'others'") == "1") {
            db_.run("ALTER TABLE others RENAME TO customers");
        }
    }

private:
    Detection detection_;
    SystemClock clock_;
    std::vector<sql::SqlObject> objects_;
    SqliteFile file_;
    SqliteClient db_{file_.path()};
};

template <class P>
bool register_sql(const char* name, Detection detection) {
    return register_connector_conformance(name,
                                          [detection] { return std::make_unique<P>(detection); });
}

const bool kRegistered = register_sql<MariadbPlatform>("mariadb_stamp", Detection::kStamp) &&
                         register_sql<MariadbPlatform>("mariadb_outbox", Detection::kOutbox) &&
                         register_sql<SqlitePlatform>("sqlite_stamp", Detection::kStamp) &&
                         register_sql<SqlitePlatform>("sqlite_outbox", Detection::kOutbox);

}  // namespace
}  // namespace syncline::test
