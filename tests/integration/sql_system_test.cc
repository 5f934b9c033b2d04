// The programs as processes, `books` beside a real database: what is commanded arrives there once,
// what changes there is told, whatever is killed.
#include "tests/integration/running_system.h"
#include "tests/support/mariadb_server.h"
#include "tests/support/sqlite_file.h"

namespace syncline::test {
namespace {

struct Case {
    const char* name;
    bool mariadb = false;
    bool outbox = false;
};

class SqlSystem : public RunningSystem, public testing::WithParamInterface<Case> {
protected:
    void SetUp() override {
        std::string connector;
        if (GetParam().mariadb) {
            server_.emplace();
            MariadbClient{*server_, ""}.run(
                "CREATE DATABASE erp CHARACTER SET utf8mb4;"
                "CREATE USER syncline@'127.0.0.1' IDENTIFIED BY 'secret';"
                "GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON erp.* TO syncline@'127.0.0.1'");
            mariadb_.emplace(*server_, "erp");
            write("password", "secret\n");
            connector = "kind = \"mariadb\"\nhost = \"127.0.0.1\"\nport = " +
                        std::to_string(server_->port()) +
                        "\ndatabase = \"erp\"\nuser = \"syncline\"\ntls = \"disable\"\n" +
                        "password = { file = \"" + (folder / "password").string() + "\" }\n";
            run("CREATE TABLE customers (id int AUTO_INCREMENT PRIMARY KEY, number varchar(20),"
                " name varchar(50), sync_id varchar(64) UNIQUE, updated_at datetime(6) DEFAULT"
                " CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), KEY (updated_at, id))");
        } else {
            sqlite_.emplace(folder / "app.db");
            connector = "kind = \"sqlite\"\nfile = \"app.db\"\n";
            run("PRAGMA journal_mode = WAL; CREATE TABLE customers (id INTEGER PRIMARY KEY,"
                " number TEXT, name TEXT, sync_id TEXT UNIQUE,"
                " updated_at TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')));"
                "CREATE TRIGGER stamp AFTER UPDATE OF number, name ON customers BEGIN"
                " UPDATE customers SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now')"
                " WHERE id = NEW.id; END");
        }
        write_books(connector);
        if (GetParam().outbox) install_triggers();
    }

    void write_books(const std::string& connector) const {
        const std::string config = read("books.toml");
        std::string way = GetParam().outbox ? "outbox = true\n" : "changed = \"updated_at\"\n";
        if (sqlite_ && !GetParam().outbox) {
            way += "changed_format = \"%Y-%m-%d %H:%M:%S.%L\"\n";
        }
        write("books.toml",
              config.substr(0, config.find("[connector]")) + "[connector]\n" + connector +
                  "[objects.customer]\nnative = \"customers\"\n" +
                  "key = \"id\"\nmarker = \"sync_id\"\n" + way +
                  "[objects.customer.fields]\nnumber = \"number\"\nname = \"name\"\n");
    }
    void install_triggers() {
        Program print{"syncline-agent",
                      {"triggers", (folder / "books.toml").string()},
                      {.log = folder / "triggers.sql"}};
        ASSERT_EQ(print.wait(), 0) << print.said();
        run(print.said());
    }

    void run(const std::string& sql) {
        if (mariadb_) mariadb_->run(sql);
        if (sqlite_) sqlite_->run(sql);
    }
    std::string value(const std::string& sql) {
        return mariadb_ ? mariadb_->value(sql) : sqlite_->value(sql);
    }
    [[nodiscard]] bool comes_to(const std::string& sql, const std::string& wanted) {
        return until([&] { return value(sql) == wanted; });
    }

    std::optional<MariadbServer> server_;
    std::optional<MariadbClient> mariadb_;
    std::optional<SqliteClient> sqlite_;
};

TEST_P(SqlSystem, AgreesWithTheOthersThroughKills) {
    hub = start_hub();
    shop = start_agent("shop");
    books = start_agent("books");
    drop("customers-0.jsonl", row("0", "Ada"));
    ASSERT_TRUE(
        comes_to("SELECT count(*) FROM customers WHERE number = '0' AND name = 'Ada' AND"
                 " sync_id IS NOT NULL",
                 "1"));
    run("UPDATE customers SET name = 'edited there' WHERE number = '0'");
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "0"}, "edited there"));

    std::string rows;
    for (int i = 1; i <= 60; ++i) rows += row(std::to_string(i), "new");
    drop("customers-1.jsonl", rows);
    ASSERT_TRUE(until([&] { return value("SELECT count(*) FROM customers") != "1"; }));
    books->kill9();  // In the middle of its writes.
    run("UPDATE customers SET name = 'while it was down' WHERE number = '0'");
    books = start_agent("books");
    EXPECT_TRUE(comes_to("SELECT count(*) FROM customers", "61"));
    EXPECT_EQ(value("SELECT count(DISTINCT number) FROM customers"), "61");
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "0"}, "while it was down"));

    run("DELETE FROM customers WHERE number = '0'");
    if (!GetParam().outbox) std::ignore = ctl({"reconcile", "run", "books"});
    EXPECT_TRUE(ctl_says({"--json", "exceptions", "list"}, "delete.review"));
    if (GetParam().outbox) {
        EXPECT_TRUE(comes_to("SELECT count(*) FROM syncline_outbox", "0"));
    }
    EXPECT_EQ(books->stop(), 0);
}
INSTANTIATE_TEST_SUITE_P(Sql, SqlSystem,
                         testing::Values(Case{"mariadb_stamp", true, false},
                                         Case{"mariadb_outbox", true, true},
                                         Case{"sqlite_stamp", false, false},
                                         Case{"sqlite_outbox", false, true}),
                         [](const auto& one) { return std::string{one.param.name}; });

class TriggersCommand : public RunningSystem {
protected:
    std::string refusal(const std::string& file) const {
        Program print{"syncline-agent",
                      {"triggers", (folder / file).string()},
                      {.log = folder / "refusal.log"}};
        EXPECT_EQ(print.wait(), 2);
        return print.said();
    }
};
TEST_F(TriggersCommand, SaysWhyThereIsNothingToPrint) {
    EXPECT_NE(refusal("shop.toml").find("the connector \"file\" needs no triggers"),
              std::string::npos);
    write("bad.toml",
          "platform = \"x\"\nstore = \"x.db\"\n[connector]\nkind = \"sqlite\"\n"
          "[objects.c]\nnative = \"c\"\nkey = \"id\"\nfields.name = \"name\"\n");
    const std::string said = refusal("bad.toml");
    EXPECT_NE(said.find("bad.toml:3:1: `connector.file` is missing"), std::string::npos) << said;
    EXPECT_NE(said.find("bad.toml:5:1: `objects.c.changed` is missing"), std::string::npos) << said;
}

}  // namespace
}  // namespace syncline::test
