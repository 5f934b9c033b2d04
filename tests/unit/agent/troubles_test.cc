#include <gtest/gtest.h>

#include "tests/unit/agent/world.h"

// What an agent tells of a platform whose records are not as they are mapped.

namespace syncline {
namespace {

using namespace std::chrono_literals;
using test::World;

class Troubled : public testing::Test {
protected:
    void SetUp() override {
        world.auto_receipts = true;
        world.settings.reading.poll = 1s;
        world.settings.objects = {
            {ObjectName{"customer"},
             "Account",
             {{FieldName{"name"}, "Name"}, {FieldName{"phone"}, "Phone__c"}}}};
    }
    void put(int from, int to, const Fields& fields) {
        for (int i = from; i < to; ++i)
            world.platform.put(("r" + std::to_string(i)).c_str(), fields);
    }
    void reject(const char* record, const char* reason) {
        world.platform.rejects.push_back({ObjectName{"customer"}, record, reason, "{}"});
    }
    static Fields person(const char* name, bool phone = true) {
        Fields fields{{FieldName{"name"}, name}};
        if (phone) fields.set(FieldName{"phone"}, Value{});
        return fields;
    }
    World world;
};

TEST_F(Troubled, AFieldThatIsToldNoMoreIsTold) {
    put(0, 100, person("ann"));
    world.start();
    world.run_seconds(10);
    EXPECT_TRUE(world.troubles().empty());
    put(0, 100, person("bob", false));
    world.run_seconds(10);
    ASSERT_EQ(world.troubles().size(), 1u);
    const Trouble told = world.troubles().back();
    EXPECT_EQ(told.kind, TroubleKind::kFields);
    EXPECT_EQ(told.object, ObjectName{"customer"});
    EXPECT_EQ(told.reason,
              "in the newest records there is no `Phone__c` (phone): renamed, removed, "
              "or hidden from the agent's user");
    put(0, 1, person("cid"));
    world.run_seconds(10);
    ASSERT_EQ(world.troubles().size(), 2u);
    EXPECT_EQ(world.troubles().back().since, told.since);
    EXPECT_EQ(world.troubles().back().reason, "");
}

TEST_F(Troubled, IsToldAgainByTheNextStartAsTheSame) {
    put(0, 10, person("ann", false));
    world.start();
    world.run_seconds(10);
    ASSERT_EQ(world.troubles().size(), 1u);
    world.run_seconds(3'600);
    ASSERT_EQ(world.troubles().size(), 1u);
    const Trouble told = world.troubles().back();
    world.restart();
    world.run_seconds(20);
    ASSERT_EQ(world.troubles().size(), 2u);
    EXPECT_EQ(world.troubles().back().since, told.since);
    EXPECT_EQ(world.troubles().back().reason, told.reason);
    // And it is over if the field is mapped no more.
    world.kill();
    world.settings.objects.front().fields.pop_back();
    world.start();
    world.run_seconds(20);
    ASSERT_EQ(world.troubles().size(), 3u);
    EXPECT_EQ(world.troubles().back().reason, "");
}

TEST_F(Troubled, AnObjectThatIsMappedNoMoreHasNone) {
    put(0, 10, person("ann", false));
    world.start();
    world.run_seconds(10);
    world.kill();
    world.settings.objects.front().object = ObjectName{"person"};
    world.start();
    world.run_seconds(10);
    ASSERT_EQ(world.troubles().size(), 2u);
    EXPECT_EQ(world.troubles().back().object, ObjectName{"customer"});
    EXPECT_EQ(world.troubles().back().reason, "");
}

TEST_F(Troubled, RecordsThatCannotBeUsedAreToldWithoutWhatTheyHold) {
    put(0, 3, person("ann"));
    reject("7", "customer.credit (`Credit`): \"a lot\" is no decimal\n\tnumber");
    world.start();
    world.run_seconds(10);
    ASSERT_EQ(world.troubles().size(), 1u);
    EXPECT_EQ(world.troubles().back().kind, TroubleKind::kRecords);
    EXPECT_EQ(world.troubles().back().reason,
              "1 record cannot be used: 7: customer.credit (`Credit`): \"...\" is no decimal  "
              "number");
    // More of the same is told at leisure.
    for (const char* record : {"8", "9", "10", "11", "12"}) reject(record, "no key");
    world.platform.put("r1", person("bob"));
    world.run_seconds(20);
    EXPECT_EQ(world.troubles().size(), 1u);
    world.run_seconds(60);
    ASSERT_EQ(world.troubles().size(), 2u);
    EXPECT_TRUE(world.troubles().back().reason.starts_with("6 records cannot be used: "));
    EXPECT_TRUE(world.troubles().back().reason.ends_with("; and others"));
    // One that can be used after all is no trouble.
    for (const char* record : {"7", "8", "9", "10", "11", "12"}) {
        world.platform.put(record, person("cid"));
    }
    world.run_seconds(70);
    ASSERT_GE(world.troubles().size(), 3u);
    EXPECT_EQ(world.troubles().back().reason, "");
}

}  // namespace
}  // namespace syncline
