#include "tests/unit/hub/core/decide_fixture.h"

// What a record holds after a write that was to make it hold something else: somebody's edit since,
// the platform's own form, or what was there before.

namespace syncline::hub {
namespace {

struct MeanwhileCase {
    const char* field;
    const char* verdict;    ///< On what is found there,
    const char* later;      ///< and once the platform takes what it is told; "": nothing.
    const char* canonical;  ///< In the end, when every command is carried out.
    const char* exception;  ///< Kind that is open in the end.
};
void PrintTo(const MeanwhileCase& row, std::ostream* out) { *out << row.field; }

class Meanwhile : public Decide, public testing::WithParamInterface<MeanwhileCase> {
protected:
    /// The ERP makes `field` "ours", and that is told to the CRM, which holds `found` instead.
    Step finds(const char* field, const Value& found) {
        field_ = FieldName{field};
        settle(full_);
        const Step told = take(change(kErp, with(field, "ours")));
        EXPECT_EQ(told.commands.size(), 1U);
        return holds(told.commands.at(0), {{field_, found}});
    }
    Step holds(const Command& command, Fields fields) {
        Outcome told = outcome(command, std::move(fields));
        told.done_at = {++now_};
        return take(told);
    }
    /// The platform takes the command as it is.
    Step takes(const Command& command) {
        Outcome taken = outcome(command, command.fields);
        taken.done_at = {++now_};
        for (const auto& [name, value] : command.fields) taken.as_commanded.push_back(name);
        return take(taken);
    }
    static std::string verdicts(const Step& step) {
        std::string all;
        for (const FieldDecision& one : step.log.decisions) all += name_of(one.verdict);
        return all;
    }
    FieldName field_;
};

TEST_P(Meanwhile, AnEditCountsByTheFieldsRule) {
    const MeanwhileCase& row = GetParam();
    Step step = finds(row.field, "edited");
    EXPECT_EQ(verdicts(step), row.verdict);
    const bool again = std::string{row.verdict} == "reverted";
    ASSERT_EQ(step.commands.size(), again ? 1U : 0U);
    if (again) {
        EXPECT_EQ(step.commands[0].fields, (Fields{{field_, "ours"}}));
        EXPECT_EQ(canonical(row.field), Value{"ours"});
        step = takes(step.commands[0]);
    }
    EXPECT_EQ(again ? verdicts(step) : "", row.later);
    answer(step);
    EXPECT_EQ(canonical(row.field), Value{row.canonical});
    ASSERT_EQ(state_.exceptions.size(), *row.exception == '\0' ? 0U : 1U);
    if (*row.exception != '\0') {
        EXPECT_EQ(state_.exceptions[0].kind, row.exception);
    }
}
INSTANTIATE_TEST_SUITE_P(
    Fields, Meanwhile,
    testing::Values(MeanwhileCase{"size", "reverted", "proposed", "edited", ""},
                    MeanwhileCase{"phone", "reverted", "accepted", "edited", ""},
                    MeanwhileCase{"rank", "reverted", "", "ours", ""},  // Of lower priority.
                    MeanwhileCase{"note", "ignored", "", "ours", ""},
                    MeanwhileCase{"colour", "review", "", "ours", "ownership.review"}),
    [](const auto& row) { return std::string{row.param.field}; });

TEST_F(Meanwhile, AnEditOfARevertedFieldIsReverted) {
    settle(full_);
    const Step told = take(change(kCrm, with("name", "nut")));
    Step step = holds(told.commands.at(0), {{kName, "edited"}});
    EXPECT_EQ(verdicts(step), "reverted");
    step = takes(step.commands.at(0));
    EXPECT_EQ(verdicts(step), "");
    EXPECT_TRUE(step.commands.empty());
    EXPECT_EQ(canonical("name"), Value{"nut"});
}

TEST_F(Meanwhile, AnEmptiedFieldIsAnEdit) {
    const Step step = finds("size", {});
    EXPECT_EQ(verdicts(takes(step.commands.at(0))), "proposed");
    EXPECT_EQ(state_.proposals.at(0).value, Value{});
}

TEST_F(Meanwhile, APlatformsOwnFormIsNobodysEdit) {
    Step step = finds("size", "OUR");
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(step.commands.size(), 1U);
        step = holds(step.commands[0], {{field_, "OUR"}});
        EXPECT_EQ(verdicts(step), "reverted");
        EXPECT_TRUE(state_.proposals.empty());
    }
    EXPECT_EQ(canonical("size"), Value{"ours"});
}

TEST_F(Meanwhile, WhatWasThereBeforeIsNobodysEdit) {
    for (const char* field : {"size", "note", "colour"}) {
        Step step = finds(field, *full_.find(field));
        EXPECT_EQ(verdicts(step), "reverted") << field;
        step = takes(step.commands.at(0));
        EXPECT_EQ(verdicts(step), "") << field;
        EXPECT_TRUE(state_.proposals.empty()) << field;
        EXPECT_TRUE(state_.exceptions.empty()) << field;
        state_ = EntityState{};
        state_.key = {ObjectName{"item"}, EntityId{"e1"}};
    }
}

TEST_F(Meanwhile, WhatANewRecordHoldsIsNobodysEdit) {
    const Step made = take(change(kCrm, full_));
    ASSERT_EQ(made.commands.at(0).kind, CommandKind::kCreate);
    const Step step = holds(made.commands[0], with("phone", "preset"));
    EXPECT_EQ(verdicts(step), "reverted");
    EXPECT_EQ(verdicts(takes(step.commands.at(0))), "");
    EXPECT_EQ(canonical("phone"), Value{"1"});
}

TEST_F(Meanwhile, OfTwoEditsTheLaterOneCounts) {
    Step step = finds("size", "first");
    step = holds(step.commands.at(0), {{field_, "second"}});
    EXPECT_EQ(verdicts(step), "reverted");
    EXPECT_EQ(verdicts(takes(step.commands.at(0))), "proposed");
    EXPECT_EQ(state_.proposals.at(0).value, Value{"second"});
}

TEST_F(Meanwhile, AnEditThatIsToldAsAChangeTakesItsPlace) {
    const Step step = finds("size", "first");
    take(change(kCrm, with("size", "second")));
    EXPECT_EQ(state_.proposals.at(0).value, Value{"second"});
    takes(step.commands.at(0));
    EXPECT_EQ(state_.proposals.at(0).value, Value{"second"});
}

TEST_F(Meanwhile, TheOwnersNextWordIsNewerThanTheEdit) {
    finds("size", "edited");
    const Step next = take(change(kErp, with("size", "next")));
    const Step step = takes(next.commands.at(0));
    EXPECT_EQ(verdicts(step), "");
    EXPECT_EQ(canonical("size"), Value{"next"});
    EXPECT_TRUE(state_.proposals.empty());
}

TEST_F(Meanwhile, ACommandThatTakesAnothersPlaceSettlesItAsWell) {
    const Step told = finds("size", "edited");
    // Another field goes out with it, and the first command is carried out all the same.
    const Step both = take(change(kErp, [&] {
        Fields fields = with("size", "ours");
        fields.set(FieldName{"phone"}, "2");
        return fields;
    }()));
    ASSERT_EQ(both.commands.size(), 1U);
    EXPECT_EQ(verdicts(takes(told.commands.at(0))), "");
    EXPECT_EQ(verdicts(takes(both.commands[0])), "proposed");
}

// While the create is under way somebody edits the record that it comes from. What was made is as
// we wanted it before: not the platform's own word, however new.
TEST_F(Decide, WhatACreateOfBeforeMadeIsNobodysEdit) {
    const Step first = take(change(kCrm, full_));
    const auto create = std::ranges::find(first.commands, kErp, &Command::platform);
    ASSERT_NE(create, first.commands.end());
    take(change(kCrm, with("phone", "2")));
    ASSERT_EQ(canonical("phone"), Value{"2"});
    Outcome made = outcome(*create, create->fields);
    for (const auto& [name, value] : create->fields) made.as_commanded.push_back(name);
    made.fields.set(FieldName{"note"}, "by the platform itself");
    made.done_at = {now_ + 100};
    std::erase(made.as_commanded, FieldName{"note"});
    const Step step = take(made);
    EXPECT_EQ(canonical("phone"), Value{"2"}) << "its newest word is a person's";
    EXPECT_EQ(canonical("note"), Value{"by the platform itself"});
    const auto update = std::ranges::find(step.commands, kErp, &Command::platform);
    ASSERT_NE(update, step.commands.end());
    EXPECT_EQ(update->kind, CommandKind::kUpdate);
    EXPECT_EQ(update->fields, (Fields{{FieldName{"phone"}, "2"}}));
}

}  // namespace
}  // namespace syncline::hub
