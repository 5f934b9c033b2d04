#include <algorithm>
#include <map>

#include "hub/core/handover.h"
#include "shared/wire/codec.h"
#include "tests/unit/hub/core/decide_fixture.h"

// Merge, unmerge, link, unlink: records go from one entity to another by a person's word.

namespace syncline::hub {
namespace {

/// Two entities, e1 and e2, of which one is in state_ and the other aside.
class Handing : public Decide {
protected:
    Handing() {
        at(kTwo).key = {state_.key.object, kTwo};
        state_.key.entity = kOne;
    }

    EntityState& at(const EntityId& entity) {
        return entity == state_.key.entity ? state_ : aside_[entity];
    }
    /// The entity that take() and the rest are about from now on.
    void look_at(const EntityId& entity) {
        const EntityId before = state_.key.entity;
        if (before == entity) return;
        aside_[before] = std::exchange(state_, aside_[entity]);
        state_.key = {ObjectName{"item"}, entity};
    }

    Operation operation(OperationKind kind, const EntityId& other = {}) {
        Operation out;
        out.kind = kind;
        out.entity = state_.key;
        out.id = "op-" + std::to_string(++operations_);
        out.actor = "anna";
        out.reason = "the same bolt";
        out.at = {now_};
        out.other = other;
        return out;
    }
    Operation on_record(OperationKind kind, const PlatformId& platform, const char* record) {
        Operation out = operation(kind);
        out.platform = platform;
        out.record = RecordId{record};
        return out;
    }
    /// Has `from` decide it and all that follows from it, commands aside.
    std::vector<Command> carry_out(const Operation& operation) {
        const EntityKey from = operation.entity;
        look_at(from.entity);
        const Step step = take(operation);
        std::vector<Command> commands = step.commands;
        for (const Handover& handover : step.handovers) {
            look_at(handover.to);
            const Step taken = take(Takeover{from, handover});
            commands.insert(commands.end(), taken.commands.begin(), taken.commands.end());
            look_at(from.entity);
            take(HandedOver{handover.id});
        }
        return commands;
    }
    /// e1 as all platforms hold it; e2 of one record of the ERP.
    void make_twins() {
        settle(full_);
        look_at(kTwo);
        take(another(kErp, "erp-2", with("colour", "blue")));
        look_at(kOne);
    }
    /// e1 of a record of the CRM, e2 of one of the ERP; neither has had its commands answered.
    void make_halves() {
        take(change(kCrm, full_));
        look_at(kTwo);
        take(another(kErp, "erp-2", with("colour", "blue")));
    }
    [[nodiscard]] bool says(std::string_view kind) const {
        return std::ranges::any_of(state_.exceptions,
                                   [&](const auto& open) { return open.kind == kind; });
    }

    const EntityId kOne{"e1"};
    const EntityId kTwo{"e2"};

private:
    std::map<EntityId, EntityState> aside_;
    int operations_ = 0;
};

TEST_F(Handing, MergesTwoHalvesIntoOne) {
    make_halves();
    const auto commands = carry_out(operation(OperationKind::kMerge, kOne));
    EXPECT_TRUE(at(kTwo).is_merged());
    EXPECT_EQ(at(kTwo).record(kErp)->record, std::nullopt);
    look_at(kOne);
    EXPECT_EQ(state_.record(kErp)->record, RecordId{"erp-2"});
    EXPECT_EQ(state_.record(kCrm)->record, RecordId{"crm-1"});
    EXPECT_EQ(canonical("colour"), Value{"blue"}) << "the owner's word";
    EXPECT_EQ(canonical("name"), Value{"bolt"});
    ASSERT_FALSE(commands.empty());
    for (const Command& command : commands) {
        EXPECT_EQ(command.kind, CommandKind::kUpdate) << "a create that is out is taken back";
    }
}

TEST_F(Handing, AMergedEntityTellsNobodyAnything) {
    make_halves();
    carry_out(operation(OperationKind::kMerge, kOne));
    const Step step = take(PolicyChanged{});
    EXPECT_TRUE(step.commands.empty());
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(state_.receiver_of(kErp, RecordId{"erp-2"}), kOne);
    EXPECT_EQ(state_.receiver_of(kCrm, RecordId{"whatever"}), kOne);
}

TEST_F(Handing, ASecondRecordOfAPlatformIsForAPerson) {
    make_twins();
    look_at(kTwo);
    carry_out(operation(OperationKind::kMerge, kOne));
    look_at(kOne);
    EXPECT_TRUE(says(exceptions::kSecondRecord));
    EXPECT_EQ(state_.record(kErp)->record, RecordId{"erp-1"});
    EXPECT_EQ(canonical("colour"), Value{"red"});
}

// Told again, as a hub that lost its place does.
TEST_F(Handing, AnAnswerOfBeforeBringsNoRecordBackThatWasGivenAway) {
    const Command create = take(change(kCrm, full_)).commands.at(0);
    const Outcome made = outcome(create, create.fields);
    take(made);
    carry_out(operation(OperationKind::kMerge, kTwo));
    look_at(kOne);
    ASSERT_EQ(state_.record(kErp)->presence, Presence::kUnlinked);
    EXPECT_FALSE(take(made).changed);
    EXPECT_EQ(state_.record(kErp)->presence, Presence::kUnlinked);
}

TEST_F(Handing, AsksAgainUntilTheRecordsHaveArrived) {
    make_halves();
    const Operation merge = operation(OperationKind::kMerge, kOne);
    const Step first = take(merge);
    ASSERT_EQ(first.handovers.size(), 1U);
    const Step again = take(merge);
    EXPECT_FALSE(again.changed);
    EXPECT_EQ(again.handovers, first.handovers);
    const Takeover takeover{state_.key, first.handovers[0]};
    look_at(kOne);
    EXPECT_TRUE(take(takeover).changed);
    EXPECT_FALSE(take(takeover).changed);
    look_at(kTwo);
    EXPECT_TRUE(take(HandedOver{merge.id}).changed);
    EXPECT_FALSE(take(HandedOver{merge.id}).changed);
    EXPECT_TRUE(take(merge).handovers.empty());
}

TEST_F(Handing, UnmergeGivesBothWhatTheyHad) {
    make_halves();
    const EntityState one = at(kOne);
    const EntityState two = at(kTwo);
    carry_out(operation(OperationKind::kMerge, kOne));
    look_at(kOne);
    answer({.commands = pending_commands(state_, {})});
    carry_out(operation(OperationKind::kUnmerge, kTwo));
    EXPECT_EQ(canonical("colour"), Value{"red"});
    EXPECT_EQ(state_.fields(), one.fields());
    EXPECT_EQ(state_.record(kErp)->record, std::nullopt);
    EXPECT_TRUE(state_.taken_in.empty());
    look_at(kTwo);
    EXPECT_FALSE(state_.is_merged());
    EXPECT_EQ(state_.record(kErp)->record, RecordId{"erp-2"});
    EXPECT_EQ(state_.fields(), two.fields());
    EXPECT_TRUE(state_.exceptions.empty());
}

TEST_F(Handing, ACreateInDoubtBeforeAMergeIsInDoubtAfterItIsUndone) {
    make_halves();
    look_at(kOne);
    const std::vector<Command> creates = pending_commands(state_, {});
    const auto create = std::ranges::find(creates, kErp, &Command::platform);
    ASSERT_NE(create, creates.end());
    take(in_doubt(*create));
    ASSERT_TRUE(says(exceptions::kInDoubt));
    look_at(kTwo);
    carry_out(operation(OperationKind::kMerge, kOne));
    look_at(kOne);
    EXPECT_FALSE(says(exceptions::kInDoubt)) << "it has a record there";
    const auto commands = carry_out(operation(OperationKind::kUnmerge, kTwo));
    EXPECT_TRUE(says(exceptions::kInDoubt)) << "nobody has found out";
    EXPECT_TRUE(std::ranges::none_of(
        commands, [](const Command& command) { return command.kind == CommandKind::kCreate; }));
    Operation retry = operation(OperationKind::kRetry);
    retry.exception = std::string_view{exceptions::kInDoubt};
    const Step settled = take(retry);
    ASSERT_EQ(settled.commands.size(), 1U);
    EXPECT_EQ(settled.commands[0].kind, CommandKind::kCreate) << "a person says that it was not";
}

TEST_F(Handing, AMergeThatIsUndoneIsNotDoneAgainByLateNewsOfIt) {
    make_halves();
    look_at(kTwo);
    const Step merged = take(operation(OperationKind::kMerge, kOne));
    const Takeover told{state_.key, merged.handovers.at(0)};
    look_at(kOne);
    take(told);
    carry_out(operation(OperationKind::kUnmerge, kTwo));
    look_at(kOne);
    const Step again = take(told);
    EXPECT_FALSE(again.changed);
    EXPECT_TRUE(again.replayed);
    // By another word they may be one again.
    look_at(kTwo);
    carry_out(operation(OperationKind::kMerge, kOne));
    look_at(kOne);
    EXPECT_EQ(state_.taken_in.size(), 1U);
}

TEST_F(Handing, UnmergeKeepsWhatHasComeSince) {
    make_halves();
    carry_out(operation(OperationKind::kMerge, kOne));
    look_at(kOne);
    answer({.commands = pending_commands(state_, {})});
    take(another(kErp, "erp-2", Fields{{FieldName{"colour"}, "green"}}));
    EXPECT_EQ(canonical("colour"), Value{"green"});
    carry_out(operation(OperationKind::kUnmerge, kTwo));
    EXPECT_EQ(canonical("colour"), Value{"green"}) << "not what the merge brought";
    look_at(kTwo);
    EXPECT_EQ(canonical("colour"), Value{"green"}) << "its owner says so";
}

TEST_F(Handing, UnlinkFoundsAnEntity) {
    settle(full_);
    const Step step = take(on_record(OperationKind::kUnlink, kErp, "erp-1"));
    EXPECT_TRUE(step.commands.empty()) << "the platform is not told to make another one";
    ASSERT_EQ(step.handovers.size(), 1U);
    const Handover handover = step.handovers[0];
    EXPECT_EQ(state_.record(kErp)->presence, Presence::kUnlinked);
    EXPECT_EQ(state_.receiver_of(kErp, RecordId{"erp-1"}), handover.to);
    const EntityKey from = state_.key;
    look_at(handover.to);
    const Step taken = take(Takeover{from, handover});
    EXPECT_TRUE(taken.founds);
    EXPECT_EQ(canonical("name"), Value{"bolt"}) << "also what we wrote there";
    ASSERT_EQ(taken.links.size(), 1U);
    EXPECT_EQ(taken.links[0].record, RecordId{"erp-1"});
    look_at(from.entity);
    take(HandedOver{handover.id});
    EXPECT_EQ(state_.receiver_of(kErp, RecordId{"erp-1"}), std::nullopt);
}

TEST_F(Handing, UnlinkOfASecondRecordLeavesTheFirst) {
    settle(full_);
    take(another(kErp, "erp-2", with("colour", "blue")));
    ASSERT_TRUE(says(exceptions::kSecondRecord));
    const Step step = take(on_record(OperationKind::kUnlink, kErp, "erp-2"));
    EXPECT_FALSE(says(exceptions::kSecondRecord));
    EXPECT_EQ(state_.record(kErp)->record, RecordId{"erp-1"});
    EXPECT_EQ(step.handovers.size(), 1U);
}

TEST_F(Handing, UnlinkOfTheFirstLetsTheSecondSucceed) {
    settle(full_);
    take(another(kErp, "erp-2", with("colour", "blue")));
    take(on_record(OperationKind::kUnlink, kErp, "erp-1"));
    EXPECT_EQ(state_.record(kErp)->record, RecordId{"erp-2"});
    EXPECT_EQ(canonical("colour"), Value{"blue"});
}

TEST_F(Handing, NoEntityIsFoundedWhereThePolicyDoesNotLetIt) {
    settle(with("name", "desk"));
    const Step step = take(on_record(OperationKind::kUnlink, kDesk, "desk-1"));
    EXPECT_TRUE(step.handovers.empty());
    EXPECT_NE(step.log.notes.at(0).find("found an entity"), std::string::npos);
    EXPECT_EQ(state_.record(kDesk)->record, RecordId{"desk-1"});
}

TEST_F(Handing, LinkMovesARecord) {
    make_halves();
    look_at(kOne);
    take(another(kErp, "erp-1", full_));
    look_at(kTwo);
    Operation link = on_record(OperationKind::kLink, kCrm, "crm-1");
    link.entity = at(kOne).key;
    link.other = kTwo;
    carry_out(link);
    EXPECT_EQ(at(kOne).record(kCrm)->presence, Presence::kUnlinked);
    EXPECT_FALSE(at(kOne).is_merged());
    EXPECT_EQ(at(kTwo).record(kCrm)->record, RecordId{"crm-1"});
}

TEST_F(Handing, LinkOfTheOnlyRecordIsAMerge) {
    make_halves();
    Operation link = on_record(OperationKind::kLink, kErp, "erp-2");
    link.other = kOne;
    carry_out(link);
    EXPECT_EQ(at(kTwo).merged_into, kOne);
    EXPECT_EQ(at(kOne).record(kErp)->record, RecordId{"erp-2"});
}

TEST_F(Handing, MergedInACircleNeitherIs) {
    make_halves();
    look_at(kOne);
    const EntityKey one = state_.key;
    const Step of_one = take(operation(OperationKind::kMerge, kTwo));
    look_at(kTwo);
    const EntityKey two = state_.key;
    const Step of_two = take(operation(OperationKind::kMerge, kOne));
    // Each is passed on by the other one, and comes home.
    take(Takeover{two, of_two.handovers.at(0)});
    EXPECT_FALSE(state_.is_merged());
    EXPECT_EQ(state_.record(kErp)->record, RecordId{"erp-2"});
    look_at(kOne);
    take(Takeover{one, of_one.handovers.at(0)});
    EXPECT_FALSE(state_.is_merged());
    EXPECT_EQ(state_.record(kCrm)->record, RecordId{"crm-1"});
    EXPECT_TRUE(state_.taken_in.empty());
}

TEST_F(Handing, MergedIntoEachOtherOneOfThemMayLive) {
    make_halves();
    look_at(kOne);
    const EntityKey one = state_.key;
    const Step of_one = take(operation(OperationKind::kMerge, kTwo));
    look_at(kTwo);
    const EntityKey two = state_.key;
    const Step of_two = take(operation(OperationKind::kMerge, kOne));
    take(Takeover{two, of_two.handovers.at(0)});
    take(Takeover{one, of_one.handovers.at(0)});
    EXPECT_EQ(at(kOne).merged_into, kTwo);
    EXPECT_EQ(state_.record(kErp)->record, RecordId{"erp-2"});
    EXPECT_EQ(state_.record(kCrm)->record, RecordId{"crm-1"});
}

TEST_F(Handing, RefusesWhatMakesNoSense) {
    make_halves();
    const auto refused = [&](const Operation& operation) {
        const Step step = take(operation);
        EXPECT_TRUE(step.handovers.empty());
        return step.log.notes.empty() ? std::string{} : step.log.notes[0];
    };
    const auto has = [](const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    };
    EXPECT_TRUE(has(refused(operation(OperationKind::kMerge, kTwo)), "the same entity"));
    EXPECT_TRUE(has(refused(operation(OperationKind::kMerge)), "not named"));
    EXPECT_TRUE(has(refused(operation(OperationKind::kUnmerge, kOne)), "not merged into it"));
    EXPECT_TRUE(has(refused(on_record(OperationKind::kUnlink, kErp, "erp-9")), "is not its"));
    carry_out(operation(OperationKind::kMerge, kOne));
    EXPECT_TRUE(has(refused(operation(OperationKind::kMerge, kOne)), "is merged into e1"));
}

TEST_F(Handing, AStrayRecordIsNotLinkedToAMergedEntity) {
    make_halves();
    carry_out(operation(OperationKind::kMerge, kOne));
    look_at(kTwo);
    Operation link = on_record(OperationKind::kLink, kDesk, "desk-7");
    Change stray = another(kDesk, "desk-7", with("colour", "red"));
    link.change = wire::encode(stray);
    const Step step = take(link);
    EXPECT_EQ(step.log.notes.at(0).find("desk record desk-7 not linked by anna: the same bolt: it "
                                        "is merged into e1"),
              0U);
    EXPECT_TRUE(all_records(state_).empty());
    EXPECT_TRUE(step.links.empty());
}

TEST_F(Handing, AnExceptionOfAMergedEntityIsSettledByWhoMerged) {
    make_halves();
    take(another(kErp, "erp-3", full_));
    ASSERT_TRUE(says(exceptions::kSecondRecord));
    const Step step = take(operation(OperationKind::kMerge, kOne));
    EXPECT_TRUE(state_.exceptions.empty());
    ASSERT_EQ(step.exceptions.size(), 1U);
    EXPECT_EQ(step.exceptions[0].by, "anna");
    EXPECT_EQ(step.handovers.at(0).records.size(), 2U);
}

}  // namespace
}  // namespace syncline::hub
