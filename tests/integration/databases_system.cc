#include "tests/integration/databases_system.h"

namespace syncline::test {
namespace {

std::string list_of(const std::vector<std::string>& urls) {
    std::string list;
    for (const std::string& url : urls) list += (list.empty() ? "\"" : ", \"") + url + "\"";
    return list;
}

std::map<std::string, std::string> customers_in(SqliteClient& database) {
    std::map<std::string, std::string> customers;
    // Two of one number would be one more than there are names.
    for (const auto& row : database.run("SELECT number, name, count(*) FROM customers"
                                        " GROUP BY number")) {
        customers.emplace(row.at(0), row.at(2) == "1" ? row.at(1) : "is there " + row.at(2) + "x");
    }
    return customers;
}

}  // namespace

DatabasesSystem::DatabasesSystem(NatsServer::Options options) : RunningSystem(std::move(options)) {
    shop_db = std::make_unique<SqliteClient>(folder / "shop-platform.db");
    books_db = std::make_unique<SqliteClient>(folder / "books-platform.db");
    make_database(*shop_db);
    make_database(*books_db);
    use_servers({server.url()}, 1);
}

void DatabasesSystem::make_database(SqliteClient& database) const {
    database.run(
        "PRAGMA journal_mode = WAL; CREATE TABLE customers (id INTEGER PRIMARY KEY,"
        " number TEXT, name TEXT, sync_id TEXT UNIQUE,"
        " updated_at TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')));"
        "CREATE TRIGGER stamp AFTER UPDATE OF number, name ON customers BEGIN"
        " UPDATE customers SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now')"
        " WHERE id = NEW.id; END;"
        "CREATE TABLE written (what TEXT, number TEXT, was TEXT, name TEXT);"
        "CREATE TRIGGER made AFTER INSERT ON customers BEGIN"
        " INSERT INTO written VALUES ('made', NEW.number, NULL, NEW.name); END;"
        "CREATE TRIGGER changed AFTER UPDATE OF name ON customers BEGIN"
        " INSERT INTO written VALUES ('changed', NEW.number, OLD.name, NEW.name); END");
}

void DatabasesSystem::write_database_agent(const std::string& platform, const std::string& urls) {
    write_agent(platform);
    std::string config = read(platform + ".toml");
    const auto at = config.find("urls = [");
    config.replace(at, config.find('\n', at) - at, "urls = [" + urls);
    write(platform + ".toml",
          config.substr(0, config.find("[connector]")) +
              "[connector]\nkind = \"sqlite\"\nfile = \"" + platform + "-platform.db\"\n" +
              "[objects.customer]\nnative = \"customers\"\nkey = \"id\"\nmarker = \"sync_id\"\n" +
              "changed = \"updated_at\"\nchanged_format = \"%Y-%m-%d %H:%M:%S.%L\"\n" +
              "[objects.customer.fields]\nnumber = \"number\"\nname = \"name\"\n");
}

void DatabasesSystem::use_servers(const std::vector<std::string>& urls, int replicas) {
    // Where a leader is lost, what was asked of it is asked again a little sooner than by default.
    const std::string list = list_of(urls) + "]\nanswer_timeout_ms = 1500";
    write("hub.toml", "policy = \"policy\"\n[nats]\nurls = [" + list +
                          "\n[streams]\npartitions = 4\nreplicas = " + std::to_string(replicas) +
                          "\n[limits]\npresence_interval_ms = 100\npresence_timeout_ms = 1000\n"
                          "watch_interval_ms = 200\n");
    write_database_agent("shop", list);
    write_database_agent("books", list);
    nats_servers = urls.front();
    for (std::size_t i = 1; i < urls.size(); ++i) nats_servers += "," + urls[i];
}

void DatabasesSystem::start_programs() {
    hub = start_hub();
    shop = start_agent("shop");
    books = start_agent("books");
}

void DatabasesSystem::stop_programs() {
    for (auto* program : {&shop, &books, &hub}) {
        if (*program != nullptr) (*program)->stop();
        program->reset();
    }
}

void DatabasesSystem::add(int first, int last) {
    for (int i = first; i <= last; ++i) {
        const std::string number = std::to_string(i);
        shop_db->run("INSERT INTO customers (number, name) VALUES ('" + number + "', 'customer " +
                     number + "')");
    }
}

void DatabasesSystem::begin_traffic(std::chrono::milliseconds every) {
    traffic_ = std::thread{[this, every] {
        while (!over_) {
            add(count_, count_);
            ++count_;
            std::this_thread::sleep_for(every);
        }
    }};
}

void DatabasesSystem::end_traffic() {
    over_ = true;
    if (traffic_.joinable()) traffic_.join();
}

void DatabasesSystem::rename(const std::string& number, const std::string& name) {
    shop_db->run("UPDATE customers SET name = '" + name + "' WHERE number = '" + number + "'");
}

void DatabasesSystem::rename_in_books(const std::string& number, const std::string& name) {
    books_db->run("UPDATE customers SET name = '" + name + "' WHERE number = '" + number + "'");
}

DatabasesSystem::Customers DatabasesSystem::in_shop() { return customers_in(*shop_db); }

DatabasesSystem::Customers DatabasesSystem::in_books() { return customers_in(*books_db); }

bool DatabasesSystem::agree(std::size_t customers) {
    const bool same = until([&] {
        const Customers books_have = in_books();
        return books_have.size() == customers && books_have == in_shop();
    });
    if (same) return true;
    std::string text = "the shop has " + std::to_string(in_shop().size()) + ", the books " +
                       std::to_string(in_books().size()) + " of " + std::to_string(customers);
    const Customers books_have = in_books();
    for (const auto& [number, name] : in_shop()) {
        const auto at = books_have.find(number);
        if (at != books_have.end() && at->second == name) continue;
        text += "\n" + number + ": " + name + ", in the books " +
                (at == books_have.end() ? "nothing" : at->second);
    }
    ADD_FAILURE() << text;
    return false;
}

std::string DatabasesSystem::done_wrong() {
    std::string text;
    for (SqliteClient* database : {shop_db.get(), books_db.get()}) {
        const char* where = database == shop_db.get() ? " in the shop\n" : " in the books\n";
        for (const auto& row :
             database->run("SELECT 'made ' || count(*) || ' times: ' || number FROM written"
                           " WHERE what = 'made' GROUP BY number HAVING count(*) > 1"
                           " UNION ALL SELECT number || ' went back to ' || name FROM written"
                           " WHERE what = 'changed' AND name LIKE 'customer %' AND was <> name")) {
            text += row.at(0) + where;
        }
    }
    return text;
}

void DatabasesSystem::expect_sound_audit() {
    std::string said;  // A cluster that has lost a leader answers again after some seconds.
    std::ignore = until([&] {
        said = ctl({"audit", "verify"});
        return said.find("no answer from NATS") == std::string::npos;
    });
    EXPECT_EQ(said.find(": error: "), std::string::npos) << said;
    EXPECT_NE(said.find("with a state that names the newest"), std::string::npos) << said;
}

}  // namespace syncline::test
