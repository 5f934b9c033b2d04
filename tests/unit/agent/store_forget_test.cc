#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/store.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/unit/agent/store_fixture.h"

// What an agent's file holds of an entity that is to be forgotten, looked for in its very bytes.

namespace syncline::agent {
namespace {

const EntityKey kAda{kCustomer, EntityId{"ada"}};
const FieldName kName{"name"};

class StoreForget : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/syncline-forget-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        folder_ = name;
        store_ = *Store::open({.path = (folder_ / "store").string(),
                               .platform = PlatformId{"crm"},
                               .instance = "one",
                               .now = kNow});
        commit([](Transaction& t) { t.restart_numbering(2, kNow); });
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void commit(const std::function<void(Transaction&)>& body) {
        const auto done = store_->transaction(body);
        ASSERT_TRUE(done) << done.error().what;
    }
    void tell(const char* record, const char* entity, const char* name, Partition partition) {
        commit([&](Transaction& t) {
            Change change{.key = {PlatformId{"crm"}, kCustomer, RecordId{record}},
                          .number = t.next_number(partition),
                          .rev = t.next_revision(),
                          .fields = Fields{{kName, Value{name}}}};
            t.append(partition, subjects::change(change.key, partition), wire::encode(change),
                     kNow);
            t.save(kCustomer, RecordId{record}, {.n = change.rev.n, .entity = EntityId{entity}});
        });
    }
    void answer(const EntityKey& entity, const char* name, Partition partition) {
        commit([&](Transaction& t) {
            Outcome outcome{.platform = PlatformId{"crm"},
                            .entity = entity,
                            .number = t.next_number(partition),
                            .rev = t.next_revision(),
                            .fields = Fields{{kName, Value{name}}},
                            .reason = "told of " + std::string{name}};
            t.append(partition, subjects::outcome(outcome.platform, entity, partition),
                     wire::encode(outcome), kNow);
        });
    }
    void receipt(Partition partition, std::uint64_t seq) {
        commit([&](Transaction& t) { t.set_receipted(partition, seq, kNow); });
    }
    bool forget() {
        bool done = false;
        commit([&](Transaction& t) {
            const auto untold = t.forget(kAda, std::nullopt);
            done = untold.has_value();
            untold_ = untold.value_or(std::vector<RecordId>{});
        });
        EXPECT_TRUE(store_->empty_log());
        return done;
    }
    /// Is the text in the folder, whatever file, whatever page?
    [[nodiscard]] bool holds(std::string_view text) const {
        for (const auto& file : std::filesystem::directory_iterator{folder_}) {
            std::ifstream in{file.path(), std::ios::binary};
            const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
            if (bytes.find(text) != std::string::npos) return true;
        }
        return false;
    }

    std::filesystem::path folder_;
    std::unique_ptr<Store> store_;
    std::vector<RecordId> untold_;
};

TEST_F(StoreForget, NoByteOfItIsLeftAndTheRestStays) {
    tell("7", "ada", "Ada Lovelace", {0});
    tell("7", "ada", "Ada Byron", {1});
    tell("8", "bob", "Robert", {1});
    answer(kAda, "Augusta", {1});
    commit([](Transaction& t) {
        t.keep_reject({.object = kCustomer, .record = "7", .reason = "r", .raw = "Countess"}, 10);
        t.withhold(kCustomer, RecordId{"7"}, "King");
    });
    receipt({0}, 1);
    receipt({1}, 3);
    for (const char* name : {"Lovelace", "Byron", "Augusta", "Countess", "King", "Robert"}) {
        store_->empty_log().value();
        ASSERT_TRUE(holds(name)) << name;
    }
    EXPECT_TRUE(forget());
    for (const char* name : {"Lovelace", "Byron", "Augusta", "Countess", "King"}) {
        EXPECT_FALSE(holds(name)) << name;
    }
    EXPECT_TRUE(holds("Robert"));
    EXPECT_EQ(untold_, std::vector{RecordId{"7"}}) << "whether it is there nobody was told";
    commit([](Transaction& t) {
        // The numbers stay, so that a hub that asks again is told them all.
        const auto entries = t.entries({1}, 1, 10, 10'000);
        ASSERT_EQ(entries.size(), 3U);
        const auto change = wire::decode_change(entries[0].body);
        ASSERT_TRUE(change);
        EXPECT_EQ(change->kind, ChangeKind::kDelete);
        EXPECT_EQ(change->rev.n, 2U);
        EXPECT_TRUE(wire::decode_change(entries[1].body)->fields.find(kName) != nullptr);
        const auto outcome = wire::decode_outcome(entries[2].body);
        ASSERT_TRUE(outcome);
        EXPECT_TRUE(outcome->fields.empty() && outcome->reason.empty());
    });
    EXPECT_EQ(store_->rejects(), 0U);
    EXPECT_EQ(store_->withheld(kCustomer), 0U);
}

TEST_F(StoreForget, WhatHasNoReceiptIsToldFirst) {
    tell("7", "ada", "Ada Lovelace", {0});
    EXPECT_FALSE(forget());
    commit([](Transaction& t) {
        const auto entries = t.entries({0}, 1, 10, 10'000);
        ASSERT_EQ(entries.size(), 1U);
        EXPECT_FALSE(wire::decode_change(entries[0].body)->fields.empty());
    });
    receipt({0}, 1);
    EXPECT_TRUE(forget());
    EXPECT_FALSE(holds("Lovelace"));
}

TEST_F(StoreForget, NothingIsLeftOfWhatLeftTheSpoolBefore) {
    tell("8", "bob", "Robert", {0});
    receipt({0}, 1);
    EXPECT_TRUE(forget());
    tell("7", "ada", "Ada Lovelace", {0});
    receipt({0}, 2);
    commit([](Transaction& t) { EXPECT_GT(t.trim(kNow + 1h, 1min, 0, 10), 0u); });
    EXPECT_TRUE(forget());
    EXPECT_FALSE(holds("Lovelace"));
}

TEST_F(StoreForget, TheSumsOfTheSpoolStayTrue) {
    tell("7", "ada", "Ada Lovelace", {0});
    tell("8", "bob", "Robert", {0});
    receipt({0}, 1);
    EXPECT_TRUE(forget());
    receipt({0}, 2);
    for (const std::int64_t later : {1'000, 2'000}) {  // Each goes as far as the last checkpoint.
        commit([&](Transaction& t) { t.trim({kNow.ns + later}, Duration{0}, 0, 10); });
    }
    EXPECT_EQ(store_->held_bytes(), 0U);
    EXPECT_EQ(store_->waiting_bytes(), 0U);
}

}  // namespace
}  // namespace syncline::agent
