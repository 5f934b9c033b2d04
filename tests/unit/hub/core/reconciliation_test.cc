#include "hub/core/reconciliation.h"

#include "shared/wire/codec.h"
#include "shared/wire/retell_codec.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

constexpr Timestamp kLongAgo{1'000'000};
constexpr Timestamp kBegan{1'000'000'000'000'000};

class Reconcile : public Decide {
protected:
    /// What the agent of `platform` says when it knows what the hub knows.
    Inventory told(const PlatformId& platform) {
        Inventory out;
        out.platform = platform;
        out.number = {{}, {1, 1}};

        out.request = {kBegan, ReconcileMode::kHeal};
        out.began_at = kBegan;
        out.read_at = kBegan;
        out.revisions = 100;
        Inventory::Object& object = out.objects.emplace_back();
        object.object = state_.key.object;
        const RecordState* record = state_.record(platform);
        if (record == nullptr || record->presence != Presence::kPresent) return out;
        object.records = 1;
        object.sums.add(*record->record);
        return out;
    }
    ReconciledObject compare(Inventory inventory, const Reconciliation& before = {}) {
        Comparison comparison{std::move(inventory)};
        comparison.add(policy_, state_);
        const Reconciliation result = comparison.result(before, kBegan);
        EXPECT_EQ(*decode_reconciliation(encode(result)), result);
        return result.objects.at(0);
    }
    static std::uint64_t of(const ReconciledObject& object, Agreement agreement) {
        return object.agreements[static_cast<std::size_t>(agreement)];
    }
};

TEST_F(Reconcile, ProvesWhatBothKnowAndIsAsItShouldBe) {
    settle(full_);
    const ReconciledObject result = compare(told(kErp));
    EXPECT_EQ(result.records, 1u);
    EXPECT_EQ(result.known, 1u);
    EXPECT_EQ(result.differing, 0u);
    EXPECT_EQ(of(result, Agreement::kAgreed), 1u);
    EXPECT_EQ(result.verified_through, kBegan);
}

TEST_F(Reconcile, ProvesNothingIfTheAgentHasAnotherRecord) {
    settle(full_);
    Inventory inventory = told(kErp);
    inventory.objects[0].sums.add(RecordId{"erp-2"});
    const ReconciledObject result = compare(inventory);
    EXPECT_EQ(result.differing, 1u);
    EXPECT_EQ(result.verified_through, Timestamp{});
}

TEST_F(Reconcile, ProvesNothingWhereAMappedFieldIsNotThere) {
    settle(full_);
    Inventory inventory = told(kErp);
    inventory.objects[0].unseen = {FieldName{"colour"}};
    const auto sent = wire::decode_inventory(wire::encode(inventory));
    ASSERT_TRUE(sent) << sent.error().what;
    const ReconciledObject result = compare(*sent);
    EXPECT_EQ(result.unseen, std::vector{FieldName{"colour"}});
    EXPECT_EQ(result.verified_through, Timestamp{});
}

TEST_F(Reconcile, ProvesNothingOfARecordThatTheAgentDoesNotHave) {
    settle(full_);
    Inventory inventory = told(kErp);
    inventory.objects[0].records = 0;
    inventory.objects[0].sums = BucketSums{1};
    EXPECT_EQ(compare(inventory).verified_through, Timestamp{});
    inventory.objects.clear();
    EXPECT_EQ(compare(inventory).verified_through, Timestamp{}) << "nor if it names none at all";
}

TEST_F(Reconcile, WhatWasToldLaterMayBeInTheSumOrNot) {
    settle(full_);
    Inventory inventory = told(kErp);
    inventory.revisions = state_.record(kErp)->rev.n - 1;
    EXPECT_EQ(compare(inventory).differing, 0u) << "it was there before";
    inventory.objects[0].sums = BucketSums{1};
    EXPECT_EQ(compare(inventory).differing, 0u) << "it was made later";
    inventory.objects[0].sums.add(RecordId{"erp-2"});
    EXPECT_EQ(compare(inventory).differing, 1u) << "and another one was never told";
}

TEST_F(Reconcile, WhatWasDeletedLaterIsNothingThatDiffers) {
    settle(full_);
    Inventory inventory = told(kDesk);
    answer(take(change(kCrm, with("name", "desk"))));
    inventory = told(kDesk);
    inventory.revisions = state_.record(kDesk)->rev.n;
    take(deletion(kDesk));
    EXPECT_EQ(compare(inventory).differing, 0u);
    inventory.revisions = 100;
    EXPECT_EQ(compare(inventory).differing, 1u) << "it had been told before";
}

TEST_F(Reconcile, CollectsWhatIsKnownWhereTheTwoDiffer) {
    settle(full_);
    Inventory inventory = told(kErp);
    inventory.objects[0].sums.add(RecordId{"erp-2"});
    Comparison comparison{inventory};
    comparison.add(policy_, state_);
    Collection collection{inventory, comparison.differing()};
    collection.add(state_);
    const Retell& retell = collection.retell();
    ASSERT_EQ(retell.objects.size(), 1u);
    EXPECT_EQ(retell.objects[0].differing, std::vector<std::uint64_t>{0});
    EXPECT_EQ(retell.objects[0].known, std::vector<RecordId>{RecordId{"erp-1"}});
    EXPECT_EQ(*wire::decode_retell(wire::encode(retell)), retell);
}

TEST_F(Reconcile, WhatWaitsForACommandIsNotProven) {
    settle(full_);
    take(change(kCrm, with("name", "nut")));
    ASSERT_TRUE(state_.record(kErp)->pending);
    const ReconciledObject result = compare(told(kErp));
    EXPECT_EQ(of(result, Agreement::kWaiting), 1u);
    EXPECT_EQ(result.verified_through, Timestamp{});
    Inventory earlier = told(kErp);
    earlier.began_at = kLongAgo;
    EXPECT_EQ(compare(earlier).verified_through, kLongAgo) << "it was decided after the run began";
}

TEST_F(Reconcile, WhatAPersonMustSeeToIsNotProven) {
    settle(full_);
    take(change(kCrm, with("colour", "blue")));
    ASSERT_EQ(state_.exceptions.size(), 1u);
    EXPECT_EQ(of(compare(told(kCrm)), Agreement::kOpen), 1u);
    EXPECT_EQ(compare(told(kCrm)).verified_through, Timestamp{});
    EXPECT_EQ(compare(told(kErp)).verified_through, kBegan) << "it is about the other platform";
}

TEST_F(Reconcile, WhatThePolicyLetsDifferIsProven) {
    settle(full_);
    take(change(kCrm, with("note", "mine")));
    ASSERT_TRUE(state_.record(kCrm)->holds(FieldName{"note"}));
    const ReconciledObject result = compare(told(kCrm));
    EXPECT_EQ(of(result, Agreement::kLeft), 1u);
    EXPECT_EQ(result.verified_through, kBegan);
}

TEST_F(Reconcile, WhatWasFoundAndOnlyReportedIsNotProven) {
    settle(full_);
    Inventory inventory = told(kErp);
    inventory.objects[0].found[static_cast<std::size_t>(DriftKind::kDifferent)] = 1;
    EXPECT_EQ(compare(inventory).verified_through, kBegan) << "it was told";
    inventory.request.mode = ReconcileMode::kReport;
    EXPECT_EQ(compare(inventory).verified_through, Timestamp{});
}

TEST_F(Reconcile, NeverGoesBack) {
    settle(full_);
    Reconciliation before;
    before.objects.emplace_back().object = state_.key.object;
    before.objects[0].verified_through = kLongAgo;
    Inventory inventory = told(kErp);
    EXPECT_EQ(compare(inventory, before).verified_through, kBegan);
    inventory.objects.clear();
    EXPECT_EQ(compare(inventory, before).verified_through, kLongAgo);
}

}  // namespace
}  // namespace syncline::hub
