#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

/// A reconciliation that has a person decide (reconcile.mode = "review").
class Review : public Decide {
protected:
    void SetUp() override { settle(full_); }
    Step find(const PlatformId& from, Fields fields) {
        Change found = change(from, std::move(fields));
        found.origin = ChangeOrigin::kReview;
        return take(found);
    }
    Step settle_by(OperationKind kind) {
        Operation operation = act(kind);
        operation.id = "op";
        operation.reason = "because";
        return take(operation);
    }
};

TEST_F(Review, BringsEvenTheOwnersValueToAPerson) {
    EXPECT_TRUE(find(kCrm, with("name", "nut")).commands.empty());
    ASSERT_EQ(state_.exceptions.size(), 1U);
    EXPECT_EQ(state_.exceptions[0].kind, "reconcile.review");
    EXPECT_EQ(canonical("name"), Value{"bolt"});
    const Step accepted = settle_by(OperationKind::kAccept);
    EXPECT_EQ(canonical("name"), Value{"nut"});
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_FALSE(accepted.commands.empty()) << "the others are told";
}

TEST_F(Review, RejectedIsWrittenBack) {
    find(kCrm, with("name", "nut"));
    const Step rejected = settle_by(OperationKind::kReject);
    ASSERT_EQ(rejected.commands.size(), 1U);
    EXPECT_EQ(rejected.commands[0].platform, kCrm);
    EXPECT_EQ(rejected.commands[0].fields, (Fields{{kName, Value{"bolt"}}}));
    EXPECT_TRUE(state_.exceptions.empty());
}

TEST_F(Review, RetriedIsDecidedByTheRule) {
    find(kCrm, with("note", "mine"));  // The ERP's; the rule ignores it.
    ASSERT_EQ(state_.exceptions.size(), 1U);
    const Step retried = settle_by(OperationKind::kRetry);
    EXPECT_TRUE(state_.exceptions.empty());
    ASSERT_EQ(retried.log.decisions.size(), 1U);
    EXPECT_EQ(retried.log.decisions[0].verdict, Verdict::kIgnored);
}

TEST_F(Review, StandsUntilAPersonHasDecidedWhateverThePolicy) {
    find(kCrm, with("price", "3"));  // Its owner depends on the stage.
    ASSERT_EQ(state_.exceptions.size(), 1U);
    take(change(kErp, with("phone", "2")));  // Anything else.
    EXPECT_EQ(state_.exceptions.size(), 1U);
    policy_.version = 2;
    take(PolicyChanged{});
    EXPECT_EQ(state_.exceptions.size(), 1U);
    EXPECT_NE(canonical("price"), Value{*Decimal::parse("3")});
}

TEST_F(Review, ClosesWhenBothSidesAgreeAgain) {
    find(kCrm, with("name", "nut"));
    take(change(kCrm, full_));
    EXPECT_TRUE(state_.exceptions.empty());
}

TEST_F(Review, OfAMissingRecordIsADeleteReview) {
    Change gone = deletion(kCrm);  // By the policy it would be deleted everywhere.
    gone.origin = ChangeOrigin::kReview;
    EXPECT_TRUE(take(gone).commands.empty());
    ASSERT_EQ(state_.exceptions.size(), 1U);
    EXPECT_EQ(state_.exceptions[0].kind, "delete.review");
    EXPECT_FALSE(state_.deleted);
}

TEST_F(Review, LosesNothingThatNobodyHasAValueFor) {
    state_.canonical.erase(
        std::ranges::find(state_.canonical, FieldName{"note"}, &CanonicalField::name));
    for (RecordState& record : state_.records) record.mirror.erase(FieldName{"note"});
    find(kErp, with("note", "new"));
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(canonical("note"), Value{"new"});
}

}  // namespace
}  // namespace syncline::hub
