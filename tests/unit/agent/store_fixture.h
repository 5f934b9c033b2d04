#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

#include "agent/store.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {

using namespace std::chrono_literals;

inline constexpr Timestamp kNow{1'767'607'200'000'000'000};
inline const ObjectName kCustomer{"customer"};

class StoreTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/syncline-store-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        folder_ = name;
        path_ = folder_ / "store";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Result<std::unique_ptr<Store>> open(const char* platform = "crm") {
        return Store::open({.path = path_.string(),
                            .platform = PlatformId{platform},
                            .instance = "one",
                            .now = kNow});
    }
    static void commit(Store& store, const std::function<void(Transaction&)>& body) {
        const auto done = store.transaction(body);
        ASSERT_TRUE(done) << done.error().what;
    }
    static void append(Transaction& transaction, Partition partition, const char* id) {
        Change change{.key = {PlatformId{"crm"}, kCustomer, RecordId{id}},
                      .number = transaction.next_number(partition),
                      .rev = {1, 1}};
        transaction.append(partition, subjects::change(change.key, partition), wire::encode(change),
                           kNow);
    }

    std::filesystem::path folder_;
    std::filesystem::path path_;
};

/// Changes a store behind its back.
inline void run_sql(const std::filesystem::path& file, const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(database);
}

/// Leaves a store as a release of that schema did. Ids of entities are those of tests, not founded.
inline void make_former(const std::filesystem::path& file, int schema) {
    std::string sql =
        "ALTER TABLE ledger RENAME TO done;"
        "CREATE TABLE ledger(object INTEGER, entity BLOB, generation INTEGER, state INTEGER,"
        "  status INTEGER, attempts INTEGER, record TEXT, command BLOB,"
        "  PRIMARY KEY(object, entity)) WITHOUT ROWID;"
        "CREATE INDEX doubtful_commands ON ledger(object, entity) WHERE state IN (0, 2);"
        "INSERT INTO ledger SELECT object, entity, generation, 3, status, attempts, record, x''"
        "  FROM done;"
        "INSERT INTO ledger SELECT object, entity, generation, state, 0, attempts, record, command"
        "  FROM open_commands;"
        "DROP TABLE done; DROP TABLE open_commands;";
    for (const char* table : {"records", "ledger"}) {
        if (schema >= 6) break;
        sql += std::string{"UPDATE "} + table +
               " SET entity = CAST(substr(entity, 2) AS TEXT) WHERE entity IS NOT NULL;";
    }
    if (schema < 5) sql += "DROP TABLE operations;";
    if (schema < 4) sql += "DROP TABLE list_parts;";
    if (schema < 3) {
        sql +=
            "DROP TABLE lanes; DROP TABLE withheld; DROP TABLE fields;"
            "ALTER TABLE records DROP COLUMN filled;";
    }
    sql += "UPDATE meta SET value = " + std::to_string(schema) + " WHERE key = 'schema'";
    run_sql(file, sql.c_str());
}

}  // namespace syncline::agent
