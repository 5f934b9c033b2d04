#include "hub/core/work.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

class Operations : public Decide {
protected:
    /// An ownership.review of the colour that the CRM changed.
    void review() {
        settle(full_);
        take(change(kCrm, with("colour", "blue")));
        ASSERT_EQ(state_.exceptions.size(), 1U);
    }
    /// The ERP has refused the name.
    void refusal() {
        settle(full_);
        Outcome refused = outcome(take(change(kCrm, with("name", "bad"))).commands.at(0), {});
        refused.status = OutcomeStatus::kRejected;
        refused.reason = "no";
        take(refused);
        ASSERT_EQ(state_.exceptions.size(), 1U);
    }
    Operation doing(OperationKind kind, const char* id, const char* text = "") {
        Operation out = act(kind);
        out.id = id;
        out.text = text;
        out.reason = "because";
        out.at = {++now_};
        return out;
    }
    const Care& care() { return state_.exceptions.at(0).care; }
    static bool says(const Step& step, const std::string& text) {
        return std::ranges::any_of(step.log.notes, [&](const std::string& note) {
            return note.find(text) != std::string::npos;
        });
    }
};

TEST_F(Operations, SayWhoSeesToItAndItStaysOpen) {
    review();
    const std::uint64_t seen = state_.exceptions.at(0).version;
    EXPECT_TRUE(says(take(doing(OperationKind::kAssign, "1", "ann")),
                     "ownership.review assigned to ann by test: because"));
    take(doing(OperationKind::kTag, "2", "vip"));
    take(doing(OperationKind::kTag, "3", "late"));
    take(doing(OperationKind::kUntag, "4", "vip"));
    take(doing(OperationKind::kNote, "5", "asked the customer"));
    Operation due = doing(OperationKind::kDue, "6");
    due.due = Timestamp{77};
    take(due);
    EXPECT_EQ(care().assignee, "ann");
    EXPECT_EQ(care().tags, std::vector<std::string>{"late"});
    ASSERT_EQ(care().remarks.size(), 1U);
    EXPECT_EQ(care().remarks[0].text, "asked the customer");
    EXPECT_EQ(care().remarks[0].by, "test");
    EXPECT_EQ(care().due, Timestamp{77});
    EXPECT_EQ(state_.exceptions.at(0).version, seen);  // Nothing of what is to be decided.
}

TEST_F(Operations, AreDoneOnceByTheirId) {
    review();
    take(doing(OperationKind::kAssign, "1", "ann"));
    take(doing(OperationKind::kAssign, "2", "bob"));
    const Step again = take(doing(OperationKind::kAssign, "1", "ann"));
    EXPECT_FALSE(again.changed);
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(care().assignee, "bob");
    take(doing(OperationKind::kNote, "3", "x"));
    take(doing(OperationKind::kNote, "3", "x"));
    EXPECT_EQ(care().remarks.size(), 1U);
}

TEST_F(Operations, OnWhatHasChangedSinceAreNotDone) {
    review();
    Operation assign = doing(OperationKind::kAssign, "1", "ann");
    assign.seen = state_.exceptions.at(0).version;
    take(change(kCrm, with("colour", "green")));
    EXPECT_TRUE(says(take(assign), "it has changed since they saw it"));
    EXPECT_EQ(care().assignee, "");
}

TEST_F(Operations, OfTextsThatDoNotFitAreNotDone) {
    review();
    EXPECT_TRUE(says(take(doing(OperationKind::kTag, "1", "")), "not changed by test"));
    EXPECT_TRUE(says(take(doing(OperationKind::kTag, "2", std::string(65, 'x').c_str())),
                     "a text of 1 to 64 bytes"));
    EXPECT_TRUE(care().tags.empty());
    for (int i = 0; i < 30; ++i) {
        take(
            doing(OperationKind::kTag, std::to_string(100 + i).c_str(), std::to_string(i).c_str()));
        take(doing(OperationKind::kNote, std::to_string(200 + i).c_str(), "n"));
    }
    EXPECT_EQ(care().tags.size(), kTagsMost);
    EXPECT_EQ(care().remarks.size(), kRemarksMost);
}

TEST_F(Operations, WhatAPersonSaidStandsAgainstTheRules) {
    review();
    take(doing(OperationKind::kAssign, "1", "ann"));
    policy_ = *parse_policy(
        {{"test.toml", kPolicy},
         {"x.toml", "[[exceptions]]\nassignee = \"team\"\ndue_s = 60\nseverity = \"critical\"\n"}});
    policy_.version = 2;
    take(PolicyChanged{});
    EXPECT_EQ(care().assignee, "ann");
    EXPECT_EQ(care().severity, ExceptionSeverity::kCritical);
    EXPECT_EQ(care().due, state_.exceptions.at(0).since + std::chrono::seconds{60});
}

TEST_F(Operations, DiscardLeavesEverythingUntilSomethingChanges) {
    review();
    const Step step = take(doing(OperationKind::kDiscard, "1"));
    EXPECT_TRUE(says(step, "ownership.review discarded by test: because"));
    EXPECT_TRUE(step.commands.empty());
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(canonical("colour"), Value{"red"});
    // Not commanded by and by, and not by another policy either.
    EXPECT_TRUE(take(change(kCrm,
                            [&] {
                                Fields fields = with("colour", "blue");
                                fields.set(kName, "nut");
                                return fields;
                            }()))
                    .commands.size() == 1U);
    EXPECT_EQ(*state_.record(kCrm)->mirror.find(FieldName{"colour"}), Value{"blue"});
    // The platform changes it: a person is asked again.
    take(change(kCrm, with("colour", "green")));
    EXPECT_EQ(state_.exceptions.size(), 1U);
    // The owner changes it: everybody is told.
    take(doing(OperationKind::kDiscard, "2"));
    const Step told = take(change(kErp, with("colour", "black")));
    EXPECT_TRUE(std::ranges::any_of(told.commands, [](const Command& command) {
        return command.platform == kCrm && command.fields.find(FieldName{"colour"}) != nullptr;
    }));
}

TEST_F(Operations, DiscardNeedsAReason) {
    review();
    Operation discard = doing(OperationKind::kDiscard, "1");
    discard.reason.clear();
    EXPECT_TRUE(says(take(discard), "a discard needs a reason"));
    EXPECT_EQ(state_.exceptions.size(), 1U);
}

TEST_F(Operations, DiscardOfARefusalTellsNothingMore) {
    refusal();
    EXPECT_TRUE(take(doing(OperationKind::kDiscard, "1")).commands.empty());
    EXPECT_TRUE(state_.exceptions.empty());
    // Another field goes out, the discarded one does not.
    const Step step = take(change(kCrm, [&] {
        Fields fields = with("name", "bad");
        fields.set(FieldName{"price"}, *Decimal::parse("9"));
        return fields;
    }()));
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].fields.find(kName), nullptr);
}

TEST_F(Operations, ADoubtIsNotDiscarded) {
    settle(full_);
    take(in_doubt(take(change(kCrm, with("name", "new"))).commands.at(0)));
    EXPECT_TRUE(says(take(doing(OperationKind::kDiscard, "1")), "does not apply to this kind"));
    EXPECT_EQ(state_.exceptions.size(), 1U);
}

TEST_F(Operations, EditMakesAPersonsValuesCanonicalAndTellsThem) {
    refusal();
    Operation edit = doing(OperationKind::kEdit, "1");
    edit.values = {{kName, "good"}};
    const Step step = take(edit);
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(canonical("name"), Value{"good"});
    EXPECT_TRUE(state_.find(kName)->from.platform.empty());
    EXPECT_EQ(step.commands.size(), 2U);  // The ERP, and the CRM that holds "bad".
    EXPECT_TRUE(says(step, "command.rejected edited by test: because"));
}

TEST_F(Operations, EditOfAReviewIsToldToWhoeverDiffers) {
    review();
    Operation edit = doing(OperationKind::kEdit, "1");
    edit.values = {{FieldName{"colour"}, "green"}};
    EXPECT_EQ(take(edit).commands.size(), 2U);
    EXPECT_EQ(canonical("colour"), Value{"green"});
    EXPECT_TRUE(state_.exceptions.empty());
}

TEST_F(Operations, EditMendsWhatBrokeTheContract) {
    settle(full_);
    take(change(kErp, with("stage", "nonsense")));
    ASSERT_EQ(state_.exceptions.at(0).kind, "change.contract");
    Operation edit = doing(OperationKind::kEdit, "1");
    edit.values = {{FieldName{"stage"}, "live"}};
    const Step step = take(edit);
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(canonical("stage"), Value{"live"});
    EXPECT_EQ(step.commands.size(), 2U);
}

TEST_F(Operations, EditIsCheckedAgainstTheObject) {
    refusal();
    Operation edit = doing(OperationKind::kEdit, "1");
    EXPECT_TRUE(says(take(edit), "no values were given"));
    edit.values = {{FieldName{"nme"}, "x"}};
    EXPECT_TRUE(says(take(edit), "item has no field nme"));
    edit.values = {{FieldName{"stage"}, "nonsense"}};
    EXPECT_TRUE(says(take(edit), "command.rejected not edited by test: stage"));
    edit.values = {{kName, Value{}}};
    EXPECT_TRUE(says(take(edit), "name is required"));
    EXPECT_EQ(state_.exceptions.size(), 1U);
    EXPECT_EQ(canonical("name"), Value{"bad"});
}

TEST(OperationCodec, BringsBackWhatWasWritten) {
    Operation operation{.kind = OperationKind::kEdit,
                        .entity = {ObjectName{"item"}, EntityId{"e1"}},
                        .exception = "change.contract@crm",
                        .id = "i",
                        .actor = "a",
                        .reason = "r",
                        .at = {5},
                        .seen = 3,
                        .text = "t",
                        .due = {9},
                        .values = {{kName, "x"}}};
    const auto back = decode_operation(encode(operation));
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->kind, OperationKind::kEdit);
    EXPECT_EQ(back->text, "t");
    EXPECT_EQ(back->due, Timestamp{9});
    EXPECT_EQ(back->values, operation.values);
}

}  // namespace
}  // namespace syncline::hub
