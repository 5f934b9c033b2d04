#include <algorithm>

#include "tests/unit/hub/core/decide_fixture.h"

// Erasure: nothing is kept of an entity, by a person's word.

namespace syncline::hub {
namespace {

using Phase = Forgotten::Phase;

class Forgetting : public Decide {
protected:
    Operation forget() {
        Operation out;
        out.kind = OperationKind::kForget;
        out.entity = state_.key;
        out.id = "op-" + std::to_string(++operations_);
        out.actor = "anna";
        out.reason = "art. 17";
        return out;
    }
    /// An entity that all have, and that was deleted everywhere.
    void delete_everywhere() {
        settle(full_);
        answer(take(deletion(kCrm)));
        ASSERT_TRUE(state_.deleted);
    }
    /// All agents have forgotten it.
    void agents_forget(const Step& step) {
        for (const Command& command : step.commands) {
            EXPECT_EQ(command.kind, CommandKind::kForget);
            Outcome done = outcome(command, {});
            done.rev = {};
            --revs_[command.platform];
            take(done);
        }
    }
    [[nodiscard]] static bool says(const Step& step, std::string_view text) {
        return std::ranges::any_of(step.log.notes, [&](const std::string& note) {
            return note.find(text) != std::string::npos;
        });
    }

    int operations_ = 0;
};

TEST_F(Forgetting, OneThatIsMergedGoesWithTheOneThatHasItsRecords) {
    settle(full_);
    take(merge_into("e2"));
    ASSERT_TRUE(state_.is_merged());
    take(HandedOver{"merge"});
    Operation alone = forget();
    const Step refused = take(alone);
    ASSERT_TRUE(refused.log.refused);
    EXPECT_EQ(refused.log.refused->operation, alone.id);
    EXPECT_TRUE(says(refused, "it is merged into e2; forget that one, and it goes too"));
    Operation with_it = forget();
    with_it.other = EntityId{"e2"};
    const Step step = take(with_it);
    EXPECT_FALSE(step.log.refused);
    agents_forget(step);
    EXPECT_TRUE(state_.is_to_erase());
    EXPECT_TRUE(state_.is_merged());
}

TEST_F(Forgetting, AnEntityThatIsDeletedLeavesNothingButThatItWas) {
    delete_everywhere();
    const std::string before = encode(state_);
    ASSERT_NE(before.find("bolt"), std::string::npos);
    const Step step = take(forget());
    EXPECT_TRUE(says(step, "forgotten by anna: art. 17"));
    EXPECT_EQ(step.commands.size(), 3U) << "also to desk, which has never had a record";
    agents_forget(step);
    EXPECT_TRUE(state_.is_to_erase());
    const std::string after = encode(state_);
    for (const char* value : {"bolt", "draft", "red"}) {
        EXPECT_EQ(after.find(value), std::string::npos) << value;
    }
    EXPECT_EQ(state_.record(kCrm)->record, RecordId{"crm-1"}) << "so that late news are known";
}

TEST_F(Forgetting, WhatAPlatformStillHasIsDeletedThereFirst) {
    settle(full_);
    const EntityState before = state_;
    const Step step = take(forget());
    EXPECT_TRUE(says(step, "no forget by anna: art. 17: crm still has record crm-1"));
    EXPECT_FALSE(state_.forgotten);
    EXPECT_EQ(state_.canonical, before.canonical);
    EXPECT_TRUE(step.commands.empty());
}

TEST_F(Forgetting, OfNothingNothingIsForgotten) {
    EXPECT_TRUE(says(take(forget()), "nothing is known of it"));
    EXPECT_FALSE(state_.forgotten);
}

TEST_F(Forgetting, WhatWasDecidedInTheSameStepIsNotLogged) {
    delete_everywhere();
    state_.deleted = false;  // As if its deletion were a person's to decide.
    Change late = another(kErp, "erp-2", with("name", "Ada Lovelace"));
    const Input inputs[] = {late, deletion(kErp), forget()};
    Change gone = std::get<Change>(inputs[1]);
    gone.key.record = RecordId{"erp-2"};
    const Input all[] = {late, gone, inputs[2]};
    const Step step = decide(policy_, state_, all, {{1}, {}, 7});
    ASSERT_TRUE(step.next.forgotten) << step.log.notes.front();
    for (const auto& outgoing : step.next.outbox) {
        if (!outgoing.exception.empty()) continue;
        EXPECT_EQ(outgoing.body.find("Lovelace"), std::string::npos);
    }
    EXPECT_EQ(encode(step.log).find("Lovelace"), std::string::npos);
}

TEST_F(Forgetting, TheStreamsComeAfterTheAgentsAndTheLogAfterTheStreams) {
    delete_everywhere();
    const Operation operation = forget();
    const Step step = take(operation);
    const std::uint64_t version = state_.version;
    EXPECT_EQ(state_.forgotten->version, version);
    take(Erased{operation.id, Phase::kStreams, 4, {1, 2}});
    EXPECT_EQ(state_.forgotten->phase, Phase::kStreams) << "agents have not forgotten it yet";
    agents_forget(step);
    const Step streams = take(Erased{operation.id, Phase::kStreams, 4, {1, 2}});
    EXPECT_EQ(state_.forgotten->phase, Phase::kLog);
    EXPECT_EQ(streams.log.erased, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_TRUE(state_.is_to_erase());
    EXPECT_TRUE(take(Erased{operation.id, Phase::kStreams, 0, {}}).replayed) << "told once more";
    EXPECT_EQ(state_.forgotten->log, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_TRUE(take(Erased{"op-99", Phase::kLog, 2, {}}).replayed);
    take(Erased{operation.id, Phase::kLog, 2, {}});
    EXPECT_EQ(state_.forgotten->phase, Phase::kDone);
    EXPECT_FALSE(state_.is_to_erase());
    EXPECT_TRUE(take(operation).replayed) << "the operation comes again";
}

TEST_F(Forgetting, LateNewsAreKnownAndANewLifeBegins) {
    const Change early = change(kCrm, full_);
    delete_everywhere();
    agents_forget(take(forget()));
    EXPECT_TRUE(take(early).replayed);
    EXPECT_TRUE(state_.canonical.empty());
    take(change(kCrm, with("name", "nut")));
    EXPECT_FALSE(state_.deleted);
    EXPECT_EQ(canonical("name"), Value{"nut"});
    EXPECT_TRUE(state_.is_to_erase()) << "what was before is still to be erased";
}

TEST_F(Forgetting, WhatIsWantedOfANewLifeIsToldOnceTheAgentHasForgotten) {
    delete_everywhere();
    const Step forgetting = take(forget());
    const Step back = take(change(kCrm, full_));
    EXPECT_TRUE(std::ranges::all_of(back.commands, [](const Command& command) {
        return command.kind == CommandKind::kForget;
    })) << "erp gets its record when its agent has answered";
    const auto to_erp = std::ranges::find(forgetting.commands, kErp, &Command::platform);
    ASSERT_NE(to_erp, forgetting.commands.end());
    Outcome done = outcome(*to_erp, {});
    done.rev = {};
    const Step then = take(done);
    ASSERT_EQ(then.commands.size(), 1U);
    EXPECT_EQ(then.commands[0].kind, CommandKind::kCreate);
}

TEST_F(Forgetting, AnAgentThatRefusesIsForAPersonAndRetried) {
    delete_everywhere();
    const Step step = take(forget());
    Outcome refused = outcome(step.commands.front(), {});
    refused.rev = {};
    refused.status = OutcomeStatus::kRejected;
    refused.reason = "of an older version";
    take(refused);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    EXPECT_FALSE(state_.is_to_erase());
    const Step again = take(act(OperationKind::kRetry));
    ASSERT_EQ(again.commands.size(), 1U);
    EXPECT_EQ(again.commands[0].kind, CommandKind::kForget);
    Outcome done = outcome(again.commands.front(), {});
    done.rev = {};
    take(done);
    EXPECT_TRUE(state_.exceptions.empty());
}

TEST_F(Forgetting, AStaleAnswerHasItToldAgain) {
    delete_everywhere();
    const Step step = take(forget());
    Outcome stale = outcome(step.commands.front(), {});
    stale.rev = {};
    stale.status = OutcomeStatus::kStale;
    stale.ledger_generation = 40;
    const Step again = take(stale);
    ASSERT_EQ(again.commands.size(), 1U);
    EXPECT_EQ(again.commands[0].kind, CommandKind::kForget);
    EXPECT_GT(again.commands[0].generation, 40U);
}

}  // namespace
}  // namespace syncline::hub
