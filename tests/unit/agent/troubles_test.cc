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
    /// Without what a new store says: that there is no trouble it knows of.
    [[nodiscard]] std::vector<Trouble> told() const {
        const auto all = world.troubles();
        EXPECT_GE(all.size(), 2u);
        for (std::size_t i = 0; i < 2 && i < all.size(); ++i) EXPECT_EQ(all[i].reason, "");
        return {all.begin() + std::min<std::ptrdiff_t>(2, std::ssize(all)), all.end()};
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
    EXPECT_TRUE(told().empty());
    put(0, 100, person("bob", false));
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 1u);
    const Trouble first = told().back();
    EXPECT_EQ(first.kind, TroubleKind::kFields);
    EXPECT_EQ(first.object, ObjectName{"customer"});
    EXPECT_EQ(first.reason,
              "in the newest records there is no `Phone__c` (phone): renamed, removed, "
              "or hidden from the agent's user");
    put(0, 1, person("cid"));
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 2u);
    EXPECT_EQ(told().back().since, first.since);
    EXPECT_EQ(told().back().reason, "");
}

TEST_F(Troubled, AFieldThatNoneOfAFewRecordsHasIsToldByAReconciliation) {
    put(0, 4, person("ann"));
    world.start();
    world.run_seconds(10);
    for (auto& [key, record] : world.platform.records) record.fields = person("ann", false);
    world.run_seconds(10);
    EXPECT_TRUE(told().empty()) << "the platform says nothing of it";
    const auto reconcile = [&] {
        world.link.put_command(
            subjects::again(world.settings.platform, subjects::Again::kReconcile),
            to_text(ReconcileRequest{world.clock.now(), ReconcileMode::kHeal}));
        world.run_seconds(60);
    };
    reconcile();
    ASSERT_EQ(told().size(), 1u);
    EXPECT_EQ(told().back().kind, TroubleKind::kFields);
    for (const Inventory& inventory : world.inventories()) {
        for (const auto& object : inventory.objects) {
            EXPECT_EQ(object.unseen, std::vector{FieldName{"phone"}}) << "it proves nothing";
        }
    }
    world.restart();
    world.run_seconds(10);
    EXPECT_EQ(told().back().reason, told().front().reason);
    for (auto& [key, record] : world.platform.records) record.fields = person("ann");
    reconcile();
    EXPECT_EQ(told().back().reason, "");
}

TEST_F(Troubled, AFieldThatThePlatformDoesNotHaveIsToldAtOnceAndOverAtOnce) {
    put(0, 3, person("ann"));
    world.start();
    world.run_seconds(10);
    world.platform.looked = {{ObjectName{"customer"}, {FieldName{"phone"}}}};
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 1u);
    EXPECT_EQ(told().back().kind, TroubleKind::kFields);
    EXPECT_EQ(told().back().reason,
              "the platform has no `Phone__c` (phone): renamed, removed, or hidden from the "
              "agent's user");
    // It is not over because the agent was started, and has not looked yet.
    world.platform.looked.clear();
    world.restart();
    world.run_seconds(80);
    EXPECT_EQ(told().back().reason, told().front().reason);
    world.platform.looked = {{ObjectName{"customer"}, {}}};
    world.run_seconds(80);
    EXPECT_EQ(told().back().reason, "");
}

TEST_F(Troubled, AFieldThatMayBeInNoRecordIsNone) {
    world.settings.objects[0].fields[1].optional = true;
    put(0, 100, person("ann", false));
    world.start();
    world.run_seconds(10);
    EXPECT_TRUE(told().empty());
}

TEST_F(Troubled, OneThatGrowsIsAnother) {
    put(0, 100, person("ann", false));
    world.start();
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 1u);
    put(0, 100, {{FieldName{"other"}, "bob"}});
    world.run_seconds(80);
    ASSERT_EQ(told().size(), 2u);
    EXPECT_GT(told().back().since.ns, told().front().since.ns);
    EXPECT_NE(told().back().reason.find("`Name` (name), `Phone__c` (phone)"), std::string::npos);
    // Less of it is the same one.
    put(0, 1, person("cid", false));
    world.run_seconds(80);
    ASSERT_EQ(told().size(), 3u);
    EXPECT_EQ(told()[2].since, told()[1].since);
}

TEST_F(Troubled, IsToldAgainByTheNextStartAsTheSame) {
    put(0, 10, person("ann", false));
    world.start();
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 1u);
    world.run_seconds(3'600);
    ASSERT_EQ(told().size(), 1u);
    const Trouble first = told().back();
    world.restart();
    world.run_seconds(20);
    ASSERT_EQ(told().size(), 2u);
    EXPECT_EQ(told().back().since, first.since);
    EXPECT_EQ(told().back().reason, first.reason);
    // And it is over if the field is mapped no more.
    world.kill();
    world.settings.objects.front().fields.pop_back();
    world.start();
    world.run_seconds(20);
    ASSERT_EQ(told().size(), 3u);
    EXPECT_EQ(told().back().reason, "");
}

TEST_F(Troubled, AnObjectThatIsMappedNoMoreHasNone) {
    put(0, 10, person("ann", false));
    world.start();
    world.run_seconds(10);
    world.kill();
    world.settings.objects.front().object = ObjectName{"person"};
    world.start();
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 2u);
    EXPECT_EQ(told().back().object, ObjectName{"customer"});
    EXPECT_EQ(told().back().reason, "");
}

TEST_F(Troubled, AFieldThatIsMappedLaterIsNotMissedAtOnce) {
    put(0, 100, person("ann"));
    world.start();
    world.run_seconds(10);
    world.kill();
    world.settings.objects.front().fields.push_back({FieldName{"fax"}, "Fax"});
    world.start();
    put(0, 49, person("bob"));
    world.run_seconds(10);
    EXPECT_TRUE(told().empty());
    put(49, 50, person("bob"));
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 1u);
    EXPECT_NE(told().back().reason.find("`Fax` (fax)"), std::string::npos);
}

TEST_F(Troubled, RecordsThatAreToldInPartSayNothing) {
    world.platform.the_traits.can_fetch = false;
    put(0, 20, person("ann"));
    world.start();
    world.run_seconds(10);
    for (int i = 0; i < 100; ++i) {
        world.platform.put_partial(("p" + std::to_string(i)).c_str(), person("bob", false));
    }
    world.run_seconds(20);
    EXPECT_TRUE(told().empty());
}

TEST_F(Troubled, RecordsThatCannotBeUsedAreToldWithoutWhatTheyHold) {
    put(0, 3, person("ann"));
    reject("ann@home.example", "customer.phone (`Phone__c`): 'secret' \"and \\\"more\" is none");
    world.start();
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 1u);
    EXPECT_EQ(told().back().kind, TroubleKind::kRecords);
    EXPECT_EQ(
        told().back().reason,
        "1 record cannot be used because of `Phone__c` (phone); the agent's log says which, and "
        "why");
    // More of the same is told at leisure, and as another one.
    for (const char* record : {"8", "9", "10", "11", "12"}) reject(record, "no key");
    world.platform.put("r1", person("bob"));
    world.run_seconds(20);
    EXPECT_EQ(told().size(), 1u);
    world.run_seconds(60);
    ASSERT_EQ(told().size(), 2u);
    EXPECT_TRUE(told().back().reason.starts_with("6 records cannot be used because of `Phone__c`"));
    EXPECT_GT(told().back().since.ns, told().front().since.ns);
    // One that can be used after all is no trouble.
    for (const char* record : {"ann@home.example", "8", "9", "10", "11", "12"}) {
        world.platform.put(record, person("cid"));
    }
    world.run_seconds(70);
    ASSERT_GE(told().size(), 3u);
    EXPECT_EQ(told().back().reason, "");
}

TEST_F(Troubled, ARecordWithoutIdIsForgottenAfterADay) {
    put(0, 3, person("ann"));
    reject("", "customer: the key `Id` is missing");
    world.start();
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 1u);
    world.run(25h);
    world.platform.put("r1", person("bob"));
    world.run_seconds(20);
    ASSERT_EQ(told().size(), 2u);
    EXPECT_EQ(told().back().reason, "");
}

TEST_F(Troubled, AHubThatLostWhatItWasToldHearsItAgain) {
    put(0, 10, person("ann", false));
    world.start();
    world.run_seconds(10);
    ASSERT_EQ(told().size(), 1u);
    const std::uint64_t epoch = world.store->epoch();
    Receipt receipt;
    receipt.epoch = epoch + 1;  // It knows one of a later store.
    world.send_receipt(receipt);
    world.run_seconds(30);
    ASSERT_GT(world.store->epoch(), epoch);
    EXPECT_EQ(told().back().reason, told().front().reason);
    EXPECT_GE(told().size(), 2u);
}

}  // namespace
}  // namespace syncline
