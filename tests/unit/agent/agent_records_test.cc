// What commands find at the platform: records that are there already, or hold something else.

#include "tests/unit/agent/commands_fixture.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using Effect = ScriptedPlatform::Effect;

// The hub may have lost its state, and the store its ledger, but the record is there and linked.
TEST_F(CommandsTest, MakesNoRecordForAnEntityThatHasOne) {
    world.platform.the_traits = {};
    begin();
    world.link_record("1", World::kEntity);
    world.run_seconds(1);
    world.send(world.create(5, named("other")));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().record, RecordId{"1"});
    EXPECT_EQ(world.platform.applied, 0u);
}

// The last command was about a record that is gone; the entity has another one.
TEST_F(CommandsTest, MakesNoRecordBesideAnotherThanTheLastCommandsOne) {
    world.platform.the_traits = {};
    begin();
    world.platform.put("2", named("old"));
    world.run_seconds(10);
    world.link_record("1", World::kEntity);
    world.link_record("2", World::kEntity);
    world.run_seconds(1);
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(10);
    world.platform.remove("1");
    world.run_seconds(10);
    world.send(world.create(2, named("other")));
    world.run_seconds(10);
    EXPECT_EQ(world.outcomes().back().record, RecordId{"2"});
    EXPECT_EQ(world.platform.records.size(), 1u);
}

// Until then a replica may hold what was there before, or nothing yet.
TEST_F(CommandsTest, ReadsWhatAConflictLeftAfterThePlatformsLag) {
    begin();
    world.platform.the_traits.read_back_lag = 3s;
    world.platform.scripts.push_back({Effect::kNone, ErrorKind::kConflict});
    const std::size_t fetches = world.platform.fetches;
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(2);
    EXPECT_EQ(world.platform.writes.size(), 1u);
    EXPECT_EQ(world.platform.fetches, fetches);
    EXPECT_TRUE(world.outcomes().empty());
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kConflict);
}

// The platform's answer says what it made, and comes after a user has deleted that.
TEST_F(CommandsTest, LooksAgainAtWhatWasToldToBeGoneBeforeItWasToldToBeMade) {
    begin();
    world.platform.holds_writes = true;
    world.send(world.create(1, named("new")));
    world.run_seconds(2);
    ASSERT_EQ(world.platform.writes.size(), 1u);
    ASSERT_EQ(world.platform.records.size(), 2u);
    const std::string made = world.platform.records.rbegin()->first.second.text;
    world.platform.remove(made.c_str());
    world.run_seconds(10);
    ASSERT_TRUE(world.changes().back().kind == ChangeKind::kDelete);
    ASSERT_EQ(world.changes().back().key.record, RecordId{made});
    world.platform.release_writes();
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().record, RecordId{made});
    const Change last = world.changes().back();
    EXPECT_EQ(last.kind, ChangeKind::kDelete);
    EXPECT_EQ(last.key.record, RecordId{made});
    EXPECT_GT(last.rev, only_outcome().rev);
}

}  // namespace
}  // namespace syncline::test
