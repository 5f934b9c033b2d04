#include <fstream>

#include "tests/simulation/memory_vfs.h"
#include "tests/unit/agent/store_fixture.h"

namespace syncline::agent {
namespace {

TEST_F(StoreTest, KeepsEverythingOverReopening) {
    {
        auto store = open().value();
        commit(*store, [](Transaction& t) {
            t.restart_numbering(4, kNow);
            t.set_text(keys::kCursor, "c1");
            t.save(kCustomer, RecordId{"7"},
                   {.n = 3, .entity = EntityId{"e"}, .last = {Partition{2}, 9}});
            t.save({kCustomer, EntityId{"e"}}, LedgerEntry{.generation = 5,
                                                           .state = LedgerState::kInDoubt,
                                                           .record = RecordId{"7"},
                                                           .command = "body"});
            t.raise_fence({1}, 8);
            t.raise_fence({1}, 6);
            t.want_fetch(kCustomer, RecordId{"8"});
            append(t, {2}, "7");
        });
    }
    auto store = open().value();
    EXPECT_EQ(store->partitions(), 4);
    EXPECT_EQ(store->marks({2}).next_seq, 2u);
    EXPECT_EQ(store->instance(), "one");
    commit(*store, [](Transaction& t) {
        EXPECT_EQ(t.text(keys::kCursor), "c1");
        const auto record = t.record(kCustomer, RecordId{"7"});
        ASSERT_TRUE(record);
        EXPECT_EQ(record->n, 3u);
        EXPECT_EQ(record->entity, EntityId{"e"});
        EXPECT_EQ(record->last.seq, 9u);
        ASSERT_EQ(t.doubtful().size(), 1u);
        EXPECT_EQ(t.doubtful()[0].record, RecordId{"7"});
        EXPECT_EQ(t.fence({1}), 8u);
        EXPECT_EQ(t.wanted_fetches().size(), 1u);
        EXPECT_EQ(t.entries({2}, 1, 10, 1000).size(), 1u);
    });
}

TEST_F(StoreTest, BeginsAsNewAndKeepsWhatTheHubMayLack) {
    auto store = open().value();
    const Lane lane{kCustomer, Direction::kIn};
    commit(*store, [&](Transaction& t) {
        t.restart_numbering(4, kNow);
        for (const auto key : {keys::kCursor, keys::kOrigin, keys::kAcquainted, keys::kLeaseTerm,
                               keys::kAgainBackfill, keys::kQuota}) {
            t.set_text(key, "known");
        }
        t.set_number(keys::kCommandsCreated, 7);
        t.save(kCustomer, RecordId{"7"}, {.n = 3, .entity = EntityId{"e"}, .last = {{2}, 9}});
        t.save({kCustomer, EntityId{"e"}},
               LedgerEntry{.generation = 5, .state = LedgerState::kInDoubt, .command = "body"});
        t.save(StoredOperation{.key = "w.1.pay", .call = "call", .at = kNow});
        t.want_fetch(kCustomer, RecordId{"8"});
        t.raise_fence({1}, 8);
        std::ignore = t.next_revision();
        append(t, {2}, "7");
        t.set_receipted({2}, 0, kNow);
        t.change_lane(lane).phase = LaneState::Phase::kHeld;
        t.change_lane(lane).answered = 3;
        t.withhold(kCustomer, RecordId{"9"}, "withheld");
    });
    const std::uint64_t epoch = store->epoch();
    commit(*store, [](Transaction& t) { t.begin_as_new(kNow); });
    store.reset();
    store = open().value();
    EXPECT_GT(store->epoch(), epoch);
    EXPECT_EQ(store->instance(), "one");
    EXPECT_EQ(store->partitions(), 4);
    EXPECT_EQ(store->revisions(), 1u);
    EXPECT_EQ(store->waiting_entries(), 1u);
    EXPECT_EQ(store->withheld(kCustomer), 1u);
    ASSERT_NE(store->lane(lane), nullptr);
    EXPECT_GT(store->lane(lane)->hold.hold, 3u);
    commit(*store, [](Transaction& t) {
        for (const auto key : {keys::kCursor, keys::kOrigin, keys::kAcquainted, keys::kLeaseTerm,
                               keys::kAgainBackfill}) {
            EXPECT_EQ(t.text(key), "") << key;
        }
        EXPECT_EQ(t.text(keys::kQuota), "known");
        EXPECT_EQ(t.number(keys::kCommandsCreated), 0u);
        EXPECT_FALSE(t.record(kCustomer, RecordId{"7"}));
        EXPECT_FALSE(t.ledger({kCustomer, EntityId{"e"}}));
        EXPECT_TRUE(t.doubtful().empty());
        EXPECT_TRUE(t.open_operations().empty());
        EXPECT_TRUE(t.wanted_fetches().empty());
        EXPECT_EQ(t.fence({1}), 8u);
    });
}

TEST_F(StoreTest, SaysSoWhenAnotherProcessHoldsTheFile) {
    auto first = open().value();
    const auto second = open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kUnavailable);
    EXPECT_NE(second.error().what.find("another process"), std::string::npos);
}

TEST_F(StoreTest, RefusesAnotherPlatformsFile) {
    { auto store = open().value(); }
    const auto other = open("erp");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, ErrorKind::kInvalid);
}

TEST_F(StoreTest, RefusesAFileOfANewerVersion) {
    {
        auto store = open().value();
        commit(*store, [](Transaction& t) { t.set_number("schema", Store::kSchema + 1); });
    }
    const auto again = open();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, ErrorKind::kUnsupported);
    EXPECT_EQ(again.error().what.find("in its place"), std::string::npos) << "there is no copy";
}

TEST_F(StoreTest, KeepsWhatIsWithheldTheNewestOfEachRecordInOrder) {
    const Lane lane{kCustomer, Direction::kIn};
    {
        auto store = open().value();
        commit(*store, [&](Transaction& t) {
            for (const char* id : {"1", "2", "3", "1"}) t.withhold(kCustomer, RecordId{id}, id);
            LaneState& state = t.change_lane(lane);
            state.phase = LaneState::Phase::kHeld;
            state.window.add(MassKind::kBlank, kNow, 10min);
            state.hold.hold = 77;
            state.hold.sample = {{MassKind::kBlank, RecordId{"1"}, EntityId{"e"}}};
        });
    }
    auto store = open().value();
    ASSERT_NE(store->lane(lane), nullptr);
    EXPECT_EQ(store->lane(lane)->phase, LaneState::Phase::kHeld);
    EXPECT_EQ(store->lane(lane)->hold.hold, 77u);
    EXPECT_EQ(store->lane(lane)->hold.sample.size(), 1u);
    EXPECT_EQ(store->lane(lane)->window.counts(kNow, 10min)[1], 1u);
    EXPECT_EQ(store->withheld(kCustomer), 3u);
    EXPECT_GT(store->withheld_bytes(), 0u);
    commit(*store, [&](Transaction& t) {
        EXPECT_EQ(t.withheld(kCustomer, 9), (std::vector<std::string>{"2", "3", "1"}));
        EXPECT_TRUE(t.is_withheld(kCustomer, RecordId{"2"}));
        t.release(kCustomer, RecordId{"2"});
        t.release(kCustomer, RecordId{"2"});
    });
    EXPECT_EQ(store->withheld(kCustomer), 2u);
    const auto failed = store->transaction([&](Transaction& t) {
        t.drop_withheld(kCustomer);
        t.change_lane(lane).phase = LaneState::Phase::kFlowing;
        t.fail_with({ErrorKind::kFull, "no room"});
    });
    EXPECT_FALSE(failed);
    EXPECT_EQ(store->withheld(kCustomer), 2u) << "as it was";
    EXPECT_EQ(store->lane(lane)->phase, LaneState::Phase::kHeld);
    commit(*store, [&](Transaction& t) { t.drop_withheld(kCustomer); });
    EXPECT_EQ(store->withheld_bytes(), 0u);
}

TEST_F(StoreTest, KnowsWhichFieldsOfARecordHoldSomething) {
    FilledFields filled;
    {
        auto store = open().value();
        commit(*store, [&](Transaction& t) {
            filled = t.filled(kCustomer, {}, {{FieldName{"a"}, 1}, {FieldName{"b"}, ""}});
            t.save(kCustomer, RecordId{"7"}, {.n = 1, .filled = filled});
        });
    }
    auto store = open().value();
    commit(*store, [&](Transaction& t) {
        EXPECT_EQ(t.record(kCustomer, RecordId{"7"})->filled, filled);
        EXPECT_TRUE(t.blanks(kCustomer, filled, {{FieldName{"a"}, {}}}));
        EXPECT_FALSE(t.blanks(kCustomer, filled, {{FieldName{"a"}, 2}, {FieldName{"b"}, {}}}));
        EXPECT_FALSE(t.blanks(kCustomer, filled, {{FieldName{"c"}, {}}})) << "a new field";
        EXPECT_FALSE(t.blanks(kCustomer, {}, {{FieldName{"a"}, {}}})) << "not known";
        // What is not told is as it was.
        const auto later = t.filled(kCustomer, filled, {{FieldName{"b"}, 1}});
        EXPECT_TRUE(t.blanks(kCustomer, later, {{FieldName{"a"}, {}}}));
    });
}

TEST_F(StoreTest, LeavesAFileThatIsNoDatabaseAsItWas) {
    const std::string text(8192, 'x');
    std::ofstream{path_} << text;
    const auto store = open();
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().kind, ErrorKind::kCorrupt);
    EXPECT_NE(store.error().what.find("keep a copy"), std::string::npos);
    std::ifstream in{path_};
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>{in}, {}), text);
}

TEST_F(StoreTest, NoticesADamagedSpoolEntry) {
    {
        auto store = open().value();
        commit(*store, [](Transaction& t) {
            t.restart_numbering(1, kNow);
            append(t, {0}, "damage-me");
        });
    }
    std::string bytes;
    {
        std::ifstream in{path_, std::ios::binary};
        bytes.assign(std::istreambuf_iterator<char>{in}, {});
    }
    const auto at = bytes.rfind("damage-me");
    ASSERT_NE(at, std::string::npos);
    bytes[at] = 'D';
    std::ofstream{path_, std::ios::binary} << bytes;
    auto store = open().value();
    const auto read =
        store->transaction([](Transaction& t) { std::ignore = t.entries({0}, 1, 10, 1000); });
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt);
}

TEST_F(StoreTest, TakesNothingOfATransactionThatFails) {
    auto store = open().value();
    commit(*store, [](Transaction& t) { t.restart_numbering(1, kNow); });
    const auto failed = store->transaction([](Transaction& t) {
        append(t, {0}, "1");
        t.set_text(keys::kCursor, "c9");
        t.fail_with({ErrorKind::kFull, "no room"});
        append(t, {0}, "2");
    });
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::kFull);
    EXPECT_EQ(store->marks({0}).next_seq, 1u);
    EXPECT_EQ(store->waiting_bytes(), 0u);
    commit(*store, [](Transaction& t) { EXPECT_EQ(t.text(keys::kCursor), ""); });
}

TEST_F(StoreTest, TakesNothingOfATransactionThatAnExceptionEnds) {
    auto store = open().value();
    commit(*store, [](Transaction& t) { t.restart_numbering(1, kNow); });
    EXPECT_THROW(std::ignore = store->transaction([](Transaction& t) {
        t.set_text(keys::kCursor, "c9");
        throw std::runtime_error("crash");
    }),
                 std::runtime_error);
    commit(*store, [](Transaction& t) { EXPECT_EQ(t.text(keys::kCursor), ""); });
}

TEST(StoreOnAFailingDisk, ReadsOnlyWhatAPowerCutLeaves) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        sim::Random random{seed};
        sim::MemoryDisk disk{"store-" + std::to_string(seed), random};
        const auto open = [&] {
            disk.attach();
            return Store::open({.path = disk.path_of("store"),
                                .vfs = sim::MemoryDisk::kVfsName,
                                .platform = PlatformId{"crm"},
                                .instance = "one",
                                .now = kNow})
                .value();
        };
        auto store = open();
        ASSERT_TRUE(store->transaction([](Transaction& t) { t.set_text(keys::kCursor, "a"); }));
        disk.sync_errors = 1;
        ASSERT_FALSE(store->transaction([](Transaction& t) { t.set_text(keys::kCursor, "b"); }));
        disk.detach();
        store.reset();
        store = open();  // It may read a or b; from now on it is that.
        std::string read;
        ASSERT_TRUE(store->transaction([&](Transaction& t) { read = t.text(keys::kCursor); }));
        disk.detach();
        disk.lose_power();
        store.reset();
        store = open();
        ASSERT_TRUE(store->transaction(
            [&](Transaction& t) { EXPECT_EQ(t.text(keys::kCursor), read) << "seed " << seed; }));
        disk.detach();
        store.reset();
    }
}

TEST_F(StoreTest, CountsBytesWithAndWithoutReceipt) {
    auto store = open().value();
    commit(*store, [](Transaction& t) {
        t.restart_numbering(2, kNow);
        for (int i = 0; i < 10; ++i) append(t, {1}, "1");
    });
    const auto all = store->waiting_bytes();
    EXPECT_EQ(store->waiting_entries(), 10u);
    commit(*store, [](Transaction& t) { t.set_receipted({1}, 4, kNow); });
    EXPECT_EQ(store->waiting_entries(), 6u);
    EXPECT_EQ(store->waiting_bytes(), all / 10 * 6);
    EXPECT_EQ(store->held_bytes(), all);
    commit(*store, [](Transaction& t) { t.set_receipted({1}, 2, kNow); });
    EXPECT_EQ(store->waiting_bytes(), all / 10 * 8) << "the hub has lost two";
    commit(*store, [](Transaction& t) { t.set_receipted({1}, 99, kNow); });
    EXPECT_EQ(store->marks({1}).receipted, 10u);
    EXPECT_EQ(store->waiting_bytes(), 0u);
}

TEST_F(StoreTest, TrimsADayAfterTheReceiptAndNotBefore) {
    auto store = open().value();
    constexpr std::uint64_t kMuch = 1u << 30;
    commit(*store, [](Transaction& t) {
        t.restart_numbering(1, kNow);
        for (int i = 0; i < 10; ++i) append(t, {0}, "1");
        t.set_receipted({0}, 4, kNow);
    });
    commit(*store, [](Transaction& t) {
        EXPECT_EQ(t.trim(kNow + 23h, 24h, kMuch, 100), 0u);
        t.set_receipted({0}, 8, kNow + 23h);
        EXPECT_EQ(t.trim(kNow + 24h, 24h, kMuch, 3), 3u) << "a piece at a time";
        EXPECT_EQ(t.trim(kNow + 24h, 24h, kMuch, 3), 1u);
        EXPECT_EQ(t.trim(kNow + 24h, 24h, kMuch, 3), 0u) << "the next had theirs an hour ago";
    });
    EXPECT_EQ(store->marks({0}).trimmed, 4u);
    commit(*store, [](Transaction& t) {
        EXPECT_EQ(t.trim(kNow + 48h, 24h, kMuch, 100), 4u);
        EXPECT_EQ(t.trim(kNow + 9999h, 24h, kMuch, 100), 0u) << "without receipt they stay";
    });
    EXPECT_EQ(store->held_bytes(), store->waiting_bytes());
}

TEST_F(StoreTest, ShortensTheRetentionWhenReceiptedEntriesTakeTooMuch) {
    auto store = open().value();
    commit(*store, [](Transaction& t) {
        t.restart_numbering(1, kNow);
        for (int i = 0; i < 10; ++i) append(t, {0}, "1");
        t.set_receipted({0}, 6, kNow);
        EXPECT_EQ(t.trim(kNow, 24h, 10, 100), 6u);
    });
    EXPECT_EQ(store->waiting_entries(), 4u);
}

TEST_F(StoreTest, NumbersEverythingAnewInANewEpoch) {
    auto store = open().value();
    std::uint64_t before = 0;
    commit(*store, [](Transaction& t) { t.restart_numbering(4, kNow); });
    before = store->epoch();
    commit(*store, [](Transaction& t) {
        append(t, {0}, "a");
        append(t, {3}, "b");
        append(t, {3}, "b");
        t.set_receipted({3}, 1, kNow);
        t.save(kCustomer, RecordId{"b"}, {.n = 2, .last = {Partition{3}, 2}});
        t.save(kCustomer, RecordId{"c"}, {.n = 2, .last = {Partition{3}, 2}});
    });
    commit(*store, [](Transaction& t) { t.restart_numbering(2, kNow - 1h); });
    EXPECT_GT(store->epoch(), before) << "even with a clock that went back";
    EXPECT_EQ(store->partitions(), 2);
    EXPECT_EQ(store->waiting_entries(), 3u);
    const RecordKey b{PlatformId{"crm"}, kCustomer, RecordId{"b"}};
    const Partition home = record_partition(b, 2);
    commit(*store, [&](Transaction& t) {
        std::uint64_t seen = 0;
        for (std::uint16_t part = 0; part < 2; ++part) {
            for (const SpoolEntry& entry : t.entries({part}, 1, 10, 10'000)) {
                const Change change = wire::decode_change(entry.body).value();
                EXPECT_EQ(change.number, (Numbering{{part}, {store->epoch(), entry.seq}}));
                EXPECT_EQ(entry.subject, subjects::change(change.key, {part}));
                ++seen;
            }
        }
        EXPECT_EQ(seen, 3u);
        EXPECT_EQ(t.record(kCustomer, RecordId{"b"})->last.partition, home);
        EXPECT_GT(t.record(kCustomer, RecordId{"b"})->last.seq, 0u);
        EXPECT_EQ(t.record(kCustomer, RecordId{"c"})->last.seq, 0u) << "of an epoch gone by";
    });
}

TEST_F(StoreTest, FindsDeletedRecordsInPieces) {
    auto store = open().value();
    commit(*store, [](Transaction& t) {
        for (const char* id : {"a", "b", "c", "d"}) {
            t.save(kCustomer, RecordId{id}, {.n = 1, .deleted = *id != 'c'});
        }
    });
    commit(*store, [](Transaction& t) {
        const auto first = t.tombstones({}, {}, 2);
        ASSERT_EQ(first.size(), 2u);
        EXPECT_EQ(first[1].second, RecordId{"b"});
        const auto rest = t.tombstones(first[1].first, first[1].second, 2);
        ASSERT_EQ(rest.size(), 1u);
        EXPECT_EQ(rest[0].second, RecordId{"d"});
    });
}

TEST_F(StoreTest, FindsWhatGotNoRevisionInPieces) {
    auto store = open().value();
    commit(*store, [](Transaction& t) {
        std::uint64_t n = 0;
        for (const char* id : {"a", "b", "c"}) t.save(kCustomer, RecordId{id}, {.n = ++n});
        t.save(kCustomer, RecordId{"gone"}, {.n = 1, .deleted = true});
        t.know(kCustomer, RecordId{"a"}, EntityId{"OTHER"});
        t.know(kCustomer, RecordId{"z"}, EntityId{"E"});
    });
    commit(*store, [](Transaction& t) {
        const auto first = t.unseen({}, {}, 2, 2);
        ASSERT_EQ(first.size(), 2u);
        EXPECT_EQ(first[0].second, RecordId{"a"});
        EXPECT_EQ(first[1].second, RecordId{"b"});
        const auto rest = t.unseen(first[1].first, first[1].second, 2, 2);
        ASSERT_EQ(rest.size(), 1u);
        EXPECT_EQ(rest[0].second, RecordId{"z"});
        EXPECT_EQ(t.record(kCustomer, RecordId{"z"})->entity, EntityId{"E"});
        EXPECT_FALSE(t.record(kCustomer, RecordId{"a"})->entity) << "it was known already";
    });
}

TEST_F(StoreTest, KeepsOneRejectPerRecordAndOnlySoMany) {
    auto store = open().value();
    const auto reject = [](const char* id) {
        return Reject{.object = kCustomer, .record = id, .reason = "r", .raw = "{}", .at = kNow};
    };
    commit(*store, [&](Transaction& t) {
        for (int i = 0; i < 5; ++i) t.keep_reject(reject("1"), 2);
        t.keep_reject(reject("2"), 2);
        t.keep_reject(reject("3"), 2);
    });
    EXPECT_EQ(store->rejects(), 2u);
    commit(*store, [](Transaction& t) {
        t.clear_reject(kCustomer, RecordId{"3"});
        t.clear_reject(kCustomer, RecordId{"9"});
    });
    EXPECT_EQ(store->rejects(), 1u);
}

TEST_F(StoreTest, LinksOnlyRecordsThatItKnows) {
    auto store = open().value();
    commit(*store, [](Transaction& t) {
        t.save(kCustomer, RecordId{"1"}, {.n = 1});
        EXPECT_TRUE(t.link(kCustomer, RecordId{"1"}, EntityId{"e"}));
        EXPECT_FALSE(t.link(kCustomer, RecordId{"1"}, EntityId{"e"}));
        EXPECT_FALSE(t.link(kCustomer, RecordId{"2"}, EntityId{"e"}));
    });
}

TEST_F(StoreTest, TakesAtMost150BytesARecord) {
    constexpr int kRecords = 20'000;
    std::ignore = open();
    const auto empty = std::filesystem::file_size(path_);  // A page for each table and index.
    auto store = open().value();
    commit(*store, [](Transaction& t) {
        t.restart_numbering(64, kNow);
        for (int i = 0; i < kRecords; ++i) {
            t.save(kCustomer, RecordId{"0015g00000Ab" + std::to_string(100'000 + i)},
                   {.n = 4,
                    .digest = digest_of({{FieldName{"i"}, i}}, std::nullopt, 0),
                    .entity = EntityId{"aaaaaaaaaaaaaaaaaaaaaaaa"},
                    .last = {Partition{17}, 123'456}});
        }
    });
    store.reset();
    EXPECT_LT(std::filesystem::file_size(path_) - empty, kRecords * 150u);
}

// A file system that refuses to grow files beyond a limit, under the VFS that SQLite has.
class QuotaVfs {
public:
    static inline sqlite3_int64 limit = 1 << 30;
    static const char* install() {
        static sqlite3_vfs vfs = [] {
            sqlite3_vfs copy = *sqlite3_vfs_find(nullptr);
            copy.zName = "quota";
            copy.szOsFile += static_cast<int>(sizeof(File));
            copy.xOpen = &open;
            copy.pNext = nullptr;
            return copy;
        }();
        static const int registered = sqlite3_vfs_register(&vfs, 0);
        return registered == SQLITE_OK ? "quota" : "";
    }

private:
    struct File {
        sqlite3_file base;
        const sqlite3_io_methods* real;
        sqlite3_io_methods methods;
    };
    // The real file stands behind ours in the same allocation.
    static sqlite3_file* real(sqlite3_file* file) {
        return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(File));
    }
    static int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
        sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
        const int code = system->xOpen(system, name, real(file), flags, out);
        auto* own = reinterpret_cast<File*>(file);
        file->pMethods = nullptr;
        if (code != SQLITE_OK) return code;
        static const sqlite3_io_methods methods{
            .iVersion = 1,
            .xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
            .xRead = [](sqlite3_file* f, void* to, int n,
                        sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), to, n, at); },
            .xWrite =
                [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
                    if (at + n > limit) return SQLITE_FULL;
                    return real(f)->pMethods->xWrite(real(f), from, n, at);
                },
            .xTruncate = [](sqlite3_file* f,
                            sqlite3_int64 n) { return real(f)->pMethods->xTruncate(real(f), n); },
            .xSync = [](sqlite3_file* f,
                        int flag) { return real(f)->pMethods->xSync(real(f), flag); },
            .xFileSize = [](sqlite3_file* f,
                            sqlite3_int64* n) { return real(f)->pMethods->xFileSize(real(f), n); },
            .xLock = [](sqlite3_file* f, int l) { return real(f)->pMethods->xLock(real(f), l); },
            .xUnlock = [](sqlite3_file* f,
                          int l) { return real(f)->pMethods->xUnlock(real(f), l); },
            .xCheckReservedLock =
                [](sqlite3_file* f, int* out_) {
                    return real(f)->pMethods->xCheckReservedLock(real(f), out_);
                },
            .xFileControl =
                [](sqlite3_file* f, int op, void* arg) {
                    return real(f)->pMethods->xFileControl(real(f), op, arg);
                },
            .xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
            .xDeviceCharacteristics =
                [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
        };
        own->base.pMethods = &methods;
        return SQLITE_OK;
    }
};

TEST_F(StoreTest, WorksOnAfterTheDiskWasFull) {
    QuotaVfs::limit = 1 << 30;
    auto store = Store::open({.path = path_.string(),
                              .vfs = QuotaVfs::install(),
                              .platform = PlatformId{"crm"},
                              .instance = "one",
                              .now = kNow})
                     .value();
    commit(*store, [](Transaction& t) { t.restart_numbering(1, kNow); });
    QuotaVfs::limit = 256 << 10;
    const auto fill = [](Transaction& t) {
        for (int i = 0; i < 5000; ++i) append(t, {0}, "a record with a rather long id");
    };
    const auto full = store->transaction(fill);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().kind, ErrorKind::kFull) << full.error().what;
    EXPECT_EQ(store->waiting_entries(), 0u);
    QuotaVfs::limit = 1 << 30;
    commit(*store, fill);
    EXPECT_EQ(store->waiting_entries(), 5000u);
}

}  // namespace
}  // namespace syncline::agent
