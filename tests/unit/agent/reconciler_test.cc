#include <gtest/gtest.h>

#include <map>

#include "tests/unit/agent/world.h"

namespace syncline {
namespace {

using namespace std::chrono_literals;
using test::named;
using test::World;

class ReconcilerTest : public testing::Test {
protected:
    void SetUp() override {
        world.auto_receipts = true;
        world.settings.reading.poll = 1s;
    }
    /// Three records that the hub knows, and the agent at rest.
    void start() {
        for (const char* id : {"1", "2", "3"}) world.platform.put(id, named(id));
        world.start();
        world.run_seconds(5);
        ASSERT_EQ(world.changes().size(), 3u);
        for (const char* id : {"1", "2", "3"}) world.link_record(id, id);
        world.run_seconds(1);
    }
    void ask(ReconcileMode mode = ReconcileMode::kHeal) {
        request = {world.clock.now(), mode};
        world.link.put_command(
            subjects::again(world.settings.platform, subjects::Again::kReconcile),
            to_text(request));
    }
    /// Somebody edits the platform and nothing tells of it.
    void drift(const char* id, const char* name) {
        world.platform.records.at({ObjectName{"customer"}, RecordId{id}}).fields = named(name);
    }
    [[nodiscard]] std::map<std::string, DriftKind> drifts() const {
        std::map<std::string, DriftKind> found;
        for (const Inventory& inventory : world.inventories()) {
            for (const auto& object : inventory.objects) {
                for (const Drift& drift : object.drifts) {
                    found.emplace(drift.record.text, drift.kind);
                }
            }
        }
        return found;
    }
    [[nodiscard]] std::uint64_t records() const {
        std::uint64_t count = 0;
        for (const Inventory& inventory : world.inventories()) {
            for (const auto& object : inventory.objects) count += object.records;
        }
        return count;
    }

    World world;
    ReconcileRequest request;
};

TEST_F(ReconcilerTest, SaysWhatItHoldsWhenAllIsWell) {
    start();
    ask();
    world.run_seconds(20);
    const auto found = world.inventories();
    ASSERT_EQ(found.size(), world.link.partitions) << "one of each partition";
    EXPECT_EQ(world.changes().size(), 3u) << "nothing is told again";
    EXPECT_EQ(world.platform.fetches, 0u);
    EXPECT_EQ(records(), 3u);
    EXPECT_TRUE(drifts().empty());
    for (const Inventory& inventory : found) EXPECT_EQ(inventory.request, request);
    // Who knows the same of the same records has the same sums.
    for (const Inventory& inventory : found) {
        for (const auto& object : inventory.objects) {
            BucketSums sums{object.sums.sums().size()};
            for (const Change& change : world.changes()) {
                const EntityKey entity{change.key.object, EntityId{change.key.record.text}};
                const Partition home = entity_partition(entity, world.link.partitions);
                if (home == inventory.number.partition) sums.add(change.key.record);
            }
            EXPECT_EQ(sums, object.sums);
        }
    }
    EXPECT_EQ(world.agent->status().reconciler.phase, "");
}

TEST_F(ReconcilerTest, TellsWhatNoChangeToldOf) {
    start();
    drift("1", "other");
    world.platform.vanish("2");
    world.platform.put("4", named("4"));
    world.platform.forget_log_of("4");
    ask();
    world.run_seconds(20);
    EXPECT_EQ(drifts(), (std::map<std::string, DriftKind>{{"1", DriftKind::kDifferent},
                                                          {"2", DriftKind::kMissing},
                                                          {"4", DriftKind::kExtra}}));
    const auto changes = world.changes();
    ASSERT_EQ(changes.size(), 6u);
    for (std::size_t i = 3; i < 6; ++i) EXPECT_EQ(changes[i].origin, ChangeOrigin::kReconcile);
    EXPECT_EQ(records(), 2u) << "1 and 3; 4 has no entity yet";
    ask();
    world.run_seconds(20);
    EXPECT_EQ(world.changes().size(), 6u) << "and then all is well";
}

TEST_F(ReconcilerTest, OnlyCountsIfItIsToReport) {
    start();
    drift("1", "other");
    ask(ReconcileMode::kReport);
    world.run_seconds(20);
    EXPECT_EQ(drifts(), (std::map<std::string, DriftKind>{{"1", DriftKind::kDifferent}}));
    EXPECT_EQ(world.changes().size(), 3u);
}

TEST_F(ReconcilerTest, GoesOnAfterARestart) {
    world.settings.reading.batch_records = 1;
    start();
    drift("3", "other");
    world.platform.holds_fetches = true;
    ask();
    world.run_seconds(20);
    EXPECT_EQ(world.agent->status().reconciler.phase, "judging");
    EXPECT_TRUE(world.inventories().empty());
    world.platform.holds_fetches = false;
    world.restart();
    world.run_seconds(20);
    EXPECT_EQ(world.inventories().size(), world.link.partitions);
    EXPECT_EQ(drifts(), (std::map<std::string, DriftKind>{{"3", DriftKind::kDifferent}}));
    world.restart();
    world.run_seconds(20);
    EXPECT_EQ(world.inventories().size(), world.link.partitions)
        << "what is done is not done again";
}

TEST_F(ReconcilerTest, WhatChangesMeanwhileIsNoDrift) {
    start();
    world.settings.reading.poll = 1s;
    world.platform.put("1", named("new"));
    ask();
    world.run_seconds(20);
    EXPECT_TRUE(drifts().empty());
    EXPECT_EQ(world.changes().size(), 4u);
    EXPECT_EQ(world.changes().back().origin, ChangeOrigin::kLive);
}

TEST_F(ReconcilerTest, WaitsForAPlatformThatIsDown) {
    start();
    world.platform.down = Error{ErrorKind::kUnavailable, "down"};
    ask();
    world.run_seconds(20);
    EXPECT_EQ(world.agent->status().reconciler.trouble, "down");
    EXPECT_TRUE(world.inventories().empty());
    world.platform.down.reset();
    world.run_seconds(600);
    EXPECT_EQ(world.inventories().size(), world.link.partitions);
    EXPECT_EQ(world.agent->status().reconciler.trouble, "");
}

TEST_F(ReconcilerTest, SaysThatAPlatformCannotBeAsked) {
    world.platform.the_traits.can_fetch = false;
    start();
    ask();
    world.run_seconds(20);
    EXPECT_TRUE(world.inventories().empty());
    EXPECT_NE(world.agent->status().trouble.find("cannot be reconciled"), std::string::npos);
}

}  // namespace
}  // namespace syncline
