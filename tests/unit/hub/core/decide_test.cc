#include "hub/core/work.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

TEST_F(Decide, FoundsAnEntityAndTellsThePlatformsThatReceiveIt) {
    const Step step = take(change(kCrm, full_));
    ASSERT_EQ(step.commands.size(), 1U);  // The desk gets only what is named so.
    EXPECT_EQ(step.commands[0].platform, kErp);
    EXPECT_EQ(step.commands[0].kind, CommandKind::kCreate);
    EXPECT_EQ(step.commands[0].fields, full_);
    EXPECT_EQ(step.commands[0].fence, 7U);
    EXPECT_EQ(step.next.outbox.size(), 1U);
}

TEST_F(Decide, DoesNotCreateWhileARequiredFieldIsMissing) {
    const Step step = take(change(kCrm, {{kName, "bolt"}}));
    EXPECT_TRUE(step.commands.empty());
}

TEST_F(Decide, TakesTheSameChangeOnceForEver) {
    const Change first = change(kCrm, full_);
    const Step once = take(first);
    const EntityState before = state_;
    const Step again = take(first);
    EXPECT_FALSE(again.changed);
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.commands.size(), once.commands.size());  // They may not have got out.
    EXPECT_EQ(again.next, before);  // With its outbox, to be published again.
}

TEST_F(Decide, LetsAnEchoDie) {
    settle(full_);
    const Step echo = take(change(kErp, full_));
    EXPECT_FALSE(echo.changed);
    EXPECT_TRUE(echo.commands.empty());
}

TEST_F(Decide, KnowsAnAnswerThatIsOlderThanAnEcho) {
    settle(full_);
    const Step step = take(change(kCrm, with("note", "x")));
    ASSERT_TRUE(state_.record(kCrm)->pending || step.commands.empty());
    Step told = take(change(kErp, with("note", "y")));
    ASSERT_EQ(told.commands.size(), 1U);
    ASSERT_EQ(told.commands[0].platform, kCrm);
    // Answered at once, and told only after two more edits that came to what was there before.
    const Outcome late = outcome(told.commands[0], with("note", "y"));
    const Step echo = take(change(kCrm, with("note", "x")));
    EXPECT_TRUE(echo.changed) << "how new it is must not be forgotten";
    take(late);
    EXPECT_EQ(*state_.record(kCrm)->mirror.find("note"), Value{"x"});
}

TEST_F(Decide, SplitsAnEchoFieldByField) {
    settle(full_);
    Step step = take(change(kCrm, [&] {
        Fields f = full_;
        f.set(kName, "nut");
        return f;
    }()));
    ASSERT_EQ(step.commands.size(), 1U);
    // The ERP stored the name, and its automation changed the note in the same transaction.
    Fields echoed = full_;
    echoed.set(kName, "nut");
    echoed.set(FieldName{"note"}, "touched");
    step = take(change(kErp, echoed));
    EXPECT_EQ(canonical("note"), Value{"touched"});
    EXPECT_EQ(canonical("name"), Value{"nut"});
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].platform, kCrm);
    EXPECT_EQ(step.commands[0].fields, (Fields{{FieldName{"note"}, "touched"}}));
}

struct WriteCase {
    const char* name;
    PlatformId from;
    const char* field;
    const char* value;
    const char* canonical;  ///< Afterwards.
    const char* told;       ///< Platform that gets a command; "" for none.
    const char* exception;  ///< Kind that is open afterwards; "" for none.
};

class OwnershipOf : public Decide, public testing::WithParamInterface<WriteCase> {};

TEST_P(OwnershipOf, FollowsItsRule) {
    settle(full_);
    const WriteCase& row = GetParam();
    Fields fields = full_;
    fields.set(FieldName{row.field}, row.value);
    const Step step = take(change(row.from, fields));
    EXPECT_EQ(canonical(row.field), Value{row.canonical});
    ASSERT_EQ(step.commands.size(), *row.told == '\0' ? 0U : 1U);
    if (*row.told != '\0') {
        EXPECT_EQ(step.commands[0].platform.text, row.told);
    }
    ASSERT_EQ(state_.exceptions.size(), *row.exception == '\0' ? 0U : 1U);
    if (*row.exception != '\0') {
        EXPECT_EQ(state_.exceptions[0].kind, row.exception);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Fields, OwnershipOf,
    testing::Values(
        //        name                        from  field     value  canonical told   exception
        WriteCase{"owner_is_followed", kCrm, "name", "nut", "nut", "erp", ""},
        WriteCase{"other_is_reverted", kErp, "name", "nut", "bolt", "erp", ""},
        WriteCase{"other_is_accepted", kCrm, "stage", "live", "live", "erp", ""},
        WriteCase{"other_is_ignored", kCrm, "note", "x", "n", "", ""},
        WriteCase{"other_goes_to_a_person", kCrm, "colour", "x", "red", "", "ownership.review"},
        WriteCase{"other_asks_the_owner", kCrm, "size", "L", "M", "erp", ""},
        WriteCase{"latest_wins", kErp, "phone", "2", "2", "crm", ""},
        WriteCase{"lower_priority_fills_its_own", kCrm, "rank", "b", "b", "erp", ""},
        WriteCase{"broken_contract_is_kept", kErp, "stage", "odd", "draft", "", "change.contract"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST_F(Decide, GivesAFieldToTheStagesOwner) {
    settle(full_);
    const FieldName price{"price"};
    Fields fields = full_;
    fields.set(price, *Decimal::parse("3"));
    take(change(kErp, fields));  // In draft the price is the CRM's.
    EXPECT_EQ(canonical("price"), Value{*Decimal::parse("2.5")});
    answer(take(change(kCrm, [&] {
        Fields f = full_;
        f.set(FieldName{"stage"}, "live");
        return f;
    }())));
    fields.set(FieldName{"stage"}, "live");
    fields.set(price, *Decimal::parse("4"));
    take(change(kErp, fields));
    EXPECT_EQ(canonical("price"), Value{*Decimal::parse("4")});
}

TEST_F(Decide, MakesAProposalCanonicalOnlyWhenTheOwnerTakesIt) {
    settle(full_);
    Fields fields = full_;
    fields.set(FieldName{"size"}, "L");
    const Step asked = take(change(kCrm, fields));
    ASSERT_EQ(asked.commands.size(), 1U);
    EXPECT_EQ(canonical("size"), Value{"M"});
    take(outcome(asked.commands[0], full_.find("size") ? asked.commands[0].fields : Fields{}));
    EXPECT_EQ(canonical("size"), Value{"L"});
}

TEST_F(Decide, NeedNotAskTheOwnerToEmptyWhatIsEmptyThere) {
    take(change(kCrm, full_));
    take(change(kErp, {{kName, "bolt"}, {FieldName{"stage"}, "draft"}}));
    Fields cleared = full_;
    cleared.set(FieldName{"size"}, Value{});
    take(change(kCrm, cleared));
    EXPECT_EQ(canonical("size"), Value{});
    EXPECT_TRUE(state_.proposals.empty());
}

TEST_F(Decide, RevertsAProposalThatTheOwnerRefused) {
    settle(full_);
    Fields fields = full_;
    fields.set(FieldName{"size"}, "XXL");
    const Step asked = take(change(kCrm, fields));
    Outcome refused = outcome(asked.commands.at(0), {});
    refused.status = OutcomeStatus::kRejected;
    refused.reason = "no such size";
    const Step step = take(refused);
    EXPECT_EQ(canonical("size"), Value{"M"});
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].platform, kCrm);
    EXPECT_EQ(step.commands[0].fields, (Fields{{FieldName{"size"}, "M"}}));
}

TEST_F(Decide, LeavesWhatAPersonDiscardedAloneUntilSomethingAboutItChanges) {
    settle(full_);
    const Step told = take(change(kCrm, with("name", "nut")));
    for (const Command& command : told.commands) {
        Outcome discarded = outcome(command, {});
        discarded.rev = {};
        discarded.status = OutcomeStatus::kDiscarded;
        EXPECT_TRUE(take(discarded).commands.empty());
    }
    EXPECT_TRUE(state_.exceptions.empty()) << "they have said so once for all of them";
    for (const RecordState& record : state_.records) EXPECT_FALSE(record.pending);
    EXPECT_TRUE(take(change(kCrm, with("name", "nut"))).commands.empty());
    EXPECT_FALSE(take(change(kCrm, with("name", "screw"))).commands.empty());
}

TEST_F(Decide, ADeletionThatAPersonDiscardedIsNotCommandedAgain) {
    settle(full_);
    const Step told = take(deletion(kCrm));
    std::size_t deletions = 0;
    for (const Command& command : told.commands) {
        if (command.kind != CommandKind::kDelete) continue;
        ++deletions;
        Outcome discarded = outcome(command, {});
        discarded.rev = {};
        discarded.status = OutcomeStatus::kDiscarded;
        EXPECT_TRUE(take(discarded).commands.empty());
    }
    EXPECT_GT(deletions, 0u);
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(state_.record(kErp)->presence, Presence::kPresent);
}

TEST_F(Decide, OpensOneExceptionInsteadOfAStorm) {
    settle(full_);
    Fields fields = full_;
    std::size_t commands = 0;
    for (int i = 0; i < 20; ++i) {
        fields.set(kName, "mine " + std::to_string(i));
        Step step = take(change(kErp, fields));
        for (const Command& command : step.commands) {
            ++commands;
            take(outcome(command, command.fields));
        }
    }
    EXPECT_EQ(commands, 3U);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    EXPECT_EQ(state_.exceptions[0].kind, "convergence.field");
}

TEST_F(Decide, CoversWhatIsOutWithTheNextCommand) {
    settle(full_);
    const Step first = take(change(kCrm, [&] {
        Fields f = full_;
        f.set(kName, "a");
        return f;
    }()));
    // Back to the old value before the ERP answered: the command on its way must not win.
    const Step second = take(change(kCrm, full_));
    ASSERT_EQ(second.commands.size(), 1U);
    EXPECT_GT(second.commands[0].generation, first.commands.at(0).generation);
    EXPECT_EQ(second.commands[0].fields, (Fields{{kName, "bolt"}}));
}

TEST_F(Decide, TellsEveryOpenExceptionAgainWhenAnInputComesBack) {
    settle(full_);
    take(another(kErp, "erp-2", full_));
    const Change old = change(kCrm, with("name", "nut"));
    take(old);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    const Step step = take(old);
    ASSERT_EQ(step.rechecked.size(), 1U);
    EXPECT_EQ(step.rechecked[0].exception, "identity.second_record@erp");
}

TEST_F(Decide, TellsItsExceptionAgainWhenAFailureComesBack) {
    settle(full_);
    Outcome failure = outcome(take(change(kCrm, with("name", "nut"))).commands.at(0), {});
    failure.status = OutcomeStatus::kRejected;
    failure.rev = {};
    take(failure);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    const Step again = take(failure);
    EXPECT_FALSE(again.changed);
    ASSERT_EQ(again.rechecked.size(), 1U) << "whoever decided may have died before it was out";
    EXPECT_EQ(decode_exception(again.rechecked[0].body)->status, ExceptionStatus::kOpen);
}

TEST_F(Decide, PublishesEveryPendingCommandAgainWhenAnOldOutcomeComesBack) {
    settle(full_);
    const Step first = take(change(kErp, with("colour", "blue")));
    const Outcome old = outcome(first.commands.at(0), first.commands.at(0).fields);
    take(old);
    take(change(kErp, with("colour", "green")));
    take(change(kCrm, with("name", "nut")));
    EXPECT_EQ(take(old).commands.size(), 2U)
        << "whoever decided may have died before they were out";
}

TEST_F(Decide, SendsAPendingCommandAgainWhenAnOlderOneAnswers) {
    settle(full_);
    const Step first = take(change(kCrm, with("name", "a")));
    const Step second = take(change(kCrm, with("name", "b")));
    const Step step = take(outcome(first.commands.at(0), first.commands.at(0).fields));
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].generation, second.commands.at(0).generation);
}

TEST_F(Decide, SendsAPendingCommandAgainWhenAFormerOneOfItsGenerationAnswers) {
    settle(full_);
    const Command sent = take(change(kCrm, with("name", "a"))).commands.at(0);
    Outcome former = outcome(sent, sent.fields);
    former.decided_at = sent.decided_at - std::chrono::seconds{1};
    const Step step = take(former);
    ASSERT_EQ(step.commands.size(), 1U) << "the former one took its place on the stream";
    EXPECT_EQ(step.commands[0].generation, sent.generation);
    EXPECT_EQ(step.commands[0].decided_at, sent.decided_at);
}

TEST_F(Decide, GoesPastWhatTheAgentRemembers) {
    settle(full_);
    Step step = take(change(kCrm, [&] {
        Fields f = full_;
        f.set(kName, "a");
        return f;
    }()));
    Outcome stale = outcome(step.commands.at(0), {});
    stale.status = OutcomeStatus::kStale;
    stale.rev = {};
    stale.ledger_generation = 40;
    step = take(stale);
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_GT(step.commands[0].generation, 40U);
    EXPECT_EQ(step.commands[0].fields, (Fields{{kName, "a"}}));
}

TEST_F(Decide, LeavesAFailedFieldAloneUntilItsValueChanges) {
    settle(full_);
    Step step = take(change(kCrm, [&] {
        Fields f = full_;
        f.set(kName, "bad");
        return f;
    }()));
    Outcome refused = outcome(step.commands.at(0), {});
    refused.status = OutcomeStatus::kRejected;
    refused.reason = "name is taken";
    step = take(refused);
    EXPECT_TRUE(step.commands.empty());
    ASSERT_EQ(state_.exceptions.size(), 1U);
    EXPECT_EQ(state_.exceptions[0].kind, "command.rejected");
    step = take(change(kCrm, [&] {
        Fields f = full_;
        f.set(kName, "good");
        return f;
    }()));
    EXPECT_EQ(step.commands.size(), 1U);
    EXPECT_TRUE(state_.exceptions.empty());
}

struct ActionCase {
    const char* name;
    OperationKind kind;
    const char* canonical;
    const char* told;
};
class ActionOnAReview : public Decide, public testing::WithParamInterface<ActionCase> {};

TEST_P(ActionOnAReview, DoesWhatThePersonSaid) {
    settle(full_);
    Fields fields = full_;
    fields.set(FieldName{"colour"}, "blue");
    take(change(kCrm, fields));
    Operation operation;
    operation.kind = GetParam().kind;
    operation.entity = state_.key;
    operation.exception = "ownership.review";
    operation.id = "op1";
    operation.actor = "ann";
    const Step step = take(operation);
    EXPECT_EQ(canonical("colour"), Value{GetParam().canonical});
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].platform.text, GetParam().told);
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_FALSE(take(operation).changed);  // Twice is once.
}

INSTANTIATE_TEST_SUITE_P(
    Actions, ActionOnAReview,
    testing::Values(ActionCase{"accept", OperationKind::kAccept, "blue", "erp"},
                    ActionCase{"reject", OperationKind::kReject, "red", "crm"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST_F(Decide, FoldsARunOfInputsIntoOneDecision) {
    settle(full_);
    std::vector<Input> inputs;
    for (const char* name : {"a", "b", "c"}) {
        inputs.emplace_back(change(kCrm, [&] {
            Fields f = full_;
            f.set(kName, name);
            return f;
        }()));
    }
    const Step step = decide(policy_, state_, inputs, {});
    EXPECT_EQ(step.next.version, state_.version + 1);
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].fields, (Fields{{kName, "c"}}));
}

}  // namespace
}  // namespace syncline::hub
