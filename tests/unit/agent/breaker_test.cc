#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <tuple>

#include "tests/unit/agent/world.h"

namespace syncline {
namespace {

using namespace std::chrono_literals;
using Status = HoldNotice::Status;
using Verdict = HoldAnswer::Verdict;
using test::World;

const Lane kIn{ObjectName{"customer"}, Direction::kIn};
const Lane kOut{ObjectName{"customer"}, Direction::kOut};

Fields person(const char* name, Value phone = "1") {
    return {{FieldName{"name"}, name}, {FieldName{"phone"}, std::move(phone)}};
}

class BreakerTest : public testing::Test {
protected:
    static constexpr int kRecords = 20;

    void SetUp() override {
        world.auto_receipts = true;
        world.settings.reading.poll = 1s;
        for (auto& direction : world.settings.breaker.limits) {
            for (agent::MassLimit& limit : direction) limit.count = 5;
        }
    }
    static std::string id_of(int i) { return "r" + std::to_string(i); }
    static std::string entity_of(int i) { return std::string(22, 'a') + std::to_string(10 + i); }

    /// Records that the hub knows, and the agent at rest.
    void start() {
        for (int i = 0; i < kRecords; ++i) world.platform.put(id_of(i).c_str(), person("ann"));
        world.start();
        world.run_seconds(5);
        for (int i = 0; i < kRecords; ++i) {
            world.link_record(id_of(i).c_str(), entity_of(i).c_str());
        }
        world.run_seconds(2);
        ASSERT_EQ(world.changes().size(), std::size_t{kRecords});
        told = kRecords;
    }
    void remove(int from, int to) {
        for (int i = from; i < to; ++i) world.platform.remove(id_of(i).c_str());
    }
    void blank(int from, int to) {
        for (int i = from; i < to; ++i) world.platform.put(id_of(i).c_str(), person("ann", {}));
    }
    /// Changes since the last call.
    std::vector<Change> news() {
        const auto all = world.changes();
        std::vector<Change> found{all.begin() + static_cast<std::ptrdiff_t>(told), all.end()};
        told = all.size();
        return found;
    }
    void answer(const Lane& lane, std::uint64_t hold, Verdict verdict) {
        world.link.put_command(subjects::hold_answer(world.settings.platform, lane),
                               to_text(HoldAnswer{hold, verdict}));
    }
    [[nodiscard]] HoldNotice notice() const { return world.notices().back(); }
    void command_deletes(int from, int to) {
        for (int i = from; i < to; ++i) {
            Command made = world.update(1, id_of(i).c_str(), {}, entity_of(i).c_str());
            made.kind = CommandKind::kDelete;
            made.decided_at = world.clock.now();
            world.send(made);
        }
    }

    World world;
    std::size_t told = 0;
};

TEST_F(BreakerTest, HoldsDeletionsFromTheOneThatPassesTheLimit) {
    start();
    remove(0, 12);
    world.run_seconds(10);
    EXPECT_EQ(news().size(), 5u) << "as many as the limit allows";
    ASSERT_FALSE(world.notices().empty());
    const HoldNotice said = notice();
    EXPECT_EQ(said.lane, kIn);
    EXPECT_EQ(said.status, Status::kHeld);
    EXPECT_EQ(said.tripped, MassKind::kDelete);
    EXPECT_EQ(said.counts[0], 12u);
    EXPECT_EQ(said.held, 7u);
    EXPECT_EQ(said.limit, "5");
    EXPECT_EQ(said.sample.size(), 7u);
    EXPECT_EQ(said.sample.front().record.text, "r5");
    EXPECT_EQ(said.sample.front().entity, EntityId{entity_of(5)});
    EXPECT_EQ(world.agent->status().held.size(), 1u);
}

TEST_F(BreakerTest, LetsFewChangesPassForEver) {
    start();
    for (int i = 0; i < 10; ++i) {
        remove(i, i + 1);
        world.run_seconds(300);
    }
    EXPECT_EQ(news().size(), 10u);
    EXPECT_TRUE(world.notices().empty());
}

TEST_F(BreakerTest, HoldsBlankingsAndKeepsOtherChangesOfTheObjectInOrderBehindThem) {
    start();
    blank(0, 12);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 5u);
    EXPECT_EQ(notice().tripped, MassKind::kBlank);
    world.platform.put("r19", person("bob"));
    world.platform.put("new", person("eve"));
    world.platform.put("r11", person("zoe", {}));
    world.run_seconds(5);
    EXPECT_TRUE(news().empty());
    EXPECT_EQ(world.store->withheld(kIn.object), 9u);
    answer(kIn, notice().hold, Verdict::kResume);
    world.run_seconds(5);
    const auto changes = news();
    ASSERT_EQ(changes.size(), 9u);
    EXPECT_EQ(changes.back().key.record.text, "r11") << "of each record the newest";
    EXPECT_EQ(*changes.back().fields.find("name"), Value{"zoe"});
    EXPECT_EQ(changes[0].key.record.text, "r5");
    EXPECT_EQ(notice().status, Status::kResumed);
    EXPECT_EQ(world.store->withheld(kIn.object), 0u);
    world.platform.put("r19", person("carl"));
    world.run_seconds(3);
    EXPECT_EQ(news().size(), 1u) << "it flows";
}

TEST_F(BreakerTest, WhatIsToldInPartsIsHeldAsAWhole) {
    world.platform.the_traits.can_fetch = false;
    start();
    blank(0, 6);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 5u);
    world.platform.put("r5", {{FieldName{"name"}, "zoe"}});  // Its phone is not told.
    world.run_seconds(5);
    answer(kIn, notice().hold, Verdict::kResume);
    world.run_seconds(5);
    const auto changes = news();
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].fields, person("zoe", {}));
}

TEST_F(BreakerTest, OverwritesCountOnlyIfWanted) {
    start();
    for (int i = 0; i < 12; ++i) world.platform.put(id_of(i).c_str(), person("bob"));
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 12u);
    world.settings.breaker.limits[0][2].on = true;
    world.restart();
    for (int i = 0; i < 12; ++i) world.platform.put(id_of(i).c_str(), person("carl"));
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 5u);
    EXPECT_EQ(notice().tripped, MassKind::kOverwrite);
}

TEST_F(BreakerTest, DiscardDropsWhatIsHeldAndAReconciliationFindsIt) {
    start();
    remove(0, 12);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 5u);
    answer(kIn, notice().hold, Verdict::kDiscard);
    world.run_seconds(5);
    EXPECT_EQ(notice().status, Status::kDiscarded);
    EXPECT_TRUE(news().empty());
    world.link.put_command(subjects::again(world.settings.platform, subjects::Again::kReconcile),
                           to_text(ReconcileRequest{world.clock.now(), ReconcileMode::kHeal}));
    world.run_seconds(60);
    EXPECT_EQ(news().size(), 5u) << "it finds them, and the limit holds for them too";
    EXPECT_EQ(notice().status, Status::kHeld);
    std::uint64_t held = 0;
    for (const Inventory& inventory : world.inventories()) {
        for (const auto& object : inventory.objects) held += object.held;
    }
    EXPECT_GT(held, 0u) << "what is held is no proof";
}

TEST_F(BreakerTest, WhatIsPutRightAtThePlatformIsNotTold) {
    start();
    blank(0, 12);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 5u);
    for (int i = 5; i < 12; ++i) world.platform.put(id_of(i).c_str(), person("ann"));
    world.run_seconds(5);
    EXPECT_EQ(world.store->withheld(kIn.object), 0u);
    answer(kIn, notice().hold, Verdict::kResume);
    world.run_seconds(5);
    EXPECT_TRUE(news().empty());
    EXPECT_EQ(notice().status, Status::kResumed);
}

TEST_F(BreakerTest, WhatCameBackIsToldThoughWhatWasHeldIsForgotten) {
    start();
    remove(0, 12);
    world.run_seconds(10);
    world.platform.put("r6", person("bob"));
    world.run_seconds(5);
    ASSERT_TRUE(world.store->withheld(kIn.object) > 0);
    Command forget = world.update(1, "r6", {}, entity_of(6).c_str());
    forget.kind = CommandKind::kForget;
    forget.decided_at = world.clock.now();
    world.send(forget);
    world.run_seconds(5);
    ASSERT_EQ(world.outcomes().back().status, OutcomeStatus::kApplied);
    news();
    answer(kIn, notice().hold, Verdict::kResume);
    world.run_seconds(5);
    const auto changes = news();
    const auto back = std::ranges::find(changes, RecordId{"r6"},
                                        [](const Change& change) { return change.key.record; });
    ASSERT_NE(back, changes.end());
    EXPECT_EQ(back->fields, person("bob"));
}

TEST_F(BreakerTest, AnAnswerToAFormerHoldReleasesNothing) {
    start();
    remove(0, 6);
    world.run_seconds(5);
    const std::uint64_t first = notice().hold;
    answer(kIn, first, Verdict::kResume);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 6u);
    remove(6, 12);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 5u);
    EXPECT_EQ(notice().status, Status::kHeld);
    EXPECT_GT(notice().hold, first);
    answer(kIn, first, Verdict::kResume);
    world.run_seconds(30);
    world.restart();
    world.run_seconds(30);
    EXPECT_TRUE(news().empty());
    answer(kIn, notice().hold, Verdict::kResume);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 1u);
}

TEST_F(BreakerTest, AnAnswerToAHoldThatTheStoreDoesNotKnowIsSaidToBeOfNone) {
    start();
    answer(kIn, 77, Verdict::kResume);
    world.run_seconds(5);
    ASSERT_EQ(world.notices().size(), 1u);
    EXPECT_EQ(notice().status, Status::kUnknown);
    EXPECT_EQ(notice().hold, 77u);
}

TEST_F(BreakerTest, ANoticeWithoutReceiptIsNumberedAnewWithTheRest) {
    start();
    world.auto_receipts = false;
    remove(0, 12);
    world.run_seconds(5);
    const std::size_t before = world.notices().size();
    world.link.partitions = static_cast<std::uint16_t>(world.link.partitions + 3);
    world.run_seconds(20);
    ASSERT_GT(world.notices().size(), before);
    const HoldNotice said = notice();
    EXPECT_EQ(said.number.seq.epoch, world.store->epoch());
    EXPECT_EQ(said.number.partition,
              entity_partition(lane_entity(kIn.object), world.link.partitions));
    EXPECT_EQ(said.status, Status::kHeld);
}

TEST_F(BreakerTest, AnObjectThatIsNoLongerReadIsAnsweredAllTheSame) {
    start();
    remove(0, 12);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 5u);
    world.platform.reads_fail = Error{ErrorKind::kUnsupported, "there is no such object"};
    world.restart();
    answer(kIn, notice().hold, Verdict::kResume);
    world.run_seconds(10);
    EXPECT_EQ(news().size(), 7u);
    EXPECT_TRUE(world.agent->status().held.empty());
}

TEST_F(BreakerTest, TellsOfAHoldAgainWhateverTheClockSays) {
    start();
    remove(0, 12);
    world.run_seconds(10);
    const std::size_t before = world.notices().size();
    world.run_seconds(5 * 60);
    EXPECT_EQ(world.notices().size(), before);
    world.clock.set_wall(world.clock.now() - 240h);
    world.run_seconds(10 * 60);
    EXPECT_EQ(world.notices().size(), before + 1) << "in case that the exception was lost";
}

TEST_F(BreakerTest, AnswersThatComeWhileTheAgentIsAwayAreFound) {
    start();
    remove(0, 12);
    world.run_seconds(5);
    const std::uint64_t hold = notice().hold;
    world.kill();
    answer(kIn, hold, Verdict::kResume);
    world.start();
    world.run_seconds(10);
    EXPECT_EQ(news().size(), 12u);
}

TEST_F(BreakerTest, OtherLanesFlow) {
    start();
    remove(0, 12);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 5u);
    world.send(world.update(1, "r19", person("bob"), entity_of(19).c_str()));
    world.run_seconds(5);
    EXPECT_EQ(world.platform.applied, 1u);
    // Of a record whose own change is held nobody knows yet what it is to be.
    world.send(world.update(1, "r11", person("bob"), entity_of(11).c_str()));
    world.run_seconds(5);
    EXPECT_EQ(world.platform.writes.size(), 1u);
    answer(kIn, notice().hold, Verdict::kResume);
    world.run_seconds(30);
    EXPECT_EQ(world.outcomes().size(), 2u);
    EXPECT_EQ(world.outcomes().back().status, OutcomeStatus::kGone);
}

TEST_F(BreakerTest, HoldsCommandsUntilTheyAreResumed) {
    start();
    command_deletes(0, 12);
    world.run_seconds(10);
    EXPECT_EQ(world.platform.applied, 5u);
    const HoldNotice said = notice();
    EXPECT_EQ(said.lane, kOut);
    EXPECT_EQ(said.held, 7u);
    EXPECT_EQ(said.counts[0], 12u);
    EXPECT_EQ(said.sample.size(), 7u);
    world.restart();
    world.run_seconds(20);
    EXPECT_EQ(world.platform.applied, 5u) << "it survives a restart";
    EXPECT_EQ(world.agent->status().held.at(0).held, 7u);
    answer(kOut, said.hold, Verdict::kResume);
    world.run_seconds(20);
    EXPECT_EQ(world.platform.applied, 12u);
    EXPECT_EQ(notice().status, Status::kResumed);
    EXPECT_TRUE(world.agent->status().held.empty());
}

TEST_F(BreakerTest, WhatIsBeingDeletedIsOneRecordAndNotTwo) {
    for (auto& direction : world.settings.breaker.limits) {
        for (agent::MassLimit& limit : direction)
            limit = {.on = true, .count = 1'000, .percent = 25};
    }
    world.settings.breaker.percent_from = 5;  // By then four are under way.
    world.settings.writing.concurrency = 8;
    start();
    world.platform.holds_writes = true;
    command_deletes(0, 12);
    world.run_seconds(5);
    EXPECT_EQ(world.platform.applied, 5u) << "a quarter of twenty";
    EXPECT_EQ(notice().limit, "25 % of 20 records");
    world.platform.release_writes();
    world.run_seconds(10);
    EXPECT_EQ(world.platform.applied, 5u);
}

TEST_F(BreakerTest, DiscardedCommandsAreAnsweredSo) {
    start();
    command_deletes(0, 12);
    world.run_seconds(10);
    const std::uint64_t hold = notice().hold;
    answer(kOut, hold, Verdict::kDiscard);
    world.run_seconds(20);
    EXPECT_EQ(world.platform.applied, 5u);
    EXPECT_EQ(notice().status, Status::kDiscarded);
    std::size_t discarded = 0;
    for (const Outcome& outcome : world.outcomes()) {
        discarded += outcome.status == OutcomeStatus::kDiscarded ? 1 : 0;
    }
    EXPECT_EQ(discarded, 7u);
    // What is decided later is done.
    Command later = world.update(2, "r11", person("bob"), entity_of(11).c_str());
    later.decided_at = world.clock.now();
    world.send(later);
    world.run_seconds(5);
    EXPECT_EQ(world.platform.applied, 6u);
}

TEST_F(BreakerTest, CommandsOfOtherObjectsPassThoseThatAreHeld) {
    world.settings.writing.window = 4;
    start();
    command_deletes(0, 12);
    world.run_seconds(10);
    EXPECT_EQ(world.platform.applied, 5u);
    Command other = world.create(1, {{FieldName{"total"}, 1}}, std::string(24, 'b').c_str());
    other.entity.object = ObjectName{"order"};
    other.partition = entity_partition(other.entity, world.link.partitions);
    world.send(other);
    world.run_seconds(5);
    EXPECT_EQ(world.platform.applied, 6u);
}

TEST_F(BreakerTest, AFullSpoolPausesReadingAndResumeStillEnds) {
    start();
    world.settings.spool.entries_max = 100;
    world.settings.spool.bytes = 1'500;
    world.restart();
    remove(0, 20);
    world.run_seconds(20);
    EXPECT_TRUE(world.agent->status().intake.paused);
    answer(kIn, notice().hold, Verdict::kResume);
    world.run_seconds(60);
    EXPECT_EQ(news().size(), 20u);
    EXPECT_FALSE(world.agent->status().intake.paused);
}

TEST_F(BreakerTest, AFullReadTellsWhatIsAsItWasAndNoCommandIsBegunUntilTheRestIsTold) {
    start();
    blank(0, 12);
    world.run_seconds(5);
    EXPECT_EQ(news().size(), 5u);
    // The hub has lost what it had.
    Receipt receipt;
    receipt.full_read = true;
    world.send_receipt(receipt);
    world.run_seconds(20);
    EXPECT_EQ(news().size(), 13u) << "all but those that are held";
    EXPECT_EQ(world.store->withheld(kIn.object), 7u);
    world.send(world.create(1, person("bob"), std::string(24, 'b').c_str()));
    world.run_seconds(10);
    EXPECT_EQ(world.platform.applied, 0u);
    answer(kIn, notice().hold, Verdict::kResume);
    world.run_seconds(20);
    EXPECT_EQ(news().size(), 7u);
    EXPECT_EQ(world.platform.applied, 1u);
}

TEST_F(BreakerTest, AStoreThatWasPutBackAsksAnew) {
    start();
    remove(0, 12);
    world.run_seconds(5);
    const std::uint64_t hold = notice().hold;
    std::filesystem::copy(world.folder, world.folder + ".copy",
                          std::filesystem::copy_options::recursive);
    answer(kIn, hold, Verdict::kDiscard);
    world.run_seconds(5);
    EXPECT_EQ(notice().status, Status::kDiscarded);
    const std::uint64_t epoch = world.store->epoch();
    world.kill();
    std::filesystem::remove_all(world.folder);
    std::filesystem::rename(world.folder + ".copy", world.folder);
    world.start();
    Receipt receipt;  // The hub knows a later epoch than the copy.
    receipt.epoch = epoch + 1;
    world.send_receipt(receipt);
    world.run_seconds(30);
    EXPECT_EQ(notice().status, Status::kHeld) << "the answer was not to this one";
    EXPECT_GT(notice().hold, hold);
}

/// Killed at some step, with holds and with their answers under way: all is done in the end, what
/// is held stays so, and nothing passes a limit before a person has said so.
using Moment = agent::SyncPoints::Moment;
class BreakerCrash
    : public BreakerTest,
      public testing::WithParamInterface<std::tuple<const char*, Moment, Verdict, int>> {
protected:
    void crash_later() {
        world.points.point = std::get<0>(GetParam());
        world.points.moment = std::get<1>(GetParam());
        world.points.hits = std::get<3>(GetParam());
    }
    void run(int seconds) {
        if (world.run_until_crash(seconds)) world.start();
        world.points.point.clear();
        world.run_seconds(seconds);
    }
    /// Records that were told to be gone.
    [[nodiscard]] std::size_t gone() const {
        std::set<std::string> found;
        for (const Change& change : world.changes()) {
            if (change.kind == ChangeKind::kDelete) found.insert(change.key.record.text);
        }
        return found.size();
    }
};

TEST_P(BreakerCrash, LosesNothingAndLetsNothingThrough) {
    start();
    crash_later();
    remove(0, 10);
    command_deletes(12, 20);
    run(10);
    EXPECT_EQ(gone(), 5u);
    EXPECT_EQ(world.platform.applied, 5u);
    crash_later();
    const Verdict verdict = std::get<2>(GetParam());
    for (const Lane& lane : {kIn, kOut}) {
        const agent::LaneState* state = world.store->lane(lane);
        ASSERT_NE(state, nullptr);
        answer(lane, state->hold.hold, verdict);
    }
    run(30);
    const bool resumed = verdict == Verdict::kResume;
    EXPECT_EQ(gone(), resumed ? 10u : 5u);
    EXPECT_EQ(world.platform.applied, resumed ? 8u : 5u);
    EXPECT_TRUE(world.agent->status().held.empty());
}
std::string name_of_crash(
    const testing::TestParamInfo<std::tuple<const char*, Moment, Verdict, int>>& crash) {
    const auto& [point, moment, verdict, hits] = crash.param;
    return std::string{point} + (moment == Moment::kBefore ? "Before" : "After") +
           (verdict == Verdict::kResume ? "Resume" : "Discard") + std::to_string(hits);
}
INSTANTIATE_TEST_SUITE_P(AtEachStep, BreakerCrash,
                         testing::Combine(testing::Values("A1", "A2", "A3", "A4", "A5", "A6", "A7",
                                                          "C1", "C2", "C3", "C4", "C5", "C6", "C7"),
                                          testing::Values(Moment::kBefore, Moment::kAfter),
                                          testing::Values(Verdict::kResume, Verdict::kDiscard),
                                          testing::Values(0, 2, 7)),
                         name_of_crash);

}  // namespace
}  // namespace syncline
