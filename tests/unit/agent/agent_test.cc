// The way in and the way to the hub: reading, numbering, publishing, receipts.

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "shared/base/json.h"
#include "tests/unit/agent/world.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;

RecordKey key_of(const char* id) {
    return {PlatformId{"crm"}, ObjectName{"customer"}, RecordId{id}};
}

class AgentTest : public testing::Test {
protected:
    World world;
};

TEST_F(AgentTest, PublishesWhatItReadsNumberedDenselyPerPartition) {
    for (const char* id : {"1", "2", "3", "4", "5", "6", "7", "8"})
        world.platform.put(id, named(id));
    world.start();
    world.run_seconds(1);
    const auto changes = world.changes();
    ASSERT_EQ(changes.size(), 8u);
    std::map<std::uint16_t, std::uint64_t> last;
    std::set<std::uint64_t> revisions;  // Counted per store: no two changes have the same.
    for (const Change& change : changes) {
        EXPECT_EQ(change.number.partition, record_partition(change.key, 4));
        EXPECT_EQ(change.number.seq.n, ++last[change.number.partition.value]);
        EXPECT_EQ(change.number.seq.epoch, world.store->epoch());
        EXPECT_TRUE(revisions.insert(change.rev.n).second);
        EXPECT_EQ(change.origin, ChangeOrigin::kBackfill);
    }
    EXPECT_EQ(world.platform.stored_cursors.back(), "8");
}

TEST_F(AgentTest, WaitsForTheStreamToLearnThePartitionsAndSaysSoOnce) {
    world.platform.put("1", named("Ada"));
    world.link.input.exists = false;
    world.start();
    world.run_seconds(60);
    EXPECT_EQ(world.platform.reads, 0u);
    EXPECT_EQ(
        std::count_if(world.notes.begin(), world.notes.end(),
                      [](const auto& note) { return note.contains("waiting for stream SYNC_IN"); }),
        1);
    world.link.input.exists = true;
    world.run_seconds(1);  // What it is told meanwhile must not count as told to another store.
    EXPECT_EQ(world.changes().size(), 1u);
}

TEST_F(AgentTest, SendsNoMessageForARecordThatIsAsItWas) {
    world.platform.put("1", named("Ada"));
    world.start();
    world.run_seconds(1);
    world.platform.put("1", named("Ada"));
    world.run_seconds(10);
    EXPECT_EQ(world.changes().size(), 1u);
    world.platform.put("1", named("Bob"));
    world.run_seconds(10);
    ASSERT_EQ(world.changes().size(), 2u);
    EXPECT_EQ(world.changes()[1].rev.n, 2u);
    EXPECT_EQ(world.changes()[1].origin, ChangeOrigin::kLive);
}

TEST_F(AgentTest, KeepsCountingARecordsRevisionsAfterItsDelete) {
    world.platform.put("1", named("Ada"));
    world.start();
    world.run_seconds(1);
    world.platform.remove("1");
    world.run_seconds(10);
    world.platform.remove("1");
    world.run_seconds(10);
    world.platform.put("1", named("Ada"));
    world.run_seconds(10);
    const auto changes = world.changes();
    ASSERT_EQ(changes.size(), 3u);
    EXPECT_EQ(changes[1].kind, ChangeKind::kDelete);
    EXPECT_TRUE(changes[1].fields.empty());
    EXPECT_EQ(changes[2].kind, ChangeKind::kUpsert);
    EXPECT_EQ(changes[2].rev.n, 3u);
}

TEST_F(AgentTest, FetchesThePartsOfAPartialRecordBeforeItIsSent) {
    world.start();
    world.run_seconds(1);
    world.platform.put_partial("1", named("Ada"));
    world.run_seconds(10);
    ASSERT_EQ(world.changes().size(), 1u);
    EXPECT_EQ(world.changes()[0].fields, named("Ada"));
    EXPECT_EQ(world.platform.fetches, 1u);
}

TEST_F(AgentTest, SendsAPartialRecordAsItIsWhereThePlatformCannotBeAsked) {
    world.platform.the_traits.can_fetch = false;
    world.start();
    world.run_seconds(1);
    world.platform.put_partial("1", named("Ada"));
    world.run_seconds(10);
    ASSERT_EQ(world.changes().size(), 1u);
    EXPECT_EQ(world.platform.fetches, 0u);
    EXPECT_EQ(world.store->rejects(), 0u);
}

TEST_F(AgentTest, RemembersWhatItHasToFetchOverARestart) {
    world.start();
    world.run_seconds(1);
    world.platform.put_partial("1", named("Ada"));
    world.platform.holds_fetches = true;
    world.run_seconds(10);
    EXPECT_TRUE(world.changes().empty());
    world.platform.holds_fetches = false;
    world.restart();
    world.run_seconds(1);
    EXPECT_EQ(world.changes().size(), 1u);
}

TEST_F(AgentTest, DoesNotNumberAFetchAfterABatchThatIsNewer) {
    world.start();
    world.run_seconds(1);
    world.platform.put_partial("1", named("old"));
    world.platform.holds_fetches = true;
    world.run_seconds(6);  // The fetch has its answer, which says "old".
    world.platform.put("1", named("new"));
    world.run_seconds(6);  // The batch says "new".
    world.platform.release_fetches();
    world.run_seconds(6);
    ASSERT_FALSE(world.changes().empty());
    EXPECT_EQ(world.changes().back().fields, named("new"));
    EXPECT_EQ(world.changes().size(), 1u);
}

TEST_F(AgentTest, KeepsWhatCannotBeMappedAndLetsTheRestFlow) {
    world.platform.put("1", named("Ada"));
    world.platform.rejects.push_back({ObjectName{"customer"}, "9", "no name", "{}"});
    world.start();
    world.run_seconds(1);
    EXPECT_EQ(world.changes().size(), 1u);
    EXPECT_EQ(world.store->rejects(), 1u);
    world.platform.put("9", named("Zoe"));
    world.run_seconds(10);
    EXPECT_EQ(world.store->rejects(), 0u) << "it can be mapped now";
}

TEST_F(AgentTest, RejectsARecordThatIsTooLargeForAMessage) {
    world.settings.spool.message_bytes = 1000;
    world.platform.put("1", named(std::string(2000, 'x').c_str()));
    world.platform.put("2", named("Ada"));
    world.start();
    world.run_seconds(1);
    EXPECT_EQ(world.changes().size(), 1u);
    EXPECT_EQ(world.store->rejects(), 1u);
}

TEST_F(AgentTest, MovesARecordToItsEntitysHomeOnlyWhenNothingWaitsInTheOldPlace) {
    world.platform.put("1", named("a"));
    world.start();
    world.run_seconds(1);
    const Partition old = record_partition(key_of("1"), 4);
    const EntityKey entity = [&] {  // One that lives elsewhere.
        for (char c = 'a';; ++c) {
            EntityKey key{ObjectName{"customer"}, EntityId{std::string(24, c)}};
            if (entity_partition(key, 4) != old) return key;
        }
    }();
    world.link_record("1", entity.entity.c_str());
    world.platform.put("1", named("b"));
    world.run_seconds(10);
    ASSERT_EQ(world.changes().size(), 2u);
    EXPECT_EQ(world.changes()[1].number.partition, old) << "the first has no receipt yet";
    EXPECT_EQ(world.changes()[1].entity, entity.entity);
    world.receipt_all();
    world.run_seconds(1);
    world.platform.put("1", named("c"));
    world.run_seconds(10);
    EXPECT_EQ(world.changes()[2].number.partition, entity_partition(entity, 4));
    EXPECT_EQ(world.changes()[2].rev.n, 3u);
}

TEST_F(AgentTest, PublishesAgainFromTheFirstThatWasRefused) {
    world.settings.reading.poll = 1h;
    for (int i = 0; i < 6; ++i) world.platform.put(std::to_string(i).c_str(), named("x"));
    world.link.partitions = 1;
    int count = 0;
    world.link.refuse = [&](const std::string&) -> std::optional<Error> {
        if (++count == 3) return Error{ErrorKind::kAmbiguous, "no answer"};
        return std::nullopt;
    };
    world.start();
    world.run_seconds(5);
    std::vector<std::uint64_t> sequence;
    for (const Change& change : world.changes()) sequence.push_back(change.number.seq.n);
    EXPECT_EQ(sequence, (std::vector<std::uint64_t>{1, 2, 4, 5, 6, 3, 4, 5, 6}));
}

TEST_F(AgentTest, SlowsDownWhileTheStreamIsFullAndLosesNothing) {
    world.platform.put("1", named("x"));
    world.link.refuse = [](const std::string&) { return Error{ErrorKind::kFull, "full"}; };
    world.start();
    world.run_seconds(600);
    EXPECT_LT(world.link.publishes, 60u);
    EXPECT_GT(world.link.publishes, 10u);
    EXPECT_EQ(world.agent->status().trouble, "full");
    world.link.refuse = nullptr;
    world.run_seconds(40);
    EXPECT_EQ(world.changes().size(), 1u);
    EXPECT_EQ(world.agent->status().trouble, "");
}

TEST_F(AgentTest, KeepsReadingIntoTheSpoolWhileTheBrokerIsAway) {
    world.start();
    world.run_seconds(1);
    world.link.is_connected = false;
    world.platform.put("1", named("x"));
    world.run_seconds(60);
    EXPECT_EQ(world.store->waiting_entries(), 1u);
    world.link.is_connected = true;
    world.run_seconds(1);
    EXPECT_EQ(world.changes().size(), 1u);
}

TEST_F(AgentTest, TellsTheBrokerAgainWhatGetsNoReceipt) {
    world.settings.reading.poll = 1h;
    world.platform.put("1", named("x"));
    world.start();
    world.run_seconds(29);
    EXPECT_EQ(world.changes().size(), 1u);
    world.run_seconds(3);
    EXPECT_EQ(world.changes().size(), 2u);
    world.run_seconds(3600);
    EXPECT_LT(world.changes().size(), 14u) << "ever more seldom, up to every ten minutes";
    world.receipt_all();
    world.run_seconds(1);
    const auto before = world.changes().size();
    world.run_seconds(3600);
    EXPECT_EQ(world.changes().size(), before);
    EXPECT_EQ(world.store->waiting_entries(), 0u);
}

TEST_F(AgentTest, SendsAgainWhatTheHubMisses) {
    world.settings.reading.poll = 1h;
    world.link.partitions = 1;
    for (int i = 0; i < 5; ++i) world.platform.put(std::to_string(i).c_str(), named("x"));
    world.start();
    world.run_seconds(1);
    world.receipt_all();
    world.run_seconds(1);
    Receipt receipt;
    receipt.resends.push_back({Partition{0}, world.store->epoch(), 3});
    for (int i = 0; i < 5; ++i) world.send_receipt(receipt);
    world.run_seconds(1);
    EXPECT_EQ(world.changes().size(), 8u) << "3, 4 and 5 once more, whatever often it asks";
    EXPECT_EQ(world.store->marks({0}).receipted, 2u) << "the hub does not have them";
    world.run_seconds(11);
    world.send_receipt(receipt);
    world.run_seconds(1);
    EXPECT_EQ(world.changes().size(), 11u) << "it asks again when it could have had them";
}

TEST_F(AgentTest, IgnoresReceiptsOfAnotherEpochOrPlatform) {
    world.platform.put("1", named("x"));
    world.link.partitions = 1;
    world.start();
    world.run_seconds(1);
    Receipt receipt;
    receipt.marks.push_back({Partition{0}, world.store->epoch() - 1, 1});
    receipt.marks.push_back({Partition{9}, world.store->epoch(), 1});
    receipt.resends.push_back({Partition{0}, world.store->epoch() - 1, 1});
    world.send_receipt(receipt);
    Receipt other;
    other.platform = PlatformId{"erp"};
    other.marks.push_back({Partition{0}, world.store->epoch(), 1});
    world.link.tell(wire::encode(other));
    world.link.tell("garbage");
    world.run_seconds(1);
    EXPECT_EQ(world.store->waiting_entries(), 1u);
    EXPECT_EQ(world.changes().size(), 1u);
}

TEST_F(AgentTest, BeginsANewEpochWhenTheHubMissesWhatIsTrimmed) {
    world.settings.spool.retention = 1h;
    world.link.partitions = 1;
    world.platform.put("1", named("x"));
    world.platform.put("2", named("x"));
    world.platform.remove("2");
    world.auto_receipts = true;
    world.start();
    world.run_seconds(3 * 3600);
    ASSERT_GT(world.store->marks({0}).trimmed, 0u);
    const auto epoch = world.store->epoch();
    const auto before = world.changes().size();
    Receipt receipt;
    receipt.resends.push_back({Partition{0}, epoch, 1});
    world.send_receipt(receipt);
    world.run_seconds(10);
    EXPECT_GT(world.store->epoch(), epoch);
    const auto changes = world.changes();
    ASSERT_EQ(changes.size(), before + 2) << "the record that is there, and the one that is gone";
    std::set<std::string> sent;
    for (auto i = before; i < changes.size(); ++i) {
        EXPECT_EQ(changes[i].number.seq.epoch, world.store->epoch());
        EXPECT_EQ(changes[i].rev.epoch, world.store->epoch());
        sent.insert(changes[i].key.record.text +
                    (changes[i].kind == ChangeKind::kDelete ? " deleted" : ""));
    }
    EXPECT_EQ(sent, (std::set<std::string>{"1", "2 deleted"}));
}

TEST_F(AgentTest, ReadsEverythingAgainWhenTheHubAsks) {
    world.platform.put("1", named("x"));
    world.platform.put("2", named("x"));
    world.auto_receipts = true;
    world.start();
    world.run_seconds(1);
    Receipt receipt;
    receipt.full_read = true;
    world.send_receipt(receipt);
    world.send_receipt(receipt);
    world.run_seconds(10);
    const auto changes = world.changes();
    ASSERT_EQ(changes.size(), 4u);
    EXPECT_EQ(changes[2].origin, ChangeOrigin::kReconcile);
    EXPECT_GT(changes[2].rev.n, 2u);
    world.run_seconds(60);
    EXPECT_EQ(world.changes().size(), 4u);
    EXPECT_EQ(world.agent->status().intake.origin, "live");
}

TEST_F(AgentTest, AsksForWhatAFullReadDoesNotShow) {
    for (const char* id : {"1", "2", "3"}) world.platform.put(id, named("x"));
    world.auto_receipts = true;
    world.start();
    world.run_seconds(1);
    world.platform.vanish("2");
    Receipt receipt;
    receipt.full_read = true;
    world.send_receipt(receipt);
    world.run_seconds(10);
    const auto changes = world.changes();
    ASSERT_EQ(changes.size(), 6u);
    EXPECT_EQ(changes.back().kind, ChangeKind::kDelete);
    EXPECT_EQ(changes.back().key.record, RecordId{"2"});
    EXPECT_EQ(world.platform.fetches, 1u) << "the others were seen";
}

TEST_F(AgentTest, GoesOnAskingForWhatAFullReadDidNotShowAfterARestart) {
    for (const char* id : {"1", "2"}) world.platform.put(id, named("x"));
    world.auto_receipts = true;
    world.start();
    world.run_seconds(1);
    world.platform.vanish("1");
    world.platform.vanish("2");
    world.platform.holds_fetches = true;
    Receipt receipt;
    receipt.full_read = true;
    world.send_receipt(receipt);
    world.run_seconds(10);
    ASSERT_EQ(world.changes().size(), 2u);
    world.platform.holds_fetches = false;
    world.restart();
    world.run_seconds(10);
    EXPECT_EQ(world.changes().size(), 4u);
}

TEST_F(AgentTest, ANewStoreAsksForWhatTheHubKnowsAndNoReadShows) {
    const auto know = [&](const char* id, const char* entity) {
        world.link.states.push_back(
            {.subject =
                 subjects::link({world.settings.platform, ObjectName{"customer"}, RecordId{id}}),
             .body = wire::encode_reference(EntityId{entity})});
    };
    know("1", World::kEntity);
    know("gone", World::kEntity);
    know("parted", "");
    world.platform.put("1", named("x"));
    world.auto_receipts = true;
    world.start();
    world.run_seconds(10);
    const auto changes = world.changes();
    ASSERT_EQ(changes.size(), 2u);
    EXPECT_EQ(changes[0].key.record, RecordId{"1"});
    EXPECT_EQ(changes[1].kind, ChangeKind::kDelete);
    EXPECT_EQ(changes[1].key.record, RecordId{"gone"});
    EXPECT_EQ(changes[1].entity, EntityId{World::kEntity});
    world.restart();
    world.run_seconds(10);
    EXPECT_EQ(world.changes().size(), 2u) << "the list is read once";
}

TEST_F(AgentTest, PublishesEverythingWithoutReceiptAgainIntoANewStream) {
    world.settings.reading.poll = 1h;
    world.platform.put("1", named("x"));
    world.start();
    world.run_seconds(1);
    world.receipt_all();
    world.platform.put("2", named("x"));
    world.settings.reading.poll = 1s;
    world.run_seconds(1);
    world.restart();
    world.run_seconds(1);
    ASSERT_EQ(world.store->waiting_entries(), 1u);
    world.link.input = {.created = Timestamp{2'000}};
    world.run_seconds(6);
    ASSERT_EQ(world.changes().size(), 1u);
    EXPECT_EQ(world.changes()[0].key.record, RecordId{"2"});
}

TEST_F(AgentTest, NoticesThatTheStreamWentBack) {
    world.settings.reading.poll = 1h;
    world.platform.put("1", named("x"));
    world.start();
    world.run_seconds(7);
    ASSERT_EQ(world.changes().size(), 1u);
    world.link.input.messages.clear();
    world.link.input.last = 0;
    world.run_seconds(6);
    EXPECT_EQ(world.changes().size(), 1u) << "it was forgotten, and is there again";
}

TEST_F(AgentTest, NumbersAnewWhenThePartitionsChange) {
    world.platform.put("1", named("x"));
    world.start();
    world.run_seconds(1);
    const auto epoch = world.store->epoch();
    world.link.input = {.created = Timestamp{2'000}};
    world.link.partitions = 16;
    world.run_seconds(10);
    ASSERT_EQ(world.changes().size(), 1u);
    EXPECT_GT(world.store->epoch(), epoch);
    EXPECT_EQ(world.changes()[0].number.partition, record_partition(key_of("1"), 16));
    EXPECT_EQ(world.changes()[0].number.seq, (Revision{world.store->epoch(), 1}));
}

TEST_F(AgentTest, PausesReadingWhileTheSpoolIsFullAndGoesOnByItself) {
    world.settings.spool.bytes = 4096;
    world.settings.reading.batch_records = 7;
    for (int i = 0; i < 200; ++i) world.platform.put(std::to_string(i).c_str(), named("x"));
    world.start();
    world.run(60s + 50ms);  // It looks for room five times a second.
    EXPECT_LE(world.store->waiting_bytes(), 4096u);
    EXPECT_LT(world.changes().size(), 60u);
    EXPECT_TRUE(world.agent->status().intake.paused);
    world.auto_receipts = true;
    world.run_seconds(120);
    EXPECT_EQ(world.agent->status().intake.changes, 200u);
    EXPECT_FALSE(world.agent->status().intake.paused);
}

TEST_F(AgentTest, BacksOffFromAPlatformThatCannotBeRead) {
    world.platform.reads_fail = Error{ErrorKind::kUnavailable, "down"};
    world.auto_receipts = true;
    world.start();
    world.run_seconds(3600);
    EXPECT_LT(world.platform.reads, 40u);
    EXPECT_GT(world.platform.reads, 8u);
    EXPECT_EQ(world.agent->status().trouble, "down");
    world.platform.reads_fail.reset();
    world.platform.put("1", named("x"));
    world.run_seconds(300);
    EXPECT_EQ(world.changes().size(), 1u);
}

TEST_F(AgentTest, TriesRefusedCredentialsOnceAMinute) {
    world.platform.reads_fail = Error{ErrorKind::kDenied, "401"};
    world.start();
    world.run_seconds(600);
    EXPECT_LE(world.platform.reads, 11u);
    EXPECT_TRUE(world.agent->status().denied);
    EXPECT_NE(world.link.presences.back().find(R"("needs_credentials":true)"), std::string::npos);
    world.platform.reads_fail.reset();
    world.run_seconds(400);
    EXPECT_FALSE(world.agent->status().denied);
}

TEST_F(AgentTest, KeepsTheRate) {
    world.settings.rate = {.per_second = 1, .burst = 1};
    world.settings.reading.batch_records = 1;
    for (int i = 0; i < 100; ++i) world.platform.put(std::to_string(i).c_str(), named("x"));
    world.start();
    world.run_seconds(20);
    EXPECT_LE(world.platform.reads, 21u);
    EXPECT_GE(world.platform.reads, 19u);
}

TEST_F(AgentTest, SaysEveryTenSecondsThatItIsThere) {
    world.start();
    world.run_seconds(61);
    ASSERT_GE(world.link.presences.size(), 6u);
    EXPECT_LE(world.link.presences.size(), 8u);
    const auto presence = parse_json(world.link.presences.back());
    ASSERT_TRUE(presence);
    const auto* map = presence->get<Value::Map>();
    ASSERT_NE(map, nullptr);
    EXPECT_EQ(map->at("platform"), Value{"crm"});
    EXPECT_EQ(map->at("epoch"), Value{std::to_string(world.store->epoch())});
    EXPECT_EQ(map->at("instance"), Value{"instance-1"});
}

TEST_F(AgentTest, WakesUpOnlyForItsTimersWhenNothingHappens) {
    world.settings.reading.poll = 60s;
    world.auto_receipts = true;
    world.platform.put("1", named("x"));
    world.start();
    world.run_seconds(60);
    int wakeups = 0;
    const Duration end = world.clock.steady() + 60s;
    while (world.clock.steady() < end) {
        world.run(1ns);
        world.clock.advance(
            std::max(Duration{0}, world.agent->next_deadline() - world.clock.steady()));
        ++wakeups;
    }
    EXPECT_LE(wakeups, 12 + 6 + 2 + 4) << "streams, presence, polling and trimming";
}

TEST_F(AgentTest, StopsQuietly) {
    world.platform.put("1", named("x"));
    world.platform.holds_reads = true;
    world.start();
    world.run_seconds(1);
    world.agent->stop();
    EXPECT_FALSE(world.agent->is_quiet());
    world.platform.release_reads();
    world.run_seconds(1);
    EXPECT_TRUE(world.agent->is_quiet());
}

}  // namespace
}  // namespace syncline::test
