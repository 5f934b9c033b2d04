// An agent whose platform is a program of the user's own, as processes: the example customers.py
// is told of customers while its processes are killed again and again.
#include <csignal>
#include <fstream>
#include <iterator>

#include <sqlite3.h>

#include <gtest/gtest.h>

#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

namespace fs = std::filesystem;

class Exec : public RunningSystem {
protected:
    Exec() {
        fs::copy_file(fs::path{SYNCLINE_SOURCE_DIR} / "configs" / "exec" / "customers.py",
                      folder / "customers.py");
        std::string text = read("books.toml");
        text.resize(text.find("[connector]"));
        write("books.toml", text + R"([writing]
retry_first_ms = 50
retry_most_ms = 200
[connector]
kind = "exec"
command = ["python3", "customers.py", "customers.db"]
capabilities = ["can_fetch", "has_marker", "create_is_idempotent"]
[objects.customer]
native = "customers"
key = "no"
marker = "syncline_id"
[objects.customer.fields]
number = "email"
name = "name"
)");
    }

    /// The first column of the first row.
    [[nodiscard]] std::string one(const char* sql) const {
        sqlite3* database = nullptr;
        sqlite3_stmt* statement = nullptr;
        std::string told;
        if (sqlite3_open((folder / "customers.db").c_str(), &database) == SQLITE_OK &&
            sqlite3_busy_timeout(database, 10'000) == SQLITE_OK &&
            sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != nullptr) {
            told = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
        }
        sqlite3_finalize(statement);
        sqlite3_close(database);
        return told;
    }

    /// Processes that run in our folder: those of customers.py, and no other's.
    [[nodiscard]] std::vector<pid_t> programs() const {
        std::vector<pid_t> pids;
        for (const auto& entry : fs::directory_iterator{"/proc"}) {
            const std::string name = entry.path().filename();
            if (name.find_first_not_of("0123456789") != std::string::npos) continue;
            std::error_code gone;
            if (fs::read_symlink(entry.path() / "cwd", gone) != folder || gone) continue;
            std::ifstream in{entry.path() / "cmdline", std::ios::binary};
            const std::string line{std::istreambuf_iterator<char>{in}, {}};
            if (line.find("customers.py") != std::string::npos) pids.push_back(std::stoi(name));
        }
        return pids;
    }
};

TEST_F(Exec, EveryCustomerArrivesOnceThoughItsProcessesAreKilled) {
    hub = start_hub();
    shop = start_agent("shop");
    books = start_agent("books");
    ASSERT_TRUE(until([&] { return !programs().empty(); }));
    std::size_t killed = 0;
    for (int i = 0; i < 8; ++i) {
        std::string rows;
        for (int k = 0; k < 5; ++k) {
            const std::string number = std::to_string(100 + i * 5 + k);
            rows += row(number, "name " + number);
        }
        drop("customers-" + std::to_string(i) + ".jsonl", rows);
        const std::string before = one("SELECT count(*) FROM customers");
        ASSERT_TRUE(until([&] { return one("SELECT count(*) FROM customers") != before; }));
        for (const pid_t pid : programs()) {
            if (::kill(pid, SIGKILL) == 0) ++killed;
        }
    }
    EXPECT_TRUE(until([&] { return one("SELECT count(DISTINCT email) FROM customers") == "40"; }));
    EXPECT_EQ(one("SELECT count(*) FROM customers"), "40");
    EXPECT_GE(killed, 8u);
    EXPECT_TRUE(books->says("the program is started"));
    EXPECT_TRUE(books->says("signal 9 (Killed)"));
    EXPECT_EQ(books->stop(), 0);
    EXPECT_TRUE(programs().empty()) << "they end with their agent";
}

}  // namespace
}  // namespace syncline::test
