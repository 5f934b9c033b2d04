#include <algorithm>

#include "hub/core/input_name.h"
#include "tests/unit/hub/core/decide_fixture.h"

// Which record stands for the entity on a platform, and what becomes of it.

namespace syncline::hub {
namespace {

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
    const Change gone = deletion(kErp);
    const Step step = take(gone);
    const RecordState* erp = state_.record(kErp);
    EXPECT_EQ(erp->record, RecordId{"erp-2"});
    EXPECT_EQ(erp->presence, Presence::kPresent);
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(canonical("colour"), Value{"blue"});
    EXPECT_EQ(step.commands.size(), 1U) << "the other platform is told, and nothing is created";
}

TEST_F(Decide, LetsNoRecordOfAnotherEntitySucceed) {
    settle(full_);
    take(another(kErp, "erp-2", with("colour", "blue")));
    const Input gone = deletion(kErp);
    const Context informed{.foreign_records = {{kErp, ObjectName{"item"}, RecordId{"erp-2"}}}};
    const Step step = decide(policy_, state_, {&gone, 1}, informed);
    EXPECT_TRUE(step.links.empty());
    EXPECT_TRUE(step.next.exceptions.empty()) << "it is no second record of this entity";
    const RecordState* erp = step.next.record(kErp);
    EXPECT_NE(erp->record, RecordId{"erp-2"});
    EXPECT_NE(erp->presence, Presence::kPresent);
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

TEST_F(Decide, TakesNothingOfARecordThatIsGoneFromAnAnswerThatComesLate) {
    settle(full_);
    const Step changed = take(change(kCrm, with("name", "screw")));
    ASSERT_EQ(changed.commands.size(), 1U);
    const Step restoring = take(deletion(kErp));
    ASSERT_EQ(state_.record(kErp)->presence, Presence::kAbsent);
    for (const OutcomeStatus status : {OutcomeStatus::kConflict, OutcomeStatus::kRejected,
                                       OutcomeStatus::kGaveUp, OutcomeStatus::kInDoubt}) {
        // It may have become another entity's.
        Outcome late = outcome(changed.commands[0], with("colour", "blue"));
        late.status = status;
        take(late);
        EXPECT_TRUE(state_.record(kErp)->mirror.empty()) << static_cast<int>(status);
        EXPECT_TRUE(state_.record(kErp)->held.empty());
        EXPECT_TRUE(state_.exceptions.empty());
    }
    EXPECT_EQ(canonical("colour"), Value{"red"});
}

TEST_F(Decide, HasACommandGoOutAgainThatWasFencedWhileItsRecordBecameAnothers) {
    settle(full_);
    const Step changed = take(change(kCrm, with("name", "screw")));
    ASSERT_EQ(changed.commands.size(), 1U);
    Outcome fenced = outcome(changed.commands[0], {});
    fenced.status = OutcomeStatus::kFenced;
    fenced.rev = {};
    refuse_as_foreign(fenced);
    EXPECT_FALSE(fenced.record);
    const Step again = take(fenced);
    EXPECT_TRUE(state_.exceptions.empty()) << "nobody refused anything";
    ASSERT_EQ(again.commands.size(), 1U);
    EXPECT_EQ(again.commands[0].fields, changed.commands[0].fields);
    Outcome made = outcome(again.commands[0], full_);
    refuse_as_foreign(made);
    EXPECT_EQ(made.status, OutcomeStatus::kRejected);
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

TEST_F(Decide, ClaimsARecordWhenItFirstStandsForTheEntityAndWithNewsOfAnother) {
    using Records = std::vector<RecordKey>;
    const ObjectName item{"item"};
    const Step founded = take(change(kCrm, full_));
    EXPECT_EQ(founded.links, (Records{{kCrm, item, RecordId{"crm-1"}}}));
    const Command& create = founded.commands.at(0);
    EXPECT_EQ(take(outcome(create, create.fields)).links,
              (Records{{kErp, item, RecordId{"erp-1"}}}));
    EXPECT_EQ(take(change(kErp, with("note", "new"))).links, Records{});
    const Records other{{kErp, item, RecordId{"erp-2"}}};
    EXPECT_EQ(take(another(kErp, "erp-2", full_)).links, other) << "it may be another entity's";
    EXPECT_EQ(take(another(kErp, "erp-2", with("note", "x"))).links, other) << "by now";
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

TEST_F(Decide, DeletesEverywhereWhereTheFounderDeletes) {
    settle(full_);
    const Change gone = deletion(kCrm);
    const Step step = take(gone);
    EXPECT_TRUE(state_.deleted);
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].kind, CommandKind::kDelete);
    answer(step);
    EXPECT_EQ(state_.record(kErp)->presence, Presence::kGone);
}

TEST_F(Decide, CreatesAgainWhatMustNotBeDeleted) {
    settle(full_);
    const Change gone = deletion(kErp);
    const Step step = take(gone);
    EXPECT_FALSE(state_.deleted);
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].kind, CommandKind::kCreate);
}

TEST_F(Decide, TakesARecordThatIsToldAfterTheDeletionOfTheOneBefore) {
    settle(with("name", "desk"));
    const Fields desk{{kName, "desk"}, {FieldName{"stage"}, "draft"}};
    const Change second = another(kDesk, "desk-2", desk);
    const Change gone = deletion(kDesk);
    take(gone);
    ASSERT_EQ(state_.record(kDesk)->presence, Presence::kUnlinked);
    take(second);
    EXPECT_EQ(state_.record(kDesk)->presence, Presence::kPresent);
    EXPECT_EQ(state_.record(kDesk)->record, RecordId{"desk-2"});
    EXPECT_FALSE(take(gone).changed);
    EXPECT_EQ(state_.record(kDesk)->presence, Presence::kPresent);
}

TEST_F(Decide, TakesARecordThatWasMadeForItBeforeTheOneThatIsGone) {
    settle(with("name", "desk"));
    const Fields desk{{kName, "desk"}, {FieldName{"stage"}, "draft"}};
    Command create;
    create.kind = CommandKind::kCreate;
    create.platform = kDesk;
    create.entity = state_.key;
    create.generation = 1;
    Outcome made = outcome(create, desk);
    made.record = RecordId{"desk-2"};
    take(deletion(kDesk));
    ASSERT_EQ(state_.record(kDesk)->presence, Presence::kUnlinked);
    take(made);
    EXPECT_EQ(state_.record(kDesk)->presence, Presence::kPresent);
    EXPECT_EQ(state_.record(kDesk)->record, RecordId{"desk-2"});
    EXPECT_FALSE(take(made).changed);
}

// The agent takes it for told.
TEST_F(Decide, HearsByAnAnswerThatNothingWasDoneThatARecordIsBack) {
    settle(with("name", "desk"));
    const std::vector<Command> commands =
        take(change(kCrm, with({{"name", "desk"}, {"stage", "live"}}))).commands;
    const auto to_desk = std::ranges::find(commands, kDesk, &Command::platform);
    ASSERT_NE(to_desk, commands.end());
    take(deletion(kDesk));
    Outcome answer = outcome(*to_desk, {});
    answer.status = OutcomeStatus::kConflict;
    answer.deleted = true;
    take(answer);
    EXPECT_EQ(state_.record(kDesk)->presence, Presence::kUnlinked) << "it is not";
    answer = outcome(*to_desk, {{kName, "desk"}, {FieldName{"stage"}, "draft"}});
    answer.status = OutcomeStatus::kConflict;
    take(answer);
    EXPECT_EQ(state_.record(kDesk)->presence, Presence::kPresent);
    EXPECT_EQ(state_.record(kDesk)->mirror, answer.fields);
}

// What the record holds by a command of before is not what this state has had made.
TEST_F(Decide, TakesTheOwnersWordFromAnAnswerOfBeforeTheStatesWereLost) {
    const Command before = take(change(kCrm, full_)).commands.at(0);
    state_ = EntityState{.key = state_.key};
    revs_.clear();
    take(change(kCrm, with("colour", "blue")));
    take(change(kCrm, with({{"colour", "blue"}, {"stage", "live"}})));
    ASSERT_EQ(state_.record(kErp)->generation, 2U);
    take(carried_out(before));
    EXPECT_EQ(canonical("colour"), Value{"red"});
}

TEST_F(Decide, AnAnswerToWhatIsFollowedByNowIsNotTheOwnersWord) {
    const Command first = take(change(kCrm, full_)).commands.at(0);
    take(change(kCrm, with("stage", "live")));
    ASSERT_EQ(state_.record(kErp)->generation, 2U);
    take(change(kCrm, with({{"stage", "live"}, {"phone", "2"}})));
    ASSERT_EQ(state_.record(kErp)->generation, 3U);
    take(carried_out(first));
    EXPECT_EQ(canonical("stage"), Value{"live"});
}

// The create was in doubt, its record was linked by its key and deleted, and another one made.
TEST_F(Decide, AnAnswerOfBeforeTheRecordWasGoneIsNotTheOwnersWord) {
    const Command first = take(change(kCrm, full_)).commands.at(0);
    take(change(kErp, {{kName, "bolt"}}));
    take(change(kCrm, with("stage", "live")));
    take(deletion(kErp));
    ASSERT_EQ(state_.record(kErp)->presence, Presence::kAbsent);
    ASSERT_TRUE(state_.record(kErp)->pending);
    Outcome proven = carried_out(first);
    proven.record = RecordId{"erp-2"};
    take(proven);
    EXPECT_EQ(state_.record(kErp)->record, RecordId{"erp-2"});
    EXPECT_EQ(canonical("stage"), Value{"live"});
}

TEST_F(Decide, AnAnswerThatComesAfterTheDoubtIsNotTheOwnersWord) {
    const Command create = take(change(kCrm, full_)).commands.at(0);
    take(in_doubt(create));
    take(change(kCrm, with("stage", "live")));
    take(carried_out(create));
    EXPECT_EQ(canonical("stage"), Value{"live"});
}

TEST_F(Decide, ARefusalSaysNothingOfTheCommandsBeforeIt) {
    const Command first = take(change(kCrm, full_)).commands.at(0);
    const Command second = take(change(kCrm, with("stage", "live"))).commands.at(0);
    Outcome refused = outcome(second, {});
    refused.record.reset();
    refused.rev = {};
    refused.status = OutcomeStatus::kGaveUp;
    take(refused);
    take(carried_out(first));
    EXPECT_EQ(canonical("stage"), Value{"live"});
}

TEST_F(Decide, RemembersTheFirstOfManyCommandsWithoutAnAnswer) {
    const Command first = take(change(kCrm, full_)).commands.at(0);
    for (int i = 0; i < 80; ++i) {
        take(change(kCrm, with({{"stage", "live"}, {"phone", std::to_string(i).c_str()}})));
    }
    EXPECT_EQ(state_.record(kErp)->unanswered.size(), 64U);
    const Step step = take(carried_out(first));
    EXPECT_EQ(canonical("stage"), Value{"live"});
    answer(step);
    EXPECT_TRUE(state_.record(kErp)->unanswered.empty());
}

TEST_F(Decide, HearsOnceOfARecordThatIsGoneAndMadeAgain) {
    const Command create = take(change(kCrm, full_)).commands.at(0);
    const Outcome made = carried_out(create);
    take(made);
    take(deletion(kErp));
    ASSERT_EQ(state_.record(kErp)->presence, Presence::kAbsent);
    EXPECT_FALSE(take(made).changed);
}

TEST_F(Decide, AsksAboutARecordWhoseEndItHeardOfBeforeItsBeginningAlsoAfterAnotherOne) {
    std::string text = kPolicy;
    const std::string restore = "on_delete = \"restore\"";
    text.replace(text.find(restore), restore.size(), "on_delete = \"review\"");
    policy_ = *parse_policy({{"test.toml", text}});
    settle(full_);
    take(deletion(kErp));
    const Command create = take(act(OperationKind::kReject)).commands.at(0);
    Outcome made = carried_out(create);
    made.record = RecordId{"erp-2"};
    Change gone = another(kErp, "erp-2", {});
    gone.kind = ChangeKind::kDelete;
    take(gone);
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_TRUE(take(made).commands.empty())
        << "it is not created again before a person has said so";
    ASSERT_EQ(state_.exceptions.size(), 1U);
    EXPECT_EQ(state_.exceptions[0].kind, exceptions::kDeleteReview);
    take(made);
    EXPECT_EQ(state_.record(kErp)->presence, Presence::kGone) << "it is heard of by now";
}

TEST_F(Decide, AnAnswerAboutAnotherRecordDoesNotSayHowMuchIsKnownOfOurs) {
    settle(with("name", "desk"));
    const Command command = take(change(kCrm, with("name", "desk2"))).commands.at(0);
    take(deletion(kDesk));
    const Revision known = state_.record(kDesk)->rev;
    Outcome refused = outcome(command, {});
    refused.platform = kDesk;
    refused.record = RecordId{"desk-9"};
    refused.status = OutcomeStatus::kRejected;
    for (const Revision told : {Revision{1, known.n - 1}, Revision{1, known.n + 5}}) {
        refused.rev = told;
        take(refused);
        EXPECT_EQ(state_.record(kDesk)->rev, known);
    }
}

TEST_F(Decide, HearsOfTheHeirWhatIsOlderThanTheDeletion) {
    settle(full_);
    take(another(kErp, "erp-2", full_));
    const Change edit = another(kErp, "erp-2", with("note", "new"));
    const Change gone = deletion(kErp);
    take(gone);
    take(edit);
    EXPECT_EQ(canonical("note"), Value{"new"});
}

TEST_F(Decide, GoesOnWithARecordWhoseCreateWasInDoubt) {
    const Command create = take(change(kCrm, full_)).commands.at(0);
    const Outcome doubt = in_doubt(create);
    take(doubt);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    take(outcome(create, create.fields));
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(take(change(kCrm, with("name", "nut"))).commands.size(), 1U);
}

TEST_F(Decide, GoesOnWithARecordThatIsThereWhenItsCreateFails) {
    const Command create = take(change(kCrm, full_)).commands.at(0);
    const Outcome doubt = in_doubt(create);
    Input inputs[] = {change(kErp, full_), doubt};
    const Step step = decide(policy_, state_, inputs, {});
    EXPECT_TRUE(step.next.exceptions.empty());
    EXPECT_FALSE(step.next.record(kErp)->blocked);
}

TEST_F(Decide, KnowsOfARecordThatItIsGoneBeforeItHearsThatItWasMade) {
    const Command create = take(change(kCrm, full_)).commands.at(0);
    const Outcome made = outcome(create, create.fields);
    const Change gone = deletion(kErp);
    take(gone);
    EXPECT_NE(state_.record(kErp)->presence, Presence::kPresent);
    const Step step = take(made);
    EXPECT_EQ(state_.record(kErp)->presence, Presence::kAbsent) << "as the policy restores";
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].kind, CommandKind::kCreate);
    EXPECT_GT(step.commands[0].generation, create.generation);
}

TEST_F(Decide, KnowsOfARecordThatItIsGoneBeforeItHearsOfTheEntity) {
    const Change made = change(kCrm, full_);
    Change gone = deletion(kCrm);
    EXPECT_FALSE(take(gone).changed) << "of no entity";
    gone.entity = state_.key.entity;
    EXPECT_TRUE(take(gone).founds);
    EXPECT_TRUE(take(change(kErp, full_)).founds) << "still nothing but that one record is gone";
    EXPECT_FALSE(state_.deleted);
    take(made);
    EXPECT_TRUE(state_.deleted) << "as the policy propagates";
    EXPECT_FALSE(take(made).changed);
}

TEST_F(Decide, ClaimsARecordThatIsGoneAsItMayBeAnotherEntitysByNow) {
    settle(full_);
    Change gone = another(kCrm, "crm-9", {});
    gone.kind = ChangeKind::kDelete;
    EXPECT_EQ(take(gone).links, (std::vector<RecordKey>{gone.key}));
    EXPECT_TRUE(take(gone).links.empty()) << "once";
}

TEST_F(Decide, LearnsWhatAForgottenCommandDeleted) {
    settle(full_);
    Command forgotten;
    forgotten.kind = CommandKind::kDelete;
    forgotten.platform = kErp;
    forgotten.entity = state_.key;
    forgotten.record = RecordId{"erp-1"};
    Outcome gone = outcome(forgotten, {});
    gone.deleted = true;
    const Step step = take(gone);
    ASSERT_EQ(step.commands.size(), 1U) << "as the policy restores";
    EXPECT_EQ(step.commands[0].kind, CommandKind::kCreate);
}

TEST_F(Decide, RemembersThatAForgottenCommandDeletedARecordBesideItsOwn) {
    settle(full_);
    const Change told = another(kErp, "erp-9", full_);
    Command forgotten;
    forgotten.kind = CommandKind::kDelete;
    forgotten.platform = kErp;
    forgotten.entity = state_.key;
    forgotten.record = told.key.record;
    Outcome gone = outcome(forgotten, {});
    gone.deleted = true;
    EXPECT_EQ(take(gone).links, std::vector<RecordKey>{told.key});
    EXPECT_EQ(state_.record(kErp)->presence, Presence::kPresent);
    EXPECT_FALSE(take(told).changed) << "what it held is told late";
    EXPECT_TRUE(state_.exceptions.empty());
}

TEST_F(Decide, IsNotLaterByWhatAnAnswerTellsOfAnotherEntitysRecord) {
    settle(full_);
    const Revision before = state_.record(kErp)->rev;
    Command former;
    former.kind = CommandKind::kCreate;
    former.platform = kErp;
    former.entity = state_.key;
    Outcome answer = outcome(former, full_);
    answer.record = RecordId{"erp-9"};
    answer.rev = {before.epoch, before.n + 20};
    refuse_as_foreign(answer);
    take(answer);
    EXPECT_EQ(state_.record(kErp)->rev, before);
}

TEST_F(Decide, TellsOfALaterEpochThanItsInputs) {
    settle(full_);
    state_.record_or_new(kErp).rev.epoch = 5;
    using Epochs = std::vector<std::pair<PlatformId, std::uint64_t>>;
    EXPECT_EQ(take(change(kErp, full_)).epochs, (Epochs{{kErp, 5}}));
    EXPECT_EQ(take(change(kCrm, full_)).epochs, Epochs{});
}

TEST_F(Decide, TakesBackWhatAnOldCommandSetWhereNothingIsAgreed) {
    Fields none = full_;
    none.set(FieldName{"phone"}, Value{});
    settle(none);
    take(change(kErp, none));
    ASSERT_EQ(state_.find(FieldName{"phone"}), nullptr);
    Command old;
    old.platform = kErp;
    old.entity = state_.key;
    old.record = RecordId{"erp-1"};
    Outcome late = outcome(old, full_);
    late.as_commanded = {FieldName{"phone"}};
    const Step step = take(late);
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].platform, kErp);
    EXPECT_EQ(step.commands[0].fields, (Fields{{FieldName{"phone"}, Value{}}}));
}

TEST_F(Decide, TellsWhichRecordBroughtADeletedEntityBack) {
    settle(full_);
    const Change gone = deletion(kCrm);
    answer(take(gone));
    ASSERT_TRUE(state_.deleted);
    const Step step = take(change(kErp, full_));
    EXPECT_FALSE(state_.deleted);
    EXPECT_EQ(step.revived_by, (RecordKey{kErp, ObjectName{"item"}, RecordId{"erp-1"}}));
}

TEST_F(Decide, ShowsAKeyThatAnotherEntityHasUntilItIsFree) {
    policy_ =
        *parse_policy({{"test.toml", std::string{kPolicy} + "[[objects.item.match]]\n"
                                                            "name = \"name\"\non = [\"name\"]\n"}});
    settle(full_);
    const Input renamed = change(kCrm, with("name", "nut"));
    Step step = decide(policy_, state_, {&renamed, 1}, {});
    ASSERT_EQ(step.claims.size(), 1U);
    const Context informed{.foreign_keys = {{{step.claims[0], EntityId{"e2"}}}}};
    step = decide(policy_, state_, {&renamed, 1}, informed);
    EXPECT_TRUE(step.claims.empty()) << "it is not to be had";
    state_ = step.next;
    ASSERT_EQ(state_.exceptions.size(), 1U);
    EXPECT_EQ(state_.exceptions[0].kind, exceptions::kSharedKey);
    EXPECT_EQ(state_.exceptions[0].platform, kCrm) << "its value made the key";
    EXPECT_NE(state_.exceptions[0].reason.find("item e2"), std::string::npos);
    EXPECT_EQ(canonical("name"), Value{"nut"});

    const Input later = change(kErp, with("name", "nut"));
    step = decide(policy_, state_, {&later, 1}, informed);
    EXPECT_EQ(step.next.exceptions, state_.exceptions) << "told once";
    step = decide(policy_, state_, {&later, 1}, {});
    EXPECT_EQ(step.next.exceptions, state_.exceptions) << "whether it is free is not known yet";
    EXPECT_EQ(step.claims.size(), 1U) << "every decision tries to claim it";
    EXPECT_TRUE(step.keys_unsure);
    const Context free{.foreign_keys = std::vector<ForeignKey>{}};
    EXPECT_TRUE(decide(policy_, state_, {&later, 1}, free).next.exceptions.empty());
    const Input retry = act(OperationKind::kRetry);
    step = decide(policy_, state_, {&retry, 1}, {});
    EXPECT_TRUE(step.changed && step.keys_unsure);
    EXPECT_EQ(step.claims.size(), 1U);
}

TEST_F(Decide, ClaimsTheKeyThatASettledProposalMakes) {
    std::string text = kPolicy;
    const std::string rule = "fields = [\"size\"]\n";
    text.replace(text.find(rule), rule.size(),
                 rule +
                     "when = 'stage == \"live\"'\nowner = \"crm\"\notherwise = \"revert\"\n"
                     "[[objects.item.own]]\n" +
                     rule);
    text += "[[objects.item.match]]\nname = \"size\"\non = [\"size\"]\n";
    policy_ = *parse_policy({{"test.toml", text}});
    settle(full_);
    EXPECT_TRUE(take(change(kCrm, with("size", "L"))).claims.empty()) << "the owner is asked";
    Fields live = full_;
    live.set(FieldName{"stage"}, "live");
    const Step step = take(change(kErp, live));
    EXPECT_EQ(canonical("size"), Value{"L"}) << "who proposed it owns the field by now";
    EXPECT_EQ(step.claims.size(), 1U);
    EXPECT_EQ(step.releases.size(), 1U);
}

TEST_F(Decide, ClaimsTheRecordThatItHasDeleted) {
    settle(full_);
    const Step step = take(deletion(kCrm));
    ASSERT_FALSE(step.commands.empty());
    const auto command = std::ranges::find(step.commands, kErp, &Command::platform);
    ASSERT_NE(command, step.commands.end());
    ASSERT_EQ(command->kind, CommandKind::kDelete);
    Outcome done = outcome(*command, {});
    done.deleted = true;
    const std::vector<RecordKey> gone{{kErp, ObjectName{"item"}, *done.record}};
    EXPECT_EQ(take(done).links, gone) << "so that whoever has it by now hears of it";
}

}  // namespace
}  // namespace syncline::hub
