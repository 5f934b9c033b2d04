// Several commands in one call of the platform: each is told, cleared up and journalled by itself.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/agent/commands_fixture.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using Effect = ScriptedPlatform::Effect;
using Moment = agent::SyncPoints::Moment;
using Calls = std::vector<std::size_t>;

class BatchTest : public CommandsTest {
protected:
    static constexpr std::size_t kRecords = 6;

    BatchTest() {
        world.platform.the_traits.batch_max = 100;
        world.settings.reading.poll = 1h;
        for (std::size_t i = 0; i < kRecords; ++i) world.platform.put(id(i), named("old"));
    }
    static const char* id(std::size_t i) {
        static constexpr const char* kIds[] = {"a", "b", "c", "d", "e", "f"};
        return kIds[i];
    }
    static std::string entity(std::size_t i) { return std::string(24, id(i)[0]); }
    void update_all(std::uint64_t generation = 1, const char* name = "new") {
        for (std::size_t i = 0; i < kRecords; ++i) {
            world.send(world.update(generation, id(i), named(name), entity(i).c_str()));
        }
    }
    /// By record, of the last outcome told.
    [[nodiscard]] std::map<std::string, OutcomeStatus> statuses() const {
        std::map<std::string, OutcomeStatus> found;
        for (const Outcome& outcome : world.outcomes()) {
            found[outcome.record ? outcome.record->text : ""] = outcome.status;
        }
        return found;
    }
    [[nodiscard]] std::size_t applied() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            statuses(), [](const auto& one) { return one.second == OutcomeStatus::kApplied; }));
    }
    /// How often the record was written.
    [[nodiscard]] auto writes_of(const char* record) const {
        return std::ranges::count_if(world.platform.writes, [&](const Command& command) {
            return command.record == RecordId{record};
        });
    }
};

TEST_F(BatchTest, WhatIsDueAtOnceGoesInOneCall) {
    begin();
    update_all();
    world.run_seconds(1);
    EXPECT_EQ(world.platform.write_calls, Calls{kRecords});
    EXPECT_EQ(applied(), kRecords);
    EXPECT_EQ(world.outcomes().size(), kRecords);
}

TEST_F(BatchTest, ALoneCommandGoesAloneAndAtOnce) {
    begin();
    world.send(world.update(1, "a", named("new"), entity(0).c_str()));
    world.run(Duration{1});
    EXPECT_EQ(world.platform.write_calls, Calls{1});
    EXPECT_EQ(name_of_record("a"), "new");
}

TEST_F(BatchTest, APlatformWithoutBatchesIsCalledOneByOne) {
    world.platform.the_traits.batch_max = 1;
    begin();
    update_all();
    world.run_seconds(1);
    EXPECT_EQ(world.platform.write_calls, Calls(kRecords, 1));
}

TEST_F(BatchTest, NoMoreGoTogetherThanThePlatformTakes) {
    world.platform.the_traits.batch_max = 4;
    begin();
    update_all();
    world.run_seconds(1);
    EXPECT_EQ(world.platform.write_calls, (Calls{4, 2}));
    EXPECT_EQ(applied(), kRecords);
}

TEST_F(BatchTest, OnlyLikeGoesWithLike) {
    begin();
    world.send(world.update(1, "a", named("new"), entity(0).c_str()));
    world.send(world.update(1, "b", named("new"), entity(1).c_str()));
    Command removal = world.update(1, "c", {}, entity(2).c_str());
    removal.kind = CommandKind::kDelete;
    world.send(removal);
    Command loaded = world.update(1, "d", named("new"), entity(3).c_str());
    loaded.origin = ChangeOrigin::kBackfill;
    world.send(loaded);
    // Two entities of one record.
    world.send(world.update(1, "a", named("newer"), std::string(24, 'z').c_str()));
    world.run_seconds(1);
    EXPECT_EQ(world.platform.write_calls, (Calls{2, 1, 1, 1}));
    EXPECT_EQ(world.outcomes().size(), 5u);
}

TEST_F(BatchTest, AFailureIsToldOfItsRecordAlone) {
    begin();
    world.platform.scripts.resize(kRecords, {Effect::kNone, ErrorKind::kInvalid});
    world.platform.scripts[0] = {Effect::kNone, ErrorKind::kConflict};
    world.platform.scripts[1] = {Effect::kNone, ErrorKind::kNotFound};
    world.platform.scripts[2] = {Effect::kApplied, ErrorKind::kAmbiguous};
    world.platform.scripts[3] = {Effect::kNone, ErrorKind::kAmbiguous};
    world.platform.scripts[4] = {Effect::kNone, ErrorKind::kUnavailable};
    update_all();
    world.run_seconds(60);
    EXPECT_EQ(statuses(), (std::map<std::string, OutcomeStatus>{{"a", OutcomeStatus::kConflict},
                                                                {"b", OutcomeStatus::kGone},
                                                                {"c", OutcomeStatus::kApplied},
                                                                {"d", OutcomeStatus::kApplied},
                                                                {"e", OutcomeStatus::kApplied},
                                                                {"f", OutcomeStatus::kRejected}}));
    EXPECT_EQ(writes_of("c"), 1) << "seen to have been done";
    EXPECT_EQ(writes_of("d"), 2) << "seen not to have been done";
    EXPECT_EQ(world.agent->status().breaker, "closed");
}

TEST_F(BatchTest, AReplyThatIsLostIsClearedUpRecordByRecordAndNothingIsWrittenTwice) {
    begin();
    world.platform.batch_script = {Effect::kApplied, ErrorKind::kAmbiguous};
    update_all();
    world.run_seconds(10);
    EXPECT_EQ(applied(), kRecords);
    EXPECT_EQ(world.platform.applied, kRecords);
    EXPECT_EQ(world.platform.fetch_calls, Calls{kRecords}) << "looked at in one call as well";
    EXPECT_EQ(world.agent->status().breaker, "closed") << "one call failed, not six";
}

TEST_F(BatchTest, WhatWasNotAppliedIsWrittenAgainTogether) {
    begin();
    world.platform.batch_script = {Effect::kNone, ErrorKind::kAmbiguous};
    update_all();
    world.run_seconds(30);
    EXPECT_EQ(applied(), kRecords);
    EXPECT_EQ(world.platform.write_calls, (Calls{kRecords, kRecords}));
}

TEST_F(BatchTest, AnEditAfterALostReplyIsLeftAlone) {
    begin();
    world.platform.the_traits.read_back_lag = 3s;
    world.platform.batch_script = {Effect::kApplied, ErrorKind::kAmbiguous};
    update_all();
    world.run_seconds(1);
    world.platform.put("c", named("edited"));
    world.run_seconds(20);
    EXPECT_EQ(statuses()["c"], OutcomeStatus::kConflict);
    EXPECT_EQ(applied(), kRecords - 1);
    EXPECT_EQ(name_of_record("c"), "edited");
}

TEST_F(BatchTest, AThrottleOfTheWholeIsWaitedForAndTheyGoTogetherAgain) {
    begin();
    world.platform.batch_script = {Effect::kNone, ErrorKind::kThrottled, 90s};
    update_all();
    world.run_seconds(89);
    EXPECT_EQ(world.platform.write_calls, Calls{kRecords});
    world.run_seconds(11);
    EXPECT_EQ(world.platform.write_calls, (Calls{kRecords, kRecords}));
    EXPECT_EQ(applied(), kRecords);
}

TEST_F(BatchTest, WhatIsRefusedTogetherGoesSinglySoThatTheRightOneIsTold) {
    begin();
    world.platform.batch_script = {Effect::kNone, ErrorKind::kUnsupported};
    world.platform.scripts = {{Effect::kNone, ErrorKind::kInvalid}};
    update_all();
    world.run_seconds(10);
    EXPECT_EQ(world.platform.write_calls, (Calls{kRecords, 1, 1, 1, 1, 1, 1}));
    EXPECT_EQ(applied(), kRecords - 1);
    EXPECT_EQ(statuses()["a"], OutcomeStatus::kRejected);
    EXPECT_EQ(std::ranges::count(world.notes, "scripted; each goes by itself"), 1);
}

TEST_F(BatchTest, WhatThePlatformSaysOfARecordThatWasNotSentIsShown) {
    begin();
    world.platform.batch_notes = {"the reply tells of `900`, which was not sent"};
    update_all();
    world.run_seconds(1);
    EXPECT_EQ(std::ranges::count(world.notes, "the reply tells of `900`, which was not sent"), 1);
    EXPECT_EQ(world.agent->status().commands.last_error,
              "the reply tells of `900`, which was not sent");
}

TEST_F(BatchTest, WhatWritesDoNotTellIsReadBackInOneCall) {
    world.platform.tells_record = false;
    world.platform.fetched_alone = {"d"};
    begin();
    update_all();
    world.run_seconds(5);
    EXPECT_EQ(applied(), kRecords);
    EXPECT_EQ(world.platform.fetch_calls, (Calls{kRecords, 1}));
    for (const Outcome& outcome : world.outcomes()) EXPECT_EQ(outcome.fields, named("new"));
}

TEST_F(BatchTest, ACreateIsNotToldTheRecordOfAnother) {
    for (const bool tells_record : {false, true}) {
        SCOPED_TRACE(tells_record);
        World other;
        other.auto_receipts = true;
        other.platform.the_traits.batch_max = 100;
        other.platform.the_traits.create_is_idempotent = true;
        other.platform.tells_record = tells_record;
        other.start();
        other.run_seconds(1);
        other.platform.batch_reversed = true;
        for (const char c : {'p', 'q', 'r', 's'}) {
            other.send(other.create(1, named("made"), std::string(24, c).c_str()));
        }
        other.run_seconds(60);
        EXPECT_EQ(other.platform.write_calls, Calls{4});
        ASSERT_EQ(other.outcomes().size(), 4u);
        for (const Outcome& outcome : other.outcomes()) {
            EXPECT_EQ(outcome.status, OutcomeStatus::kApplied);
            const auto* record = other.platform.find_record(outcome.record->text.c_str());
            ASSERT_NE(record, nullptr);
            EXPECT_EQ(record->marker, outcome.entity.entity);
        }
    }
}

TEST_F(BatchTest, ABatchIsOneCallOfTheQuotaAndOfTheRate) {
    world.settings.quota.limit = 400;
    world.settings.rate = {.per_second = 1, .burst = 1};
    begin();
    world.run_seconds(60);
    const auto place = static_cast<std::size_t>(agent::QuotaLane::kCommand);
    const auto before = world.agent->status().quota.spent[place];
    update_all();
    world.run_seconds(2);
    EXPECT_EQ(applied(), kRecords) << "singly it would take six seconds";
    EXPECT_EQ(world.agent->status().quota.spent[place], before + 1);
}

TEST_F(BatchTest, APlatformThatMayBeBackIsTriedWithOne) {
    begin();
    world.platform.down = Error{ErrorKind::kUnavailable, "connection refused"};
    update_all();
    world.run_seconds(60);
    ASSERT_NE(world.agent->status().breaker, "closed");
    world.platform.write_calls.clear();
    world.platform.down.reset();
    world.run_seconds(600);
    ASSERT_FALSE(world.platform.write_calls.empty());
    EXPECT_EQ(world.platform.write_calls.front(), 1u);
    EXPECT_EQ(applied(), kRecords);
}

TEST_F(BatchTest, ANewerCommandTakesThePlaceOfOneThatWaitsBesideABatch) {
    begin();
    world.settings.writing.concurrency = 1;
    world.platform.holds_writes = true;
    update_all(1, "one");
    world.run_seconds(1);
    update_all(2, "two");
    update_all(3, "three");
    world.run_seconds(1);
    world.platform.release_writes();
    world.run_seconds(10);
    for (std::size_t i = 0; i < kRecords; ++i) EXPECT_EQ(name_of_record(id(i)), "three");
    EXPECT_EQ(world.platform.writes.size(), 2 * kRecords);
}

struct BatchCrash {
    std::string_view point;
    Moment moment;
};
class EveryCrashOfABatch : public testing::TestWithParam<BatchCrash> {};

TEST_P(EveryCrashOfABatch, LosesNothingAndDoesNothingTwice) {
    World world;
    world.auto_receipts = true;
    world.platform.the_traits.batch_max = 100;
    const std::string ids = "abcdef";
    for (const char id : ids) world.platform.put(std::string(1, id).c_str(), named("old"));
    world.points.point = GetParam().point;
    world.points.moment = GetParam().moment;
    world.start();
    world.live(2);
    for (const char id : ids) {
        const std::string entity(24, id);
        world.send(world.update(1, std::string(1, id).c_str(), named("new"), entity.c_str()));
        world.send(
            world.create(1, named("made"), std::string(24, static_cast<char>(id + 10)).c_str()));
    }
    world.live(300);
    EXPECT_EQ(world.crashes, 1);
    EXPECT_EQ(world.platform.records.size(), 12u) << "six creates, six records";
    for (const char id : ids) {
        EXPECT_EQ(*world.platform.find_record(std::string(1, id).c_str())->fields.find("name"),
                  Value{"new"});
    }
    std::set<EntityId> told;
    for (const Outcome& outcome : world.outcomes()) {
        // One that comes again from the stream, after its outcome was told.
        if (outcome.status == OutcomeStatus::kStale) continue;
        EXPECT_EQ(outcome.status, OutcomeStatus::kApplied);
        told.insert(outcome.entity.entity);
    }
    EXPECT_EQ(told.size(), 12u);
    EXPECT_LE(world.platform.applied, 12u) << "nothing is done twice";
}

std::vector<BatchCrash> crashes_of_commands() {
    std::vector<BatchCrash> cases;
    for (const std::string_view point : {"C2", "C3", "C4", "C5", "C7"}) {
        for (const Moment moment : {Moment::kBefore, Moment::kAfter})
            cases.push_back({point, moment});
    }
    return cases;
}
INSTANTIATE_TEST_SUITE_P(Agent, EveryCrashOfABatch, testing::ValuesIn(crashes_of_commands()),
                         [](const auto& row) {
                             const bool before = row.param.moment == Moment::kBefore;
                             return std::string{row.param.point} + (before ? "Before" : "After");
                         });

}  // namespace
}  // namespace syncline::test
