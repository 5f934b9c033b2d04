#include "hub/core/decide.h"

#include <gtest/gtest.h>

#include "hub/core/state_codec.h"
#include "hub/core/work.h"
#include "shared/policy/policy_toml.h"

namespace syncline::hub {
namespace {

constexpr const char* kPolicy = R"(
[policy]
name = "test"
[platforms.crm]
[platforms.erp]
[platforms.desk]

[objects.item.fields]
name = { type = "string", required = true }
stage = { type = "enum", values = ["draft", "live"], required = true }
price = "decimal"
note = "string"
colour = "string"
size = "string"
phone = "string"
rank = "string"

[[objects.item.own]]
fields = ["price"]
when = 'stage == "draft"'
owner = "crm"
otherwise = "revert"
[[objects.item.own]]
fields = ["price", "stage"]
owner = "erp"
otherwise = "accept"
[[objects.item.own]]
fields = ["note"]
owner = "erp"
otherwise = "ignore"
[[objects.item.own]]
fields = ["colour"]
owner = "erp"
otherwise = "review"
[[objects.item.own]]
fields = ["size"]
owner = "erp"
otherwise = "propose"
[[objects.item.own]]
fields = ["phone"]
resolve = "latest"
[[objects.item.own]]
fields = ["rank"]
resolve = "priority"
priority = ["erp", "crm"]
[[objects.item.own]]
fields = ["name"]
owner = "crm"
otherwise = "revert"

[objects.item.on.crm]
fields = ["*"]
founds = true
on_delete = "propagate"
[objects.item.on.erp]
fields = ["*"]
founds = true
receives = true
on_delete = "restore"
[objects.item.on.desk]
fields = ["name", "stage"]
receives = true
receives_when = 'name == "desk"'
on_delete = "unlink"
)";

const PlatformId kCrm{"crm"};
const PlatformId kErp{"erp"};
const PlatformId kDesk{"desk"};
const FieldName kName{"name"};

class Decide : public testing::Test {
protected:
    Decide() : policy_(*parse_policy({{"test.toml", kPolicy}})) {
        state_.key = {ObjectName{"item"}, EntityId{"e1"}};
    }

    Change change(const PlatformId& from, Fields fields) {
        Change out;
        out.key = {from, ObjectName{"item"}, RecordId{from.text + "-1"}};
        out.rev = {1, ++revs_[from]};
        out.number = {{}, {1, out.rev.n}};
        out.fields = std::move(fields);
        out.seen_at = {++now_};
        return out;
    }
    Outcome outcome(const Command& command, Fields fields) {
        Outcome out;
        out.platform = command.platform;
        out.entity = command.entity;
        out.record = command.record.value_or(RecordId{command.platform.text + "-1"});
        out.rev = {1, ++revs_[command.platform]};
        out.generation = out.ledger_generation = command.generation;
        out.decided_at = command.decided_at;
        out.fields = std::move(fields);
        return out;
    }
    Change another(const PlatformId& from, const char* record, Fields fields) {
        Change out = change(from, std::move(fields));
        out.key.record = RecordId{record};
        return out;
    }
    Fields with(const char* field, const char* value) const {
        Fields out = full_;
        out.set(FieldName{field}, value);
        return out;
    }
    Operation act(OperationKind kind) const {
        Operation out;
        out.kind = kind;
        out.entity = state_.key;
        out.exception = state_.exceptions.at(0).kind;
        out.actor = "test";
        return out;
    }
    Step take(Input input) {
        const Context context{{now_ * 1'000'000'000}, {}, 7};
        Step step = decide(policy_, state_, {&input, 1}, context);
        state_ = step.next;
        // What is stored is what is decided on next time.
        EXPECT_EQ(*decode_entity(encode(state_)), state_);
        return step;
    }
    /// An entity that all three platforms hold alike.
    void settle(const Fields& fields) {
        answer(take(change(kCrm, fields)));
        for (const RecordState& record : state_.records) {
            ASSERT_FALSE(record.pending) << record.platform.text;
        }
    }
    /// Every command is carried out to the letter, and so on until there is none.
    void answer(Step step) {
        while (!step.commands.empty()) {
            const Command command = step.commands.front();
            std::vector<Command> rest(step.commands.begin() + 1, step.commands.end());
            step = take(outcome(command, command.fields));
            step.commands.insert(step.commands.end(), rest.begin(), rest.end());
        }
    }
    const Value& canonical(std::string_view name) {
        static const Value kAbsent;
        const CanonicalField* field = state_.find(FieldName{name});
        return field == nullptr ? kAbsent : field->value;
    }
    const Fields full_{{kName, "bolt"},
                       {FieldName{"stage"}, "draft"},
                       {FieldName{"price"}, *Decimal::parse("2.5")},
                       {FieldName{"note"}, "n"},
                       {FieldName{"colour"}, "red"},
                       {FieldName{"size"}, "M"},
                       {FieldName{"phone"}, "1"},
                       {FieldName{"rank"}, "a"}};

    Policy policy_;
    EntityState state_;
    std::map<PlatformId, std::uint64_t> revs_;
    std::int64_t now_ = 0;
};

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

TEST_F(Decide, HasAPersonSeeToAnotherRecord) {
    settle(full_);
    take(another(kErp, "erp-2", full_));
    ASSERT_EQ(state_.exceptions.size(), 1U);
    EXPECT_EQ(state_.exceptions[0].kind, exceptions::kSecondRecord);
    take(act(OperationKind::kRetry));
    EXPECT_EQ(state_.exceptions.size(), 1U) << "it is still there";
    take(act(OperationKind::kAccept));
    EXPECT_TRUE(state_.exceptions.empty());
    take(another(kErp, "erp-2", with("name", "changed")));
    EXPECT_TRUE(state_.exceptions.empty()) << "it was left apart";
    EXPECT_EQ(canonical("name"), Value{"bolt"});
}

TEST_F(Decide, LetsTheOtherRecordSucceedTheOneThatIsDeleted) {
    settle(full_);
    take(another(kErp, "erp-2", with("colour", "blue")));
    Change gone = change(kErp, {});
    gone.kind = ChangeKind::kDelete;
    const Step step = take(gone);
    const RecordState* erp = state_.record(kErp);
    EXPECT_EQ(erp->record, RecordId{"erp-2"});
    EXPECT_EQ(erp->presence, Presence::kPresent);
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(canonical("colour"), Value{"blue"});
    EXPECT_EQ(step.commands.size(), 1U) << "the other platform is told, and nothing is created";
}

TEST_F(Decide, ForgetsAnotherRecordThatIsDeleted) {
    settle(full_);
    take(another(kErp, "erp-2", full_));
    Change gone = another(kErp, "erp-2", {});
    gone.kind = ChangeKind::kDelete;
    take(gone);
    EXPECT_TRUE(state_.exceptions.empty());
    Change late = another(kErp, "erp-2", full_);
    late.rev = {1, gone.rev.n - 1};
    EXPECT_FALSE(take(late).changed) << "late news of what is gone";
    EXPECT_TRUE(state_.exceptions.empty());
}

TEST_F(Decide, SeesTheRecordThatALateCreateMade) {
    settle(full_);
    Command create;
    create.kind = CommandKind::kCreate;
    create.platform = kErp;
    create.entity = state_.key;
    create.generation = 1;
    Outcome late = outcome(create, full_);
    late.rev = {1, 1};  // Older than what is known of the record that stands for the entity.
    late.record = RecordId{"erp-9"};
    take(late);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    EXPECT_NE(state_.exceptions[0].reason.find("erp-9,"), std::string::npos);
    EXPECT_FALSE(take(late).changed);
}

TEST_F(Decide, DoesNotCarryOutADecisionOnWhatHasChangedSince) {
    settle(full_);
    take(another(kErp, "erp-2", full_));
    Operation accept = act(OperationKind::kAccept);
    accept.seen = state_.version;
    take(another(kErp, "erp-3", full_));
    take(accept);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    accept.seen = state_.version;
    take(accept);
    EXPECT_TRUE(state_.exceptions.empty());
}

TEST_F(Decide, ClaimsARecordOnceWhenItFirstStandsForTheEntity) {
    using Records = std::vector<RecordKey>;
    const ObjectName item{"item"};
    const Step founded = take(change(kCrm, full_));
    EXPECT_EQ(founded.links, (Records{{kCrm, item, RecordId{"crm-1"}}}));
    const Command& create = founded.commands.at(0);
    EXPECT_EQ(take(outcome(create, create.fields)).links,
              (Records{{kErp, item, RecordId{"erp-1"}}}));
    EXPECT_EQ(take(change(kErp, with("note", "new"))).links, Records{});
    EXPECT_EQ(take(another(kErp, "erp-2", full_)).links, Records{}) << "does not stand for it";
}

TEST_F(Decide, OutcomesMakeNoEntityUnlessTheyTellOfARecord) {
    Command command;
    command.platform = kCrm;
    command.entity = state_.key;
    command.generation = 4;
    EXPECT_FALSE(take(outcome(command, {})).changed);
    EXPECT_FALSE(take(outcome(command, {})).changed) << "nor the second";
    const Step step = take(outcome(command, full_));
    EXPECT_EQ(step.links.size(), 1U);
    EXPECT_EQ(state_.record(kCrm)->mirror, full_);
    EXPECT_EQ(state_.record(kCrm)->generation, 4U);
    EXPECT_EQ(step.commands.size(), 1U) << "the other platform is told";
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
    const Step first = take(change(kCrm, [&] {
        Fields f = full_;
        f.set(kName, "a");
        return f;
    }()));
    const Step second = take(change(kCrm, [&] {
        Fields f = full_;
        f.set(kName, "b");
        return f;
    }()));
    const Step step = take(outcome(first.commands.at(0), first.commands.at(0).fields));
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].generation, second.commands.at(0).generation);
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

TEST_F(Decide, DeletesEverywhereWhereTheFounderDeletes) {
    settle(full_);
    Change gone = change(kCrm, {});
    gone.kind = ChangeKind::kDelete;
    const Step step = take(gone);
    EXPECT_TRUE(state_.deleted);
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].kind, CommandKind::kDelete);
    answer(step);
    EXPECT_EQ(state_.record(kErp)->presence, Presence::kGone);
}

TEST_F(Decide, CreatesAgainWhatMustNotBeDeleted) {
    settle(full_);
    Change gone = change(kErp, {});
    gone.kind = ChangeKind::kDelete;
    const Step step = take(gone);
    EXPECT_FALSE(state_.deleted);
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].kind, CommandKind::kCreate);
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
