// Loads as processes: `shop` is a database, `books` a file drop. A first load that is killed goes
// on where it was and shows how far it is; `synclinectl backfill` tells what was never told; what
// comes of either says so at its target.
#include <map>

#include <gtest/gtest.h>

#include "shared/base/json.h"
#include "tests/integration/running_system.h"
#include "tests/support/sqlite_file.h"

namespace syncline::test {
namespace {

namespace fs = std::filesystem;

class BackfillSystem : public RunningSystem {
protected:
    BackfillSystem() : shop_(folder / "app.db") {
        shop_.run(
            "PRAGMA journal_mode = WAL; CREATE TABLE customers (id INTEGER PRIMARY KEY,"
            " number TEXT, name TEXT, updated_at TEXT)");
        std::string text = read("shop.toml");
        text.resize(text.find("[connector]"));
        text.replace(text.find("[reading]\n"), 10, "[reading]\nbatch_records = 50\n");
        write("shop.toml", text + R"([rate]
per_second = 20
burst = 1
[connector]
kind = "sqlite"
file = "app.db"
[objects.customer]
native = "customers"
key = "id"
changed = "updated_at"
[objects.customer.fields]
number = "number"
name = "name"
)");
    }
    /// `stamp`: an SQL expression; what has none is seen by no look for changes.
    void insert(int from, int to, const std::string& stamp) {
        shop_.run("WITH RECURSIVE n(i) AS (SELECT " + std::to_string(from) +
                  " UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(to) +
                  ") INSERT INTO customers SELECT i, 'N' || i, 'name ' || i, " + stamp + " FROM n");
    }
    /// What `synclinectl --json` says as data.
    [[nodiscard]] Value::Map data(std::vector<std::string> words) const {
        words.insert(words.begin(), "--json");
        const auto said = parse_json(ctl(std::move(words)));
        const auto* map = said ? said->get<Value::Map>() : nullptr;
        const auto at = map == nullptr ? Value::Map::const_iterator{} : map->find("data");
        const auto* data =
            map == nullptr || at == map->end() ? nullptr : at->second.get<Value::Map>();
        return data == nullptr ? Value::Map{} : *data;
    }
    [[nodiscard]] static std::int64_t number(const Value::Map& map, const char* table,
                                             const char* key) {
        const auto at = map.find(table);
        const auto* inner = at == map.end() ? nullptr : at->second.get<Value::Map>();
        if (inner == nullptr || !inner->contains(key)) return -1;
        const auto* count = inner->at(key).get<std::int64_t>();
        return count == nullptr ? -1 : *count;
    }
    /// The origins that the files for `books` tell, by number.
    [[nodiscard]] std::map<std::string, std::set<std::string>> origins() const {
        std::map<std::string, std::set<std::string>> found;
        for (const auto& file : fs::directory_iterator{folder / "books/out"}) {
            const std::string name = file.path().filename();
            const auto told = parse_json(read("books/out/" + name));
            const auto* map = told ? told->get<Value::Map>() : nullptr;
            if (map == nullptr || !map->contains("customer_no")) continue;
            const auto* about = map->at("syncline").get<Value::Map>();
            const bool says = about->contains("origin");
            found[*map->at("customer_no").get<std::string>()].insert(
                says ? *about->at("origin").get<std::string>() : "live");
        }
        return found;
    }

    SqliteClient shop_;
};

TEST_F(BackfillSystem, AFirstLoadThatIsKilledGoesOnAndShowsHowFarItIs) {
    constexpr int kRecords = 3'000;
    insert(1, kRecords, "datetime('now', '-1 day')");
    hub = start_hub();
    books = start_agent("books");
    shop = start_agent("shop");
    std::int64_t before = 0;
    ASSERT_TRUE(until([&] {
        before = number(data({"backfill", "show", "shop"}), "load", "records");
        return before >= 500;
    }));
    EXPECT_LT(before, kRecords) << "it was to be met under way";
    const std::string shown = ctl({"status"});
    EXPECT_NE(shown.find("first load"), std::string::npos) << shown;
    EXPECT_NE(shown.find("3,000"), std::string::npos) << "the total\n" << shown;
    shop->kill9();
    shop = start_agent("shop");
    // What it says is of the new process once it has an epoch of its own start.
    std::int64_t least = kRecords;
    ASSERT_TRUE(until([&] {
        const std::int64_t now = number(data({"backfill", "show", "shop"}), "load", "records");
        if (now >= 0) least = std::min(least, now);
        return now < 0;  // Done.
    }));
    EXPECT_GE(least, before) << "it began anew";
    ASSERT_TRUE(until([&] { return arrived().size() == kRecords; })) << arrived().size();
    for (const auto& [customer, said] : origins()) {
        EXPECT_EQ(said, (std::set<std::string>{"backfill"})) << customer;
    }
    // What happens afterwards is news.
    shop_.run("UPDATE customers SET name = 'new', updated_at = datetime('now') WHERE id = 7");
    EXPECT_TRUE(until([&] { return origins()["N7"].contains("live"); }));
}

TEST_F(BackfillSystem, WhatNoLookForChangesSeesIsCountedThenTold) {
    insert(1, 100, "datetime('now', '-1 day')");
    hub = start_hub();
    books = start_agent("books");
    shop = start_agent("shop");
    ASSERT_TRUE(until([&] { return arrived().size() == 100; }));
    insert(101, 2'000, "NULL");
    const auto dry = data({"backfill", "run", "shop", "--dry-run", "--watch"});
    EXPECT_EQ(number(dry, "backfill", "there"), 2'000);
    EXPECT_EQ(number(dry, "backfill", "known"), 100);
    EXPECT_EQ(number(dry, "backfill", "unknown"), 1'900);
    EXPECT_EQ(arrived().size(), 100u) << "a dry run tells nothing";
    // Killed in its midst it goes on; what changes beside it is told as ever.
    std::ignore = ctl({"backfill", "run", "shop", "customer"});
    std::int64_t before = 0;
    ASSERT_TRUE(until([&] {
        before = number(data({"backfill", "show", "shop"}), "backfill", "unknown");
        return before > 0;
    }));
    EXPECT_LT(before, 1'900) << "it was to be met under way";
    shop->kill9();
    shop = start_agent("shop");
    shop_.run("UPDATE customers SET name = 'live', updated_at = datetime('now') WHERE id = 5");
    ASSERT_TRUE(until([&] { return arrived().size() == 2'000; })) << arrived().size();
    ASSERT_TRUE(ctl_says({"backfill", "show", "shop"}, "told, as a backfill"));
    const auto done = data({"backfill", "show", "shop"});
    EXPECT_EQ(number(done, "backfill", "there"), 2'000);
    EXPECT_EQ(number(done, "backfill", "unknown"), 1'900);
    EXPECT_TRUE(until([&] { return origins()["N5"].contains("live"); }));
    for (const auto& [customer, said] : origins()) {
        if (customer == "N5") continue;
        EXPECT_EQ(said, (std::set<std::string>{"backfill"})) << customer;
    }
    const auto again = data({"backfill", "run", "shop", "-n", "-w"});
    EXPECT_EQ(number(again, "backfill", "unknown"), 0);
}

TEST_F(BackfillSystem, SaysWhatCannotBe) {
    insert(1, 3, "datetime('now')");
    hub = start_hub();
    books = start_agent("books");
    shop = start_agent("shop");
    ASSERT_TRUE(until([&] { return arrived().size() == 3; }));
    EXPECT_TRUE(ctl_says({"backfill", "run", "crm"}, "no agent of platform crm is there"));
    EXPECT_TRUE(ctl_says({"backfill", "run", "shop", "ordre", "--watch"},
                         "the policy knows no object `ordre`"));
    EXPECT_EQ(ctl({"backfill", "show", "shop"}).find("ordre"), std::string::npos) << "nor asked";
    EXPECT_TRUE(ctl_says({"backfill", "run", "books", "--watch"},
                         "this platform cannot be asked for a record"));
}

}  // namespace
}  // namespace syncline::test
