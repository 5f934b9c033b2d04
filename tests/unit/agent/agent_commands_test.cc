// The way out: commands, their outcomes, doubt, and what a write means for reading.

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/agent/commands_fixture.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using Effect = ScriptedPlatform::Effect;

TEST_F(CommandsTest, AppliesAnUpdateAndTellsWhatTheRecordHolds) {
    begin();
    const Command command = world.update(1, "1", named("new"));
    world.send(command);
    world.run_seconds(10);
    const Outcome outcome = only_outcome();
    EXPECT_EQ(outcome.status, OutcomeStatus::kApplied);
    EXPECT_EQ(outcome.fields, named("new"));
    EXPECT_EQ(outcome.record, RecordId{"1"});
    EXPECT_EQ(outcome.number.partition, command.partition);
    EXPECT_EQ(outcome.rev.n, 2u) << "after the change";
    EXPECT_EQ(outcome.generation, 1u);
    EXPECT_EQ(name_of_record("1"), "new");
}

TEST_F(CommandsTest, SendsNoChangeForTheEchoOfItsOwnWrite) {
    begin();
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(120);
    EXPECT_EQ(world.outcomes().size(), 1u);
    EXPECT_EQ(world.changes().size(), 1u);
}

TEST_F(CommandsTest, ReadsBackAfterTheLagWhatAWriteDoesNotTell) {
    world.platform.tells_record = false;
    world.platform.the_traits.read_back_lag = 3s;
    begin();
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(2);
    EXPECT_TRUE(world.outcomes().empty());
    world.run_seconds(8);
    EXPECT_EQ(only_outcome().fields, named("new"));
    world.run_seconds(120);
    EXPECT_EQ(world.changes().size(), 1u) << "the echo";
}

TEST_F(CommandsTest, CreatesOnceAndNotesTheRecord) {
    begin();
    world.send(world.create(1, named("Zoe")));
    world.run_seconds(10);
    EXPECT_EQ(world.platform.finds, 1u) << "it looked before";
    EXPECT_EQ(world.platform.applied, 1u);
    const Outcome outcome = only_outcome();
    EXPECT_EQ(outcome.record, RecordId{"new-1"});
    EXPECT_EQ(outcome.rev.n, 2u) << "after the change";
    world.run_seconds(120);
    EXPECT_EQ(world.changes().size(), 1u) << "the echo of the create";
}

TEST_F(CommandsTest, TellsWhatTheRecordThatACreateFindsHolds) {
    world.platform.put("7", named("was"), EntityId{World::kEntity});
    begin();
    world.send(world.create(1, named("wanted")));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().record, RecordId{"7"});
    EXPECT_EQ(only_outcome().fields, named("was")) << "the hub decides what becomes of it";
    EXPECT_EQ(name_of_record("7"), "was");
    EXPECT_EQ(world.platform.records.size(), 2u);
}

TEST_F(CommandsTest, DeletesAndTakesAMissingRecordForDeleted) {
    begin();
    Command command = world.update(1, "1", {});
    command.kind = CommandKind::kDelete;
    world.send(command);
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_EQ(world.changes().size(), 1u) << "the delete's echo";
    command.generation = 2;
    world.send(command);
    world.run_seconds(10);
    EXPECT_EQ(world.outcomes().back().status, OutcomeStatus::kApplied);
}

TEST_F(CommandsTest, AnswersAnOldGenerationWithTheLedgers) {
    begin();
    world.send(world.update(5, "1", named("five")));
    world.run_seconds(10);
    world.send(world.update(4, "1", named("four")));
    world.run_seconds(10);
    const Outcome outcome = world.outcomes().back();
    EXPECT_EQ(outcome.status, OutcomeStatus::kStale);
    EXPECT_EQ(outcome.ledger_generation, 5u);
    EXPECT_EQ(outcome.rev, Revision{});
    EXPECT_EQ(name_of_record("1"), "five");
}

TEST_F(CommandsTest, RefusesACommandOfAnOlderHolderOfThePartition) {
    begin();
    Command newer = world.update(1, "1", named("one"));
    newer.fence = 9;
    world.send(newer);
    world.run_seconds(10);
    Command older = world.update(2, "1", named("two"));
    older.fence = 8;
    world.send(older);
    world.run_seconds(10);
    EXPECT_EQ(world.outcomes().back().status, OutcomeStatus::kFenced);
    EXPECT_EQ(world.platform.applied, 1u);
}

TEST_F(CommandsTest, LearnsFromReceiptsWhoHoldsAPartition) {
    begin();
    Command command = world.update(1, "1", named("one"));
    command.fence = 8;
    Receipt receipt;
    receipt.marks.push_back({command.partition, world.store->epoch(), 0, 9});
    world.send_receipt(receipt);
    world.run_seconds(1);
    world.send(command);
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kFenced);
    EXPECT_EQ(only_outcome().fence, 9u);
}

TEST_F(CommandsTest, CarriesOutOnlyTheNewestOfThoseThatWait) {
    begin();
    world.platform.holds_writes = true;
    world.send(world.update(1, "1", named("one")));
    world.run_seconds(1);
    for (std::uint64_t generation = 2; generation <= 5; ++generation) {
        world.send(world.update(generation, "1", named(std::to_string(generation).c_str())));
        world.run_seconds(1);
    }
    EXPECT_EQ(world.platform.writes.size(), 1u) << "one at a time for an entity";
    world.platform.release_writes();
    world.run_seconds(10);
    ASSERT_EQ(world.platform.writes.size(), 2u);
    EXPECT_EQ(world.platform.writes[1].generation, 5u);
    EXPECT_EQ(world.agent->status().commands.superseded, 3u);
}

TEST_F(CommandsTest, TellsAHubWhoseCommandIsOlderThanTheOneThatWaits) {
    begin();
    world.platform.holds_writes = true;
    world.send(world.update(1, "1", named("one")));
    world.run_seconds(1);
    world.send(world.update(7, "1", named("seven")));
    world.run_seconds(1);
    world.send(world.update(2, "1", named("two")));
    world.run_seconds(1);
    const Outcome refused = only_outcome();
    EXPECT_EQ(refused.status, OutcomeStatus::kStale);
    EXPECT_EQ(refused.generation, 2u);
    EXPECT_EQ(refused.ledger_generation, 7u);
    world.platform.release_writes();
    world.run_seconds(10);
    EXPECT_EQ(name_of_record("1"), "seven");
}

TEST_F(CommandsTest, WorksOnSeveralEntitiesAtOnceButNotOnMoreThanAllowed) {
    begin();
    world.settings.writing.concurrency = 4;
    world.platform.holds_writes = true;
    for (char c = 'a'; c < 'k'; ++c) {
        world.platform.put(std::string(1, c).c_str(), named("x"));
        world.send(
            world.update(1, std::string(1, c).c_str(), named("y"), std::string(24, c).c_str()));
    }
    world.run_seconds(10);
    EXPECT_EQ(world.platform.writes.size(), 4u);
    world.platform.release_writes();
    world.run_seconds(10);
    EXPECT_EQ(world.outcomes().size(), 10u);
}

struct FailureCase {
    const char* name;
    ErrorKind error;
    OutcomeStatus expected;
};
class FailureTest : public testing::TestWithParam<FailureCase> {};
TEST_P(FailureTest, IsToldToTheHub) {
    World world;
    world.platform.put("1", named("old"));
    world.start();
    world.run_seconds(1);
    world.receipt_all();  // No command is begun before the hub knows what is there.
    world.run_seconds(1);
    world.platform.scripts.push_back({Effect::kNone, GetParam().error});
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(10);
    ASSERT_EQ(world.outcomes().size(), 1u);
    const Outcome outcome = world.outcomes().front();
    EXPECT_EQ(outcome.status, GetParam().expected);
    EXPECT_EQ(outcome.reason, "scripted");
    EXPECT_EQ(world.platform.writes.size(), 1u);
    const bool tells = GetParam().expected == OutcomeStatus::kConflict;
    EXPECT_EQ(outcome.fields, tells ? named("old") : Fields{});
    EXPECT_EQ(outcome.rev.n, tells ? 2u : 0u);
}
INSTANTIATE_TEST_SUITE_P(
    Commands, FailureTest,
    testing::Values(FailureCase{"Invalid", ErrorKind::kInvalid, OutcomeStatus::kRejected},
                    FailureCase{"TooLarge", ErrorKind::kTooLarge, OutcomeStatus::kRejected},
                    FailureCase{"Unsupported", ErrorKind::kUnsupported, OutcomeStatus::kRejected},
                    FailureCase{"Conflict", ErrorKind::kConflict, OutcomeStatus::kConflict},
                    FailureCase{"NotFound", ErrorKind::kNotFound, OutcomeStatus::kGone}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST_F(CommandsTest, RetriesWhatCertainlyDidNotHappen) {
    begin();
    world.platform.scripts = {{Effect::kNone, ErrorKind::kUnavailable},
                              {Effect::kNone, ErrorKind::kUnavailable}};
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(60);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_EQ(world.platform.writes.size(), 3u);
}

TEST_F(CommandsTest, GivesUpWhenThePlatformWorksButThisCommandNeverDoes) {
    begin();
    world.settings.writing.budget.attempts_max = 8;
    for (int i = 0; i < 50; ++i) world.platform.scripts.push_back({});
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(3600);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kGaveUp);
    EXPECT_LE(world.platform.writes.size(), 12u);
}

TEST_F(CommandsTest, WaitsAsLongAsThePlatformAsks) {
    begin();
    world.platform.scripts.push_back({Effect::kNone, ErrorKind::kThrottled, 90s});
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(1);
    const auto reads = world.platform.reads;
    world.run_seconds(88);
    EXPECT_EQ(world.platform.writes.size(), 1u);
    EXPECT_EQ(world.platform.reads, reads) << "reading rests as well";
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
}

TEST_F(CommandsTest, DoesNotBelieveAnAbsurdPause) {
    begin();
    world.platform.scripts.push_back({Effect::kNone, ErrorKind::kThrottled, 24h * 365});
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(1000);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
}

TEST_F(CommandsTest, LeavesCommandsInTheStreamWhileThePlatformIsDown) {
    begin();
    world.platform.down = Error{ErrorKind::kUnavailable, "connection refused"};
    world.send(world.update(1, "1", named("one")));
    world.run_seconds(24 * 3600);
    EXPECT_TRUE(world.outcomes().empty()) << "a day without platform costs no command its life";
    EXPECT_FALSE(world.link.is_consuming() && world.agent->status().breaker == "open");
    world.send(world.update(2, "1", named("two")));
    const auto before = world.platform.writes.size();
    EXPECT_LT(before, 500u);
    world.platform.down.reset();
    world.run_seconds(600);
    EXPECT_EQ(only_outcome().generation, 2u) << "the newest only";
    EXPECT_EQ(name_of_record("1"), "two");
    EXPECT_EQ(world.agent->status().breaker, "closed");
}

TEST_F(CommandsTest, LetsOthersGoFirstAfterTheOneThatAlwaysFails) {
    begin();
    world.platform.put("2", named("old"));
    world.settings.reading.poll = 1h;
    world.platform.reads_fail = Error{ErrorKind::kUnavailable, "reads are down"};
    world.platform.scripts = {{}, {}, {}};  // Opens the breaker, which takes three here.
    world.send(world.update(1, "1", named("new"), std::string(24, 'a').c_str()));
    world.run_seconds(5);
    EXPECT_NE(world.agent->status().breaker, "closed");
    world.platform.scripts = {};
    world.send(world.update(1, "2", named("new"), std::string(24, 'b').c_str()));
    world.run_seconds(60);
    ASSERT_GE(world.platform.writes.size(), 2u);
    const auto first_after =
        std::find_if(world.platform.writes.begin(), world.platform.writes.end(),
                     [](const Command& command) { return command.record == RecordId{"2"}; });
    ASSERT_NE(first_after, world.platform.writes.end());
    EXPECT_EQ(first_after - world.platform.writes.begin(), 3);
    EXPECT_EQ(world.outcomes().size(), 2u);
}

TEST_F(CommandsTest, RestsWhenCredentialsAreRefusedAndGoesOnWhenTheyWork) {
    begin();
    world.platform.down = Error{ErrorKind::kDenied, "401"};
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(3600);
    EXPECT_TRUE(world.outcomes().empty());
    EXPECT_LE(world.platform.writes.size() + world.platform.reads, 130u) << "about once a minute";
    EXPECT_TRUE(world.agent->status().denied);
    world.platform.down.reset();
    world.run_seconds(300);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_FALSE(world.agent->status().denied);
}

TEST_F(CommandsTest, KeepsACommandThatCannotBeReadAndGoesOn) {
    begin();
    world.link.put_command("sync.cmd.crm.set.customer.x", "garbage");
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_EQ(world.store->rejects(), 1u);
}

TEST_F(CommandsTest, ReadsWhatItDidNotSpeakOnceItDoes) {
    begin();
    world.platform.put("2", named("old"));
    world.run_seconds(5);
    const Command later = world.update(1, "1", named("later"));
    world.send(later);
    const std::string body = world.link.commands.messages.back().body;
    world.link.commands.messages.back().body[2] = 2;  // Of version 2.
    world.send(world.update(1, "2", named("new"), "another"));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().record, RecordId{"2"}) << "others go on";
    EXPECT_EQ(world.store->rejects(), 1u);
    EXPECT_NE(std::ranges::find_if(world.notes,
                                   [](const std::string& note) {
                                       return note.find("wire version 2 is not spoken by") !=
                                              std::string::npos;
                                   }),
              world.notes.end());
    const auto applied = world.platform.applied;
    world.restart();  // The same program: nothing new, and nothing is done twice.
    world.run_seconds(60);
    EXPECT_EQ(world.platform.applied, applied);
    EXPECT_EQ(world.store->rejects(), 1u);
    for (auto& message : world.link.commands.messages) {
        if (message.body.at(2) == 2) message.body = body;  // A program that speaks it.
    }
    world.restart();
    world.run_seconds(60);
    EXPECT_EQ(world.platform.applied, applied + 1);
    EXPECT_EQ(name_of_record("1"), "later");
    EXPECT_EQ(name_of_record("2"), "new");
}

TEST_F(CommandsTest, StartsAgainAtTheBeginningOfANewCommandStream) {
    begin();
    world.send(world.update(1, "1", named("one")));
    world.run_seconds(10);
    world.link.commands = {.created = Timestamp{5'000}};
    world.send(world.update(2, "1", named("two")));
    world.run_seconds(20);
    EXPECT_EQ(name_of_record("1"), "two");
}

TEST_F(CommandsTest, ANewStoreLetsTheWritesOfTheFormerOneEndFirst) {
    world.platform.the_traits.read_back_lag = 5s;
    world.send(world.create(1, named("made")));
    begin();
    world.run_seconds(8);
    EXPECT_TRUE(world.outcomes().empty());
    world.restart();
    world.run_seconds(9);
    EXPECT_TRUE(world.outcomes().empty());
    world.run_seconds(2);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kStale);
}

// The store that was lost may have carried it out already.
TEST_F(CommandsTest, ANewStoreHasTheHubDecideAgainWhatStoodInTheStream) {
    world.send(world.create(1, named("made")));
    begin();
    world.run_seconds(10);
    const Outcome outcome = only_outcome();
    EXPECT_EQ(outcome.status, OutcomeStatus::kStale);
    EXPECT_EQ(outcome.generation, 1u);
    EXPECT_EQ(world.platform.applied, 0u);
    world.send(world.create(1, named("made")));  // A hub that does not know that it was stored.
    world.run_seconds(10);
    ASSERT_EQ(world.outcomes().size(), 2u);
    EXPECT_EQ(world.outcomes().back().status, OutcomeStatus::kStale);
    EXPECT_EQ(world.platform.applied, 0u);
    world.send(world.create(2, named("made")));
    world.run_seconds(10);
    EXPECT_EQ(world.platform.applied, 1u);
    world.restart();
    world.run_seconds(10);
    EXPECT_EQ(world.platform.applied, 1u);
}

// Nothing of its length tells that the stream went back: it has grown as far again.
TEST_F(CommandsTest, CarriesOutWhatTookTheNumbersOfLostCommands) {
    begin();
    world.platform.put("2", named("old"));
    world.run_seconds(10);
    const MemoryLink::Stream before = world.link.commands;
    world.send(world.update(1, "1", named("one")));
    world.run_seconds(10);
    world.kill();
    world.link.commands = before;
    world.send(world.update(1, "2", named("two"), "other"));
    world.start();
    world.run_seconds(20);
    EXPECT_EQ(name_of_record("2"), "two");
}

// ---- Doubt ----------------------------------------------------------------------------------

TEST_F(CommandsTest, ReadsBackAnUpdateWithoutAnswerAndFindsItApplied) {
    begin();
    world.platform.scripts.push_back({Effect::kApplied, ErrorKind::kAmbiguous});
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_EQ(world.platform.writes.size(), 1u);
}

TEST_F(CommandsTest, WritesAgainAnUpdateThatTurnsOutNotApplied) {
    begin();
    world.platform.scripts.push_back({Effect::kNone, ErrorKind::kAmbiguous});
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_EQ(world.platform.writes.size(), 2u);
}

TEST_F(CommandsTest, LeavesAnEditAloneThatCameAfterAWriteWithoutAnswer) {
    begin();
    world.platform.the_traits.read_back_lag = 3s;
    world.platform.scripts.push_back({Effect::kApplied, ErrorKind::kAmbiguous});
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(1);
    world.platform.put("1", named("edited"));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kConflict);
    EXPECT_EQ(only_outcome().fields, named("edited"));
    EXPECT_EQ(name_of_record("1"), "edited");
}

TEST_F(CommandsTest, DoesNothingForACommandThatOnlyTakesAnothersPlace) {
    begin();
    world.send(world.update(1, "1", {}));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_TRUE(world.platform.writes.empty());
}

TEST_F(CommandsTest, ComparesInTheNormalFormOfThePlatform) {
    begin();
    world.platform.normaliser = [](const Fields& fields) {
        Fields upper = fields;
        upper.set(FieldName{"name"}, "NEW");
        return upper;
    };
    world.platform.scripts.push_back({Effect::kApplied, ErrorKind::kAmbiguous});
    world.send(world.update(1, "1", named("new")));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().fields, named("NEW"));
    EXPECT_EQ(world.platform.writes.size(), 1u);
}

TEST_F(CommandsTest, FindsByItsMarkerTheRecordOfACreateWithoutAnswer) {
    begin();
    world.platform.scripts.push_back({Effect::kApplied, ErrorKind::kAmbiguous});
    world.send(world.create(1, named("Zoe")));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_EQ(only_outcome().record, RecordId{"new-1"});
    EXPECT_EQ(world.platform.applied, 1u);
}

TEST_F(CommandsTest, MakesACreateAgainOnlyAfterTwoLooksApart) {
    world.platform.the_traits.read_back_lag = 5s;
    begin();
    world.platform.scripts.push_back({Effect::kNone, ErrorKind::kAmbiguous});
    world.send(world.create(1, named("Zoe")));
    world.run_seconds(9);
    EXPECT_EQ(world.platform.writes.size(), 1u);
    EXPECT_EQ(world.agent->status().commands.in_doubt, 1u);
    world.run_seconds(10);
    EXPECT_EQ(world.platform.finds, 3u) << "one before, two after";
    EXPECT_EQ(world.platform.applied, 1u);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
}

TEST_F(CommandsTest, SimplyRepeatsACreateThatThePlatformMakesOnce) {
    world.platform.the_traits = {.create_is_idempotent = true};
    begin();
    world.platform.scripts.push_back({Effect::kApplied, ErrorKind::kAmbiguous});
    world.send(world.create(1, named("Zoe")));
    world.run_seconds(10);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_EQ(world.platform.records.size(), 2u);
}

TEST_F(CommandsTest, HandsADoubtThatNobodyCanClearUpToAPerson) {
    world.platform.the_traits = {.read_back_lag = 5s};
    begin();
    world.platform.scripts.push_back({Effect::kApplied, ErrorKind::kAmbiguous});
    world.send(world.create(1, named("Zoe")));
    world.run_seconds(4);
    EXPECT_TRUE(world.outcomes().empty()) << "it may still be under way";
    world.run_seconds(600);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kInDoubt);
    EXPECT_EQ(world.platform.writes.size(), 1u);
}

TEST_F(CommandsTest, StaysInDoubtWhileThePlatformCannotBeAsked) {
    world.platform.the_traits.read_back_lag = 5s;
    begin();
    world.platform.scripts.push_back({Effect::kApplied, ErrorKind::kAmbiguous});
    world.send(world.create(1, named("Zoe")));
    world.run_seconds(1);
    ASSERT_EQ(world.platform.writes.size(), 1u);
    world.platform.reads_fail = Error{ErrorKind::kUnavailable, "down"};
    world.run_seconds(24 * 3600);
    EXPECT_TRUE(world.outcomes().empty());
    EXPECT_EQ(world.agent->status().commands.in_doubt, 1u);
    world.platform.reads_fail.reset();
    world.run_seconds(900);
    EXPECT_EQ(only_outcome().status, OutcomeStatus::kApplied);
    EXPECT_EQ(world.platform.applied, 1u);
}

// ---- Reads beside writes --------------------------------------------------------------------

TEST_F(CommandsTest, DoesNotBelieveAReadThatBeganBeforeTheWriteWasDone) {
    begin();
    world.platform.put("1", named("edited"));
    world.platform.holds_reads = true;
    world.run_seconds(10);  // The batch says "edited" and is under way.
    world.send(world.update(1, "1", named("commanded")));
    world.run_seconds(1);
    ASSERT_EQ(world.outcomes().size(), 1u);
    world.platform.release_reads();
    world.run_seconds(120);
    EXPECT_EQ(world.changes().size(), 1u) << "\"edited\" was read before and is gone now";
    EXPECT_GE(world.platform.fetches, 1u);
}

TEST_F(CommandsTest, HoldsBackReadsWhileAWriteIsUnderWay) {
    begin();
    world.platform.holds_writes = true;
    world.send(world.update(1, "1", named("commanded")));
    world.run_seconds(1);
    world.platform.put("1", named("edited after"));
    world.run_seconds(20);
    EXPECT_EQ(world.changes().size(), 1u);
    world.platform.release_writes();
    world.run_seconds(20);
    ASSERT_EQ(world.changes().size(), 2u);
    EXPECT_EQ(world.changes()[1].fields, named("edited after"));
    EXPECT_EQ(world.outcomes()[0].rev.n, 2u);
    EXPECT_EQ(world.changes()[1].rev.n, 3u);
}

TEST_F(CommandsTest, BringsAnEditThatFollowsAWriteAtOnce) {
    begin();
    world.send(world.update(1, "1", named("commanded")));
    world.run_seconds(1);
    world.platform.put("1", named("edited"));
    world.run_seconds(20);
    ASSERT_EQ(world.changes().size(), 2u);
    EXPECT_EQ(world.changes()[1].fields, named("edited"));
}

TEST_F(CommandsTest, TellsTheOutcomeOfACreateBeforeAChangeOfItsRecord) {
    world.platform.the_traits = {.create_is_idempotent = true};
    world.platform.marks = false;
    begin();
    world.platform.holds_writes = true;
    world.send(world.create(1, named("Zoe")));
    world.run_seconds(20);  // Reads the new record, which nobody knows yet.
    ASSERT_EQ(world.platform.records.size(), 2u);
    EXPECT_EQ(world.changes().size(), 1u);
    world.platform.release_writes();
    world.run_seconds(20);
    EXPECT_EQ(world.outcomes().size(), 1u);
    EXPECT_EQ(world.changes().size(), 1u) << "the outcome has said it all";
}

TEST_F(CommandsTest, SendsChangesOfACommandedRecordToTheEntitysHome) {
    begin();
    world.auto_receipts = true;
    const Command command = world.update(1, "1", named("new"));
    world.send(command);
    world.run_seconds(5);
    world.platform.put("1", named("edited"));
    world.run_seconds(20);
    ASSERT_EQ(world.changes().size(), 2u);
    EXPECT_EQ(world.changes()[1].number.partition, command.partition);
    EXPECT_EQ(world.changes()[1].entity, command.entity.entity);
}

}  // namespace
}  // namespace syncline::test
