#include <fstream>

#include "tests/unit/agent/store_fixture.h"

// What is kept of a store before a later version takes it over.

namespace syncline::agent {
namespace {

class StoreBackup : public StoreTest {
protected:
    void SetUp() override {
        StoreTest::SetUp();
        copy_ = path_.string() + ".schema-4";
        auto store = open().value();
        commit(*store, [](Transaction& t) {
            t.restart_numbering(2, kNow);
            t.set_text(keys::kCursor, "c1");
            t.save(kCustomer, RecordId{"7"}, {.n = 3});
            append(t, {1}, "7");
        });
    }
    void make_it_former() const { make_former(path_, 4); }

    std::string copy_;
};

TEST_F(StoreBackup, IsMadeOnceAndNamedToWhoCannotReadTheStoreAnyMore) {
    { auto store = open().value(); }
    EXPECT_FALSE(std::filesystem::exists(copy_)) << "it is of today";
    make_it_former();
    { auto store = open().value(); }
    ASSERT_TRUE(std::filesystem::exists(copy_));
    EXPECT_FALSE(std::filesystem::exists(copy_ + "-wal")) << "one file is all of it";
    const auto made = std::filesystem::last_write_time(copy_);
    { auto store = open().value(); }
    EXPECT_EQ(std::filesystem::last_write_time(copy_), made);
    run_sql(path_, "UPDATE meta SET value = 99 WHERE key = 'schema'");
    const auto refused = open();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("put " + copy_ + " in its place"), std::string::npos)
        << refused.error().what;
}

TEST_F(StoreBackup, PutInPlaceBeginsAsNewAndKeepsWhatTheHubMayLack) {
    make_it_former();
    std::uint64_t epoch = 0;
    {
        auto store = open().value();
        epoch = store->epoch();
        commit(*store, [](Transaction& t) { EXPECT_EQ(t.text(keys::kCursor), "c1"); });
    }
    std::filesystem::rename(copy_, path_);
    for (int i = 0; i < 2; ++i) {  // Only the first time it is a copy.
        auto store = open().value();
        EXPECT_EQ(store->epoch(), epoch + 1);
        EXPECT_EQ(store->partitions(), 2);
        EXPECT_EQ(store->waiting_entries(), 1u);
        commit(*store, [i](Transaction& t) {
            EXPECT_EQ(t.text(keys::kCursor), i == 0 ? "" : "c2");
            EXPECT_FALSE(t.record(kCustomer, RecordId{"8"}));
            t.set_text(keys::kCursor, "c2");
        });
    }
}

TEST_F(StoreBackup, ReplacesOneOfAnEarlierUpgradeAndWhatIsLeftOfACrash) {
    for (const char* name : {".schema-4", ".schema-4.part", ".schema-4.part-wal"}) {
        std::ofstream{path_.string() + name} << "left over";
    }
    make_it_former();
    ASSERT_TRUE(open());
    EXPECT_FALSE(std::filesystem::exists(copy_ + ".part"));
    std::filesystem::rename(copy_, path_);
    auto store = open();
    ASSERT_TRUE(store) << store.error().what;
    EXPECT_EQ((*store)->waiting_entries(), 1u);
}

TEST_F(StoreBackup, ThatCannotBeMadeLeavesTheStoreAsItWas) {
    make_it_former();
    std::filesystem::create_directories(copy_ + ".part/x");
    const auto refused = open();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("the copy " + copy_ + ".part"), std::string::npos)
        << refused.error().what;
    std::filesystem::remove_all(copy_ + ".part");
    EXPECT_TRUE(open());
}

}  // namespace
}  // namespace syncline::agent
