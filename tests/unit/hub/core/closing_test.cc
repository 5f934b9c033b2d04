#include "hub/core/work.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

using What = ExceptionEvent::What;

/// What an exception is about goes away, and it closes by itself.
class Closing : public Decide {
protected:
    /// The one that is told of in the step.
    static ExceptionRecord told(const Step& step) {
        for (const auto& outgoing : step.next.outbox) {
            if (!outgoing.exception.empty()) return *decode_exception(outgoing.body);
        }
        ADD_FAILURE() << "nothing told";
        return {};
    }
    Step fails(const Command& command, OutcomeStatus status) {
        Outcome out = outcome(command, {});
        out.status = status;
        out.reason = "no";
        return take(out);
    }
    static std::vector<What> events(const Step& step) {
        std::vector<What> out;
        for (const ExceptionEvent& event : step.exceptions) out.push_back(event.what);
        return out;
    }
    void expect_closed(const Step& step, const char* kind) {
        EXPECT_TRUE(state_.exceptions.empty());
        EXPECT_EQ(events(step), std::vector{What::kClosed});
        EXPECT_EQ(told(step).kind, kind);
        EXPECT_EQ(told(step).status, ExceptionStatus::kResolved);
        EXPECT_EQ(told(step).closed_by, "");
    }
};

TEST_F(Closing, OpeningAndSettlingAreTold) {
    settle(full_);
    EXPECT_EQ(events(take(change(kCrm, with("colour", "blue")))), std::vector{What::kOpened});
    EXPECT_TRUE(events(take(change(kCrm, with("colour", "green")))).empty());
    Operation accept = act(OperationKind::kAccept);
    accept.reason = "why not";
    const Step step = take(accept);
    ASSERT_EQ(events(step), std::vector{What::kSettled});
    EXPECT_EQ(step.exceptions[0].kind, "ownership.review");
    EXPECT_EQ(step.exceptions[0].severity, ExceptionSeverity::kWarning);
    EXPECT_EQ(told(step).closed_by, "test");
    EXPECT_EQ(told(step).closing, "accepted: why not");
}

TEST_F(Closing, AReviewWhenThePlatformGoesBack) {
    settle(full_);
    take(change(kCrm, with("colour", "blue")));
    expect_closed(take(change(kCrm, full_)), "ownership.review");
}

TEST_F(Closing, AContractViolationWhenItIsMendedAtThePlatform) {
    settle(full_);
    take(change(kErp, with("stage", "nonsense")));
    ASSERT_EQ(state_.exceptions.size(), 1U);
    expect_closed(take(change(kErp, full_)), "change.contract");
}

TEST_F(Closing, ARefusalWhenThePlatformHoldsWhatWasWanted) {
    for (const OutcomeStatus status : {OutcomeStatus::kRejected, OutcomeStatus::kGaveUp}) {
        state_ = EntityState{.key = state_.key};
        settle(full_);
        fails(take(change(kCrm, with("name", "nut"))).commands.at(0), status);
        ASSERT_EQ(state_.exceptions.size(), 1U);
        const std::string kind = state_.exceptions[0].kind;
        const Step step = take(change(kErp, with("name", "nut")));
        expect_closed(step, kind.c_str());
        EXPECT_TRUE(step.commands.empty());
    }
}

TEST_F(Closing, ADoubtWhenThePlatformHoldsWhatWasWanted) {
    settle(full_);
    take(in_doubt(take(change(kCrm, with("name", "nut"))).commands.at(0)));
    ASSERT_EQ(state_.exceptions.size(), 1U);
    expect_closed(take(change(kErp, with("name", "nut"))), "command.in_doubt");
}

TEST_F(Closing, ARefusedCreateWhenTheRecordTurnsUp) {
    fails(take(change(kCrm, full_)).commands.at(0), OutcomeStatus::kRejected);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    expect_closed(take(change(kErp, full_)), "command.rejected");
    EXPECT_FALSE(state_.record(kErp)->blocked);
}

TEST_F(Closing, WhatIsOpenAboutARecordThatIsGone) {
    settle(full_);
    Outcome refused = outcome(take(change(kCrm, with("name", "nut"))).commands.at(0), {});
    refused.status = OutcomeStatus::kRejected;
    take(refused);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    // The ERP restores what is deleted there: it is created anew, and nothing is held any more.
    const Step step = take(deletion(kErp));
    EXPECT_TRUE(state_.exceptions.empty());
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].kind, CommandKind::kCreate);
    EXPECT_EQ(*step.commands[0].fields.find(kName), Value{"nut"});
}

constexpr const char* kByStage = R"(
[policy]
name = "test"
[platforms.crm]
[platforms.erp]
[objects.item.fields]
name = { type = "string", required = true }
stage = { type = "enum", values = ["draft", "live"], required = true }
price = "string"
cost = "string"
[[objects.item.own]]
fields = ["price"]
when = 'stage == "live"'
owner = "crm"
[[objects.item.own]]
fields = ["cost"]
when = 'stage == "draft"'
owner = "erp"
otherwise = "review"
[[objects.item.own]]
fields = ["cost"]
owner = "crm"
[[objects.item.own]]
fields = ["name", "stage"]
owner = "erp"
otherwise = "accept"
[objects.item.on.crm]
fields = ["*"]
founds = true
on_delete = "review"
[objects.item.on.erp]
fields = ["*"]
receives = true
on_delete = "review"
)";

class ClosingByStage : public Closing {
protected:
    ClosingByStage() {
        policy_ = *parse_policy({{"test.toml", kByStage}});
        settle(draft());
    }
    static Fields draft() {
        return {{kName, "bolt"}, {FieldName{"stage"}, "draft"}, {FieldName{"cost"}, "1"}};
    }
};

TEST_F(ClosingByStage, UndecidedOnceARuleHolds) {
    Fields fields = draft();
    fields.set(FieldName{"price"}, "5");
    take(change(kCrm, fields));
    ASSERT_EQ(state_.exceptions.at(0).kind, "ownership.undecided");
    Fields live = draft();
    live.set(FieldName{"stage"}, "live");
    const Step step = take(change(kErp, live));
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(events(step), std::vector{What::kClosed});
    EXPECT_EQ(canonical("price"), Value{"5"});
}

TEST_F(ClosingByStage, AReviewOnceThePlatformOwnsTheField) {
    answer(take(change(kErp, draft())));
    Fields fields = draft();
    fields.set(FieldName{"cost"}, "2");
    take(change(kCrm, fields));
    ASSERT_EQ(state_.exceptions.at(0).kind, "ownership.review");
    Fields live = draft();
    live.set(FieldName{"stage"}, "live");
    take(change(kErp, live));
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(canonical("cost"), Value{"2"});
}

TEST_F(ClosingByStage, AQuestionOfDeletionOnceTheEntityIsDeleted) {
    take(deletion(kErp));
    ASSERT_EQ(state_.exceptions.at(0).kind, "delete.review");
    take(deletion(kCrm));
    ASSERT_EQ(state_.exceptions.size(), 2U);
    Operation accept = act(OperationKind::kAccept);
    accept.exception = "delete.review@crm";
    const Step step = take(accept);
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_TRUE(state_.deleted);
}

TEST(KeptException, IsSettledByADiscardWithAReason) {
    ExceptionRecord kept{.kind = "input.undecodable", .raw = "x"};
    Operation operation{.kind = OperationKind::kDiscard, .id = "1", .actor = "ann"};
    EXPECT_FALSE(operate(kept, operation, {5}));
    operation.reason = "a test of ours";
    EXPECT_TRUE(operate(kept, operation, {5}));
    EXPECT_EQ(kept.status, ExceptionStatus::kResolved);
    EXPECT_EQ(kept.closed_by, "ann");
    EXPECT_EQ(kept.closing, "discarded: a test of ours");
    EXPECT_EQ(kept.raw, "x");
    EXPECT_FALSE(operate(kept, operation, {6}));
}

TEST(KeptException, IsSeenToAndNotAccepted) {
    ExceptionRecord kept{.kind = "identity.unmatched"};
    Operation operation{.kind = OperationKind::kAssign, .id = "1", .actor = "ann", .text = "bob"};
    EXPECT_TRUE(operate(kept, operation, {5}));
    EXPECT_FALSE(operate(kept, operation, {6}));  // Twice is once.
    EXPECT_EQ(kept.care.assignee, "bob");
    operation.kind = OperationKind::kAccept;
    operation.id = "2";
    EXPECT_FALSE(operate(kept, operation, {7}));
    EXPECT_EQ(kept.status, ExceptionStatus::kOpen);
}

}  // namespace
}  // namespace syncline::hub
