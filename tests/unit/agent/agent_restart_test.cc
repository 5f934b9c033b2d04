// A crash at every commit point, the disk full, and what is found after a restart.

#include <gtest/gtest.h>

#include "tests/unit/agent/world.h"

namespace syncline::test {
namespace {

using Effect = ScriptedPlatform::Effect;
using Moment = agent::SyncPoints::Moment;

struct CrashCase {
    std::string_view point;
    Moment moment;
    int hits;
};

std::vector<CrashCase> all_crashes() {
    std::vector<CrashCase> cases;
    for (const std::string_view point : agent::kSyncPoints) {
        for (const Moment moment : {Moment::kBefore, Moment::kAfter}) {
            for (int hits = 0; hits < 3; ++hits) cases.push_back({point, moment, hits});
        }
    }
    return cases;
}

/// What the hub has of each record at the end: the value of the greatest revision, and the numbers
/// of each partition without a gap.
void expect_converged(const World& world) {
    std::map<std::string, std::pair<Revision, Fields>> mirror;
    std::map<std::pair<std::uint16_t, std::uint64_t>, std::set<std::uint64_t>> numbers;
    const auto take = [&](const std::string& record, Revision rev, const Fields& fields,
                          const Numbering& number) {
        numbers[{number.partition.value, number.seq.epoch}].insert(number.seq.n);
        auto& [known, held] = mirror[record];
        if (rev > known) {
            known = rev;
            held = fields;
        }
    };
    for (const Change& change : world.changes()) {
        take(change.key.record.text, change.rev, change.fields, change.number);
    }
    for (const OperationResult& result : world.results()) {
        numbers[{result.number.partition.value, result.number.seq.epoch}].insert(
            result.number.seq.n);
    }
    for (const Outcome& outcome : world.outcomes()) {
        take(outcome.record ? outcome.record->text : "", outcome.rev, outcome.fields,
             outcome.number);
    }
    for (const auto& [lane, seen] : numbers) EXPECT_EQ(*seen.rbegin(), seen.size());
    for (const auto& [key, record] : world.platform.records) {
        EXPECT_EQ(mirror[key.second.text].second, record.fields) << key.second.text;
    }
}

class EveryCrash : public testing::TestWithParam<CrashCase> {};

TEST_P(EveryCrash, LosesNothingAndDoesNothingTwice) {
    World world;
    world.settings.spool.retention = std::chrono::seconds{30};
    world.auto_receipts = true;
    world.operations.knows_keys = true;
    if (GetParam().hits == 1) {
        world.platform.the_traits.reads_ahead = true;
        world.settings.reading.batch_records = 1;
    }
    world.platform.put("1", named("old"));
    world.platform.put("2", named("old"));
    world.points.point = GetParam().point;
    world.points.moment = GetParam().moment;
    world.points.hits = GetParam().hits;
    world.start();
    world.live(2);
    world.send(world.create(1, named("Zoe"), std::string(24, 'z').c_str()));
    world.send(world.update(1, "1", named("new"), std::string(24, 'a').c_str()));
    world.send(world.call("flow/i1/make"));
    world.send(world.call("flow/i2/make"));
    world.live(20);
    world.platform.put("2", named("edited"));
    world.live(10);
    world.send(world.update(2, "1", named("newer"), std::string(24, 'a').c_str()));
    world.live(300);
    EXPECT_LE(world.crashes, 1);
    expect_converged(world);
    EXPECT_EQ(world.platform.records.size(), 3u) << "one create, one record";
    EXPECT_EQ(*world.platform.find_record("1")->fields.find("name"), Value{"newer"});
    for (const char* key : {"flow/i1/make", "flow/i2/make"}) {
        EXPECT_EQ(world.operations.effects[key], 1);
        std::size_t told = 0;
        for (const OperationResult& result : world.results()) {
            if (result.key != key) continue;
            ++told;
            EXPECT_EQ(result.what, OperationResult::What::kApplied);
        }
        EXPECT_GE(told, 1u) << key;
    }
    EXPECT_EQ(world.store->waiting_entries(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Agent, EveryCrash, testing::ValuesIn(all_crashes()), [](const auto& row) {
    return std::string{row.param.point} +
           (row.param.moment == Moment::kBefore ? "Before" : "After") +
           std::to_string(row.param.hits);
});

TEST(SyncPointList, NamesEveryPointThatIsReached) {
    World world;
    world.settings.spool.retention = std::chrono::seconds{30};
    world.auto_receipts = true;
    world.platform.put("1", named("old"));
    world.start();
    world.run_seconds(2);
    world.send(world.update(1, "1", named("new")));
    world.send(world.call("flow/i/make"));
    world.run_seconds(300);
    const std::set<std::string> expected(agent::kSyncPoints.begin(), agent::kSyncPoints.end());
    EXPECT_EQ(world.points.seen, expected);
}

TEST(Restart, ClearsUpFirstWhatTheLedgerDoubts) {
    for (const Effect effect : {Effect::kNone, Effect::kApplied}) {
        World world;
        world.auto_receipts = true;
        world.start();
        world.run_seconds(1);
        world.platform.holds_writes = true;
        if (effect == Effect::kNone) world.platform.scripts.push_back({effect});
        world.send(world.create(1, named("Zoe")));
        world.run_seconds(1);
        ASSERT_EQ(world.platform.writes.size(), 1u);
        world.platform.holds_writes = false;
        world.restart();
        world.run_seconds(60);
        ASSERT_EQ(world.outcomes().size(), 1u);
        EXPECT_EQ(world.outcomes()[0].status, OutcomeStatus::kApplied);
        EXPECT_EQ(world.platform.applied, 1u);
        EXPECT_EQ(world.agent->status().commands.position, 1u);
    }
}

TEST(Restart, HandsACreateThatCannotBeVerifiedToAPerson) {
    World world;
    world.platform.the_traits = {};
    world.auto_receipts = true;
    world.start();
    world.run_seconds(1);
    world.platform.holds_writes = true;
    world.send(world.create(1, named("Zoe")));
    world.run_seconds(1);
    world.platform.holds_writes = false;
    world.restart();
    world.run_seconds(60);
    ASSERT_EQ(world.outcomes().size(), 1u);
    EXPECT_EQ(world.outcomes()[0].status, OutcomeStatus::kInDoubt);
    EXPECT_EQ(world.platform.writes.size(), 1u);
}

TEST(Restart, DoesNotDoubtAnUnverifiableCreateThatIsKnownNotToHaveHappened) {
    World world;
    world.platform.the_traits = {};
    world.auto_receipts = true;
    world.start();
    world.run_seconds(1);
    world.platform.scripts = {{}, {}};
    world.send(world.create(1, named("Zoe")));
    world.run(std::chrono::milliseconds{1});
    world.restart();
    world.run_seconds(600);
    ASSERT_EQ(world.outcomes().size(), 1u);
    EXPECT_EQ(world.outcomes()[0].status, OutcomeStatus::kApplied);
    EXPECT_EQ(world.platform.applied, 1u);
}

TEST(Restart, GoesOnReadingWhereItStopped) {
    World world;
    world.settings.reading.batch_records = 1;
    world.platform.put("1", named("x"));
    world.platform.put("2", named("x"));
    world.start();
    world.run_seconds(1);
    world.restart();
    world.platform.put("3", named("x"));
    world.run_seconds(10);
    EXPECT_EQ(world.agent->status().intake.records_read, 1u);
}

TEST(Restart, PublishesWhatHasNoReceiptAgain) {
    World world;
    world.platform.put("1", named("x"));
    world.start();
    world.run_seconds(1);
    world.restart();
    world.run_seconds(1);
    EXPECT_EQ(world.changes().size(), 2u);
    world.receipt_all();
    world.run_seconds(1);
    world.restart();
    world.run_seconds(1);
    EXPECT_EQ(world.changes().size(), 2u);
}

// A hub that is not sure whether it was stored, before the store was lost, tells it again.
TEST(Restart, WhatWasDecidedBeforeTheStoreBeganIsRefusedOnceWhereverItStands) {
    World world;
    world.auto_receipts = true;
    world.link.commands.asked = world.clock.now();
    world.start();
    world.run_seconds(1);
    Command late = world.create(1, named("made"));
    late.decided_at = world.link.commands.asked - Duration{1};
    world.send(late);
    world.run_seconds(10);
    ASSERT_EQ(world.outcomes().size(), 1U);
    EXPECT_EQ(world.outcomes()[0].status, OutcomeStatus::kStale);
    EXPECT_EQ(world.platform.applied, 0U);
    late.generation = 2;  // What a hub has decided since, whose clock is behind.
    world.send(late);
    world.run_seconds(10);
    EXPECT_EQ(world.outcomes().back().status, OutcomeStatus::kApplied);
    EXPECT_EQ(world.platform.applied, 1U);
}

TEST(Restart, DoesNotCarryOutAgainWhatIsDone) {
    World world;
    world.platform.put("1", named("old"));
    world.start();
    world.run_seconds(1);
    world.receipt_all();
    world.run_seconds(1);
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(5);
    world.restart();
    world.run_seconds(20);
    EXPECT_EQ(world.platform.writes.size(), 1u);
    EXPECT_EQ(world.outcomes().size(), 2u) << "the same one, as it had no receipt";
    EXPECT_EQ(world.outcomes()[0].number, world.outcomes()[1].number);
}

TEST(FreshStore, BeginsNoCommandBeforeTheHubKnowsWhatIsThere) {
    World world;
    world.platform.put("1", named("old"));
    world.start();
    world.run_seconds(1);
    world.send(world.create(1, named("twin")));
    world.run_seconds(20);
    EXPECT_TRUE(world.platform.writes.empty()) << "the hub has not seen record 1";
    world.receipt_all();
    world.run_seconds(20);
    EXPECT_EQ(world.platform.writes.size(), 1u);
}

TEST(Restart, ReadsOnWhileABatchIsStoredAndGoesOnFromWhatWasStored) {
    World world;
    world.platform.the_traits.reads_ahead = true;
    world.settings.reading.batch_records = 1;
    for (const char* id : {"1", "2", "3", "4"}) world.platform.put(id, named("x"));
    world.start();
    world.points.point = "A4";
    world.points.moment = Moment::kBefore;
    world.points.hits = 1;
    EXPECT_TRUE(world.run_until_crash(10));
    EXPECT_EQ(world.platform.reads, 3u) << "the third, while the second is stored";
    world.start();
    world.run_seconds(10);
    std::set<std::pair<std::string, std::uint64_t>> told;  // What had no answer is sent again.
    for (const Change& change : world.changes()) told.emplace(change.key.record.text, change.rev.n);
    EXPECT_EQ(told, (std::set<std::pair<std::string, std::uint64_t>>{
                        {"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}}));
}

TEST(Restart, FinishesAFullReadThatWasUnderWay) {
    World world;
    world.platform.put("1", named("x"));
    world.platform.put("2", named("x"));
    world.platform.remove("2");
    world.start();
    world.run_seconds(1);
    const auto before = world.changes().size();
    Receipt receipt;
    receipt.full_read = true;
    world.send_receipt(receipt);
    world.platform.holds_reads = true;
    world.points.point = "A3";
    world.points.moment = Moment::kAfter;
    EXPECT_TRUE(world.run_until_crash(10));
    world.platform.holds_reads = false;
    world.start();
    world.run_seconds(10);
    std::set<std::string> sent;
    const auto changes = world.changes();
    for (auto i = before; i < changes.size(); ++i) {
        if (changes[i].origin == ChangeOrigin::kReconcile) sent.insert(changes[i].key.record.text);
    }
    EXPECT_EQ(sent, (std::set<std::string>{"1", "2"}));
}

}  // namespace
}  // namespace syncline::test
