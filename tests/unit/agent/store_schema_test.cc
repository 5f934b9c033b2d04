#include "tests/unit/agent/store_fixture.h"

// A store of an older schema is taken over.

namespace syncline::agent {
namespace {

TEST_F(StoreTest, TakesOverAFileOfBeforeTheBreakerWithoutLoss) {
    const RecordState before{.n = 3, .digest = {{1, 2, 3}}, .entity = EntityId{"e"}};
    {
        auto store = open().value();
        commit(*store, [&](Transaction& t) {
            t.restart_numbering(1, kNow);
            t.set_text(keys::kCursor, "c1");
            t.save(kCustomer, RecordId{"7"}, before);
            append(t, {0}, "7");
        });
    }
    make_former(path_, 2);
    for (int i = 0; i < 2; ++i) {  // The second time it is one of today.
        auto store = open().value();
        EXPECT_EQ(store->waiting_entries(), 1u);
        EXPECT_TRUE(store->lanes().empty());
        commit(*store, [&](Transaction& t) {
            EXPECT_EQ(t.text(keys::kCursor), "c1");
            const auto record = t.record(kCustomer, RecordId{"7"});
            ASSERT_TRUE(record);
            EXPECT_EQ(record->n, 3u);
            EXPECT_EQ(record->digest, before.digest);
            EXPECT_EQ(record->entity, before.entity);
            EXPECT_TRUE(record->filled.bytes().empty()) << "not known yet";
        });
    }
}

TEST_F(StoreTest, PacksTheEntitiesOfAFileOfBefore) {
    constexpr int kRecords = 2'500;  // More than are done at once.
    const EntityId founded = founded_entity({PlatformId{"crm"}, kCustomer, RecordId{"7"}});
    const auto id = [](int i) { return std::to_string(i); };
    commit(*open().value(), [&](Transaction& t) {
        for (int i = 0; i < kRecords; ++i) {
            t.save(kCustomer, RecordId{id(i)}, {.n = 3, .entity = EntityId{"e" + id(i)}});
            t.save({kCustomer, EntityId{"e" + id(i)}}, {.generation = 9, .command = "c"});
        }
        t.save(kCustomer, RecordId{"of none"}, {.n = 3});
    });
    make_former(path_, 5);
    for (const char* table : {"records", "ledger"}) {
        const std::string sql = std::string{"UPDATE "} + table + " SET entity = '" + founded.text +
                                "' WHERE entity = 'e7'";
        run_sql(path_, sql.c_str());
    }
    for (int turn = 0; turn < 2; ++turn) {  // The second time it is one of today.
        auto store = open().value();
        commit(*store, [&](Transaction& t) {
            for (int i = 0; i < kRecords; ++i) {
                const EntityId entity = i == 7 ? founded : EntityId{"e" + id(i)};
                EXPECT_EQ(t.record(kCustomer, RecordId{id(i)})->entity, entity);
                EXPECT_EQ(t.record_of({kCustomer, entity}), RecordId{id(i)});
                EXPECT_TRUE(t.ledger({kCustomer, entity})) << entity.text;
            }
            EXPECT_EQ(t.record(kCustomer, RecordId{"of none"})->entity, std::nullopt);
            EXPECT_EQ(t.doubtful().size(), std::size_t{kRecords});
        });
    }
}

TEST_F(StoreTest, TakesTheOpenCommandsOutOfTheLedgerOfBefore) {
    const EntityKey open_one{kCustomer, EntityId{"open"}};
    const EntityKey tried{kCustomer, EntityId{"tried"}};
    const EntityKey done{kCustomer, EntityId{"done"}};
    commit(*open().value(), [&](Transaction& t) {
        t.save(open_one, {.generation = 9,
                          .state = LedgerState::kInDoubt,
                          .attempts = 2,
                          .record = RecordId{"1"},
                          .command = "c"});
        t.save(tried, {.generation = 8, .state = LedgerState::kNotApplied, .command = "d"});
        t.save(done, {.generation = 7, .state = LedgerState::kIntent, .command = "e"});
        t.save(done, {.generation = 7,
                      .state = LedgerState::kDone,
                      .status = OutcomeStatus::kConflict,
                      .attempts = 1,
                      .record = RecordId{"2"}});
    });
    make_former(path_, 6);
    for (int turn = 0; turn < 2; ++turn) {  // The second time it is one of today.
        auto store = open().value();
        commit(*store, [&](Transaction& t) {
            ASSERT_EQ(t.doubtful().size(), 1u);
            EXPECT_EQ(t.doubtful().front().command, "c");
            EXPECT_EQ(t.ledger(open_one)->state, LedgerState::kInDoubt);
            EXPECT_EQ(t.ledger(open_one)->attempts, 2u);
            EXPECT_EQ(t.ledger(open_one)->record, RecordId{"1"});
            EXPECT_EQ(t.ledger(tried)->state, LedgerState::kNotApplied);
            EXPECT_EQ(t.ledger(tried)->record, std::nullopt);
            EXPECT_EQ(t.ledger(done)->state, LedgerState::kDone);
            EXPECT_EQ(t.ledger(done)->status, OutcomeStatus::kConflict);
            EXPECT_EQ(t.ledger(done)->record, RecordId{"2"});
            EXPECT_EQ(t.ledger(done)->command, "");
        });
    }
}

TEST_F(StoreTest, KeepsThePartsOfListsThatAreWantedAlsoInAFileOfBefore) {
    const ListName price{"price"};
    commit(*open().value(), [&](Transaction& t) { t.set_text(keys::kCursor, "c1"); });
    make_former(path_, 3);
    commit(*open().value(), [&](Transaction& t) {
        EXPECT_EQ(t.text(keys::kCursor), "c1");
        for (const char* digest : {"d1", "d2", "d3"}) t.keep_list_part(price, digest, "old");
        t.keep_list_part(ListName{"tax"}, "d1", "other");
        t.keep_list_part(price, "d2", std::string{"\0\xff", 2});
        t.keep_only_list_parts(price, {"d0", "d2"});
    });
    commit(*open().value(), [&](Transaction& t) {
        EXPECT_FALSE(t.list_part(price, "d1"));
        EXPECT_EQ(t.list_part(price, "d2"), (std::string{"\0\xff", 2}));
        EXPECT_EQ(t.list_part(ListName{"tax"}, "d1"), "other");
    });
}

}  // namespace
}  // namespace syncline::agent
