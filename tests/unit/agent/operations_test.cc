// Operations of workflows: each is carried out once, whatever happens on the way.

#include "agent/operations.h"

#include <gtest/gtest.h>

#include "shared/base/json.h"
#include "tests/unit/agent/world.h"

namespace syncline::test {
namespace {

using agent::OnDoubt;
using Deed = ScriptedOperations::Effect;
using Moment = agent::SyncPoints::Moment;
using What = OperationResult::What;
using namespace std::chrono_literals;

constexpr const char* kKey = "flow/i1/make";

class OperationsTest : public testing::Test {
protected:
    OperationsTest() {
        world.declare_operation("look", OnDoubt::kLook);
        world.declare_operation("tell", OnDoubt::kTell);
        world.auto_receipts = true;
    }
    void begin() {
        world.start();
        world.run_seconds(1);
    }
    [[nodiscard]] OperationResult only_result() const {
        const auto results = world.results();
        EXPECT_EQ(results.size(), 1u);
        return results.empty() ? OperationResult{} : results.front();
    }
    [[nodiscard]] auto status() const { return world.agent->status().operations; }
    int& effects(const char* key = kKey) { return world.operations.effects[key]; }
    /// What the platform answers next, and whether it does it.
    void script(ErrorKind error, Deed effect = Deed::kNone, Duration pause = 0s) {
        world.operations.scripts.push_back({effect, error, pause});
    }
    World world;
};

TEST_F(OperationsTest, AreCarriedOutAndTold) {
    begin();
    const OperationCall call = world.call(kKey);
    world.send(call);
    world.run_seconds(1);
    ASSERT_EQ(world.operations.calls.size(), 1u);
    EXPECT_EQ(world.operations.calls[0].name, "make");
    EXPECT_EQ(world.operations.calls[0].key, kKey);
    EXPECT_EQ(world.operations.calls[0].input, call.input);
    const OperationResult result = only_result();
    EXPECT_EQ(result.platform, call.platform);
    EXPECT_EQ(result.key, kKey);
    EXPECT_EQ(result.attempt, 1u);
    EXPECT_EQ(result.what, What::kApplied);
    EXPECT_EQ(result.fields, (Fields{{FieldName{"number"}, "F-1"}}));
    EXPECT_EQ(result.text, "");
    EXPECT_EQ(result.trace, "t");
    EXPECT_EQ(result.number.partition, call.partition);
    EXPECT_EQ(result.number.seq.n, 1u);
    EXPECT_EQ(world.link.input.messages.back().subject,
              subjects::operation_result(call.platform, call.partition, kKey));
    EXPECT_EQ(status().applied, 1u);
    EXPECT_EQ(world.agent->status().commands.position, 1u);
}

TEST_F(OperationsTest, AreAnsweredAgainWithoutBeingDoneAgain) {
    begin();
    world.send(world.call(kKey));
    world.run_seconds(1);
    world.send(world.call(kKey));
    world.run_seconds(1);
    world.send(world.call(kKey, "make", 7));
    world.run_seconds(5);  // The position is stored a moment later.
    world.restart();
    world.run_seconds(10);
    const auto results = world.results();
    ASSERT_EQ(results.size(), 3u);
    for (const OperationResult& result : results) {
        EXPECT_EQ(result.what, What::kApplied);
        EXPECT_EQ(result.fields, results[0].fields);
        EXPECT_EQ(result.done_at, results[0].done_at);
    }
    EXPECT_EQ(results[1].attempt, 1u);
    EXPECT_EQ(results[2].attempt, 7u);
    EXPECT_EQ(effects(), 1);
    EXPECT_EQ(world.operations.calls.size(), 1u);
}

TEST_F(OperationsTest, WhatIsRefusedIsDoneAgainOnlyIfANewAttemptIsAskedFor) {
    begin();
    script(ErrorKind::kInvalid);
    world.send(world.call(kKey, "tell"));
    world.run_seconds(1);
    world.send(world.call(kKey, "tell"));
    world.run_seconds(1);
    ASSERT_EQ(world.results().size(), 2u);
    EXPECT_EQ(world.operations.calls.size(), 1u);
    for (const OperationResult& result : world.results()) EXPECT_EQ(result.what, What::kRefused);
    world.send(world.call(kKey, "tell", 3));
    world.run_seconds(1);
    ASSERT_EQ(world.results().size(), 3u);
    EXPECT_EQ(world.results()[2].what, What::kApplied);
    EXPECT_EQ(world.results()[2].attempt, 3u);
    EXPECT_EQ(effects(), 1);
}

TEST_F(OperationsTest, AnOlderAttemptIsNotHeardAnyMore) {
    begin();
    script(ErrorKind::kInvalid);
    world.send(world.call(kKey, "tell", 2));
    world.run_seconds(1);
    world.send(world.call(kKey, "tell", 1));
    world.run_seconds(1);
    EXPECT_EQ(only_result().attempt, 2u);
    EXPECT_EQ(world.operations.calls.size(), 1u);
    EXPECT_EQ(world.agent->status().commands.position, 2u);
}

struct RefusalCase {
    const char* name;
    ErrorKind error;
    ErrorClass told;
};
class Refusals : public OperationsTest, public testing::WithParamInterface<RefusalCase> {};
TEST_P(Refusals, AreToldByTheirClass) {
    begin();
    script(GetParam().error);
    world.send(world.call(kKey));
    world.run_seconds(1);
    EXPECT_EQ(only_result().what, What::kRefused);
    EXPECT_EQ(only_result().error, GetParam().told);
    EXPECT_EQ(only_result().text, "scripted");
    EXPECT_EQ(status().refused, 1u);
}
INSTANTIATE_TEST_SUITE_P(
    Operations, Refusals,
    testing::Values(RefusalCase{"invalid", ErrorKind::kInvalid, ErrorClass::kPermanent},
                    RefusalCase{"conflict", ErrorKind::kConflict, ErrorClass::kPermanent},
                    RefusalCase{"unsupported", ErrorKind::kUnsupported, ErrorClass::kPermanent},
                    RefusalCase{"too_large", ErrorKind::kTooLarge, ErrorClass::kPermanent},
                    RefusalCase{"not_found", ErrorKind::kNotFound, ErrorClass::kNotFound}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST_F(OperationsTest, AreRefusedIfNobodyDeclaredThemOrTheirInputDoesNotConform) {
    begin();
    world.send(world.call("flow/i1/a", "nothing"));
    OperationCall bad = world.call("flow/i1/b");
    bad.input.set(FieldName{"size"}, 1);
    world.send(bad);
    world.run_seconds(1);
    const auto results = world.results();
    ASSERT_EQ(results.size(), 2u);
    EXPECT_TRUE(world.operations.calls.empty());
    EXPECT_EQ(results[0].what, What::kRefused);
    EXPECT_NE(results[0].text.find("no operation `nothing`"), std::string::npos);
    EXPECT_EQ(results[1].what, What::kRefused);
    EXPECT_NE(results[1].text.find("there is no field `size`"), std::string::npos)
        << results[1].text;
}

TEST_F(OperationsTest, AnAnswerThatDoesNotConformIsAppliedAllTheSame) {
    FieldSpec total;
    total.name = FieldName{"total"};
    total.type = FieldType::kDecimal;
    world.settings.operating.operations[0].form.output.push_back(total);
    world.operations.answer = Value::Map{{"number", "F-1"}, {"total", "much"}, {"more", 1}};
    begin();
    world.send(world.call(kKey));
    world.run_seconds(1);
    EXPECT_EQ(only_result().what, What::kApplied);
    EXPECT_EQ(only_result().fields, (Fields{{FieldName{"number"}, "F-1"}}));
    EXPECT_NE(only_result().text.find("not as declared"), std::string::npos);
}

TEST_F(OperationsTest, AnAnswerThatIsTooLargeIsAppliedWithoutIt) {
    world.settings.spool.message_bytes = 1'024;
    world.operations.answer = Value::Map{{"number", std::string(2'000, 'x')}};
    begin();
    world.send(world.call(kKey));
    world.run_seconds(1);
    EXPECT_EQ(only_result().what, What::kApplied);
    EXPECT_TRUE(only_result().fields.empty());
    EXPECT_NE(only_result().text.find("larger"), std::string::npos);
}

TEST_F(OperationsTest, WaitForAPlatformThatIsDownForAsLongAsItTakes) {
    begin();
    world.operations.down = Error{ErrorKind::kUnavailable, "no route"};
    world.send(world.call(kKey, "tell"));
    world.run(std::chrono::hours{10});
    EXPECT_TRUE(world.results().empty());
    EXPECT_EQ(status().waiting, 1u);
    EXPECT_EQ(status().last_error, "no route");
    EXPECT_NE(world.link.presences.back().find("\"operations_waiting\":1"), std::string::npos);
    const std::size_t calls = world.operations.calls.size();
    EXPECT_LT(calls, 600u) << "it is left alone in between";
    world.restart();
    world.run_seconds(60);
    EXPECT_TRUE(world.results().empty()) << "nothing happened, so there is no doubt";
    world.operations.down.reset();
    world.run(6min);
    EXPECT_EQ(only_result().what, What::kApplied);
    EXPECT_EQ(effects(), 1);
}

TEST_F(OperationsTest, DoNotKeepCommandsFromAPlatformThatRefusesOnlyThem) {
    world.platform.put("1", {{FieldName{"name"}, "old"}});
    begin();
    world.operations.down = Error{ErrorKind::kUnavailable, "no route"};
    for (const char* key : {"flow/i1/a", "flow/i2/a", "flow/i3/a"}) world.send(world.call(key));
    world.run_seconds(30);
    world.send(world.update(1, "1", {{FieldName{"name"}, "new"}}));
    world.run_seconds(1);
    EXPECT_EQ(world.agent->status().commands.applied, 1u);
}

TEST_F(OperationsTest, HeedThePausesOfThePlatformAndItsBreaker) {
    begin();
    script(ErrorKind::kThrottled, Deed::kNone, 30s);
    world.send(world.call(kKey, "tell"));
    world.run_seconds(29);
    EXPECT_EQ(world.operations.calls.size(), 1u);
    world.run_seconds(10);
    EXPECT_EQ(only_result().what, What::kApplied);
    // The platform's writes fail: what it is asked for waits as well.
    world.platform.down = Error{ErrorKind::kUnavailable, "no route"};
    for (int i = 0; i < 3; ++i) {
        const std::string entity(24, static_cast<char>('a' + i));
        world.send(world.create(1, {{FieldName{"name"}, "x"}}, entity.c_str()));
    }
    world.run_seconds(3);
    ASSERT_EQ(world.agent->status().breaker, "open");
    const std::size_t calls = world.operations.calls.size();
    world.send(world.call("flow/i2/make", "tell"));
    world.run_seconds(1);
    EXPECT_EQ(world.operations.calls.size(), calls);
    world.platform.down.reset();
    world.run(10min);
    EXPECT_EQ(effects("flow/i2/make"), 1);
}

TEST_F(OperationsTest, WaitWhileThePlatformRefusesTheCredentials) {
    begin();
    script(ErrorKind::kDenied);
    world.send(world.call(kKey, "tell"));
    world.run_seconds(30);
    EXPECT_TRUE(world.results().empty());
    EXPECT_TRUE(world.agent->status().denied);
    EXPECT_EQ(status().waiting, 1u);
    world.run_seconds(60);
    EXPECT_EQ(only_result().what, What::kApplied);
    EXPECT_FALSE(world.agent->status().denied);
}

TEST_F(OperationsTest, RunAFewAtATimeTheOldestFirst) {
    world.settings.writing.concurrency = 2;
    begin();
    world.operations.holds = true;
    for (const char* key : {"flow/i1/a", "flow/i2/a", "flow/i3/a", "flow/i1/b"}) {
        world.send(world.call(key));
    }
    world.run_seconds(1);
    ASSERT_EQ(world.operations.calls.size(), 2u);
    EXPECT_EQ(world.operations.calls[0].key, "flow/i1/a");
    EXPECT_EQ(world.operations.calls[1].key, "flow/i2/a");
    EXPECT_EQ(status().running, 2u);
    EXPECT_EQ(status().waiting, 2u);
    EXPECT_FALSE(world.agent->is_quiet());
    world.operations.release();
    world.run_seconds(1);
    ASSERT_EQ(world.operations.calls.size(), 4u);
    EXPECT_EQ(world.operations.calls[2].key, "flow/i3/a");
    EXPECT_EQ(world.results().size(), 4u);
}

TEST_F(OperationsTest, OneOfAKeyAtATime) {
    begin();
    world.operations.holds = true;
    world.send(world.call(kKey, "tell"));
    world.run_seconds(1);
    world.send(world.call(kKey, "tell", 2));
    world.run_seconds(1);
    EXPECT_EQ(world.operations.calls.size(), 1u);
    world.operations.release();
    world.run_seconds(1);
    EXPECT_EQ(only_result().attempt, 2u) << "what the first one did is what the second wanted";
    EXPECT_EQ(effects(), 1);
}

TEST_F(OperationsTest, ALaterAttemptFollowsARefusalThatIsOnItsWay) {
    begin();
    world.operations.holds = true;
    script(ErrorKind::kInvalid);
    world.send(world.call(kKey, "tell"));
    world.run_seconds(1);
    world.send(world.call(kKey, "tell", 2));
    world.run_seconds(1);
    world.operations.release();
    world.run_seconds(1);
    EXPECT_EQ(only_result().what, What::kApplied);
    EXPECT_EQ(only_result().attempt, 2u);
    EXPECT_EQ(world.operations.calls.size(), 2u);
}

// ---- In doubt -------------------------------------------------------------------------------

TEST_F(OperationsTest, ALostAnswerIsClearedUpByAskingAgainWherePlatformsKnowKeys) {
    world.operations.knows_keys = true;
    begin();
    script(ErrorKind::kAmbiguous, Deed::kApplied);
    script(ErrorKind::kUnavailable);
    world.send(world.call(kKey));
    world.run_seconds(2);
    EXPECT_EQ(status().in_doubt, 1u);
    world.run_seconds(60);
    EXPECT_EQ(only_result().what, What::kApplied);
    EXPECT_EQ(world.operations.calls.size(), 3u);
    EXPECT_EQ(effects(), 1);
}

TEST_F(OperationsTest, ALostAnswerIsClearedUpByLookingWhereThatCanBeDone) {
    for (const Deed effect : {Deed::kNone, Deed::kApplied}) {
        World fresh;
        fresh.declare_operation("look", OnDoubt::kLook);
        fresh.auto_receipts = true;
        fresh.start();
        fresh.run_seconds(1);
        fresh.operations.scripts.push_back({effect, ErrorKind::kAmbiguous});
        fresh.operations.find_errors = {ErrorKind::kUnavailable};
        fresh.send(fresh.call(kKey, "look"));
        fresh.run_seconds(4);
        EXPECT_TRUE(fresh.operations.looks.empty()) << "it may still be on its way";
        fresh.run_seconds(60);
        ASSERT_EQ(fresh.results().size(), 1u);
        EXPECT_EQ(fresh.results()[0].what, What::kApplied);
        EXPECT_EQ(fresh.results()[0].fields, (Fields{{FieldName{"number"}, "F-1"}}));
        EXPECT_EQ(fresh.operations.looks.size(), 2u);
        EXPECT_EQ(fresh.operations.calls.size(), effect == Deed::kNone ? 2u : 1u);
        EXPECT_EQ(fresh.operations.effects[kKey], 1);
    }
}

TEST_F(OperationsTest, ALostAnswerIsToldAsInDoubtWhereNothingElseCanBeDone) {
    begin();
    script(ErrorKind::kAmbiguous, Deed::kApplied);
    world.send(world.call(kKey, "tell"));
    world.run_seconds(20);
    EXPECT_EQ(only_result().what, What::kInDoubt);
    EXPECT_NE(only_result().text.find("look at the platform"), std::string::npos);
    EXPECT_EQ(status().told_in_doubt, 1u);
    EXPECT_EQ(status().in_doubt, 0u);
    world.send(world.call(kKey, "tell"));
    world.run_seconds(20);
    ASSERT_EQ(world.results().size(), 2u);
    EXPECT_EQ(world.results()[1].what, What::kInDoubt);
    EXPECT_EQ(world.operations.calls.size(), 1u);
    world.send(world.call(kKey, "tell", 2));  // Somebody has looked: it was not done.
    world.run_seconds(20);
    ASSERT_EQ(world.results().size(), 3u);
    EXPECT_EQ(world.results()[2].what, What::kApplied);
    EXPECT_EQ(world.operations.calls.size(), 2u);
}

TEST_F(OperationsTest, WhatCannotBeLookedForIsInDoubt) {
    begin();
    script(ErrorKind::kAmbiguous, Deed::kApplied);
    world.operations.find_errors = {ErrorKind::kInvalid};
    world.send(world.call(kKey, "look"));
    world.run_seconds(20);
    EXPECT_EQ(only_result().what, What::kInDoubt);
    EXPECT_EQ(effects(), 1);
}

TEST_F(OperationsTest, AConflictWithWhatMayBeItsOwnEffectIsNoRefusal) {
    begin();
    script(ErrorKind::kAmbiguous, Deed::kApplied);
    script(ErrorKind::kConflict);
    world.send(world.call(kKey));
    world.run_seconds(30);
    EXPECT_EQ(only_result().what, What::kInDoubt);
}

TEST_F(OperationsTest, AfterARestartWhatWasOnItsWayIsClearedUp) {
    struct Case {
        const char* operation;
        Deed effect;
        What told;
        std::size_t calls;
    };
    for (const Case& one : {Case{"make", Deed::kNone, What::kApplied, 2},
                            {"make", Deed::kApplied, What::kApplied, 2},
                            {"look", Deed::kNone, What::kApplied, 2},
                            {"look", Deed::kApplied, What::kApplied, 1},
                            {"tell", Deed::kNone, What::kInDoubt, 1},
                            {"tell", Deed::kApplied, What::kInDoubt, 1}}) {
        World fresh;
        fresh.declare_operation("look", OnDoubt::kLook);
        fresh.declare_operation("tell", OnDoubt::kTell);
        fresh.auto_receipts = true;
        fresh.operations.knows_keys = true;
        fresh.start();
        fresh.run_seconds(1);
        fresh.operations.holds = true;
        if (one.effect == Deed::kNone) {
            fresh.operations.scripts.push_back({one.effect, ErrorKind::kAmbiguous});
        }
        fresh.send(fresh.call(kKey, one.operation));
        fresh.run_seconds(1);
        fresh.operations.holds = false;
        fresh.restart();
        fresh.run_seconds(30);
        ASSERT_EQ(fresh.results().size(), 1u) << one.operation;
        EXPECT_EQ(fresh.results()[0].what, one.told) << one.operation;
        EXPECT_EQ(fresh.operations.calls.size(), one.calls) << one.operation;
        if (one.told == What::kApplied) {
            EXPECT_EQ(fresh.operations.effects[kKey], 1) << one.operation;
        }
    }
}

// ---- Each crash -----------------------------------------------------------------------------

class OperationCrash
    : public testing::TestWithParam<std::tuple<const char*, const char*, Moment, Deed>> {};

TEST_P(OperationCrash, DoesNothingTwiceAndLosesNothing) {
    const auto& [operation, point, moment, effect] = GetParam();
    World world;
    world.declare_operation("look", OnDoubt::kLook);
    world.declare_operation("tell", OnDoubt::kTell);
    world.auto_receipts = true;
    world.operations.knows_keys = std::string{"make"} == operation;
    if (effect == Deed::kNone) world.operations.scripts.push_back({effect});  // Not now.
    world.points.point = point;
    world.points.moment = moment;
    world.start();
    world.live(1);
    world.send(world.call(kKey, operation));
    world.live(120);
    EXPECT_EQ(world.crashes, 1);
    ASSERT_FALSE(world.results().empty());
    EXPECT_LE(world.operations.effects[kKey], 1);
    for (const OperationResult& result : world.results()) {
        EXPECT_EQ(result.what, world.results()[0].what);
        if (std::string{"tell"} != operation) {
            EXPECT_EQ(result.what, What::kApplied);
        }
        if (result.what == What::kApplied) {
            EXPECT_EQ(world.operations.effects[kKey], 1);
        }
    }
    EXPECT_EQ(world.agent->status().commands.position, 1u);
    EXPECT_EQ(world.store->waiting_entries(), 0u);
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, OperationCrash,
                         testing::Combine(testing::Values("make", "look", "tell"),
                                          testing::Values("O1", "O2", "O3", "O4", "O5", "A3", "C7"),
                                          testing::Values(Moment::kBefore, Moment::kAfter),
                                          testing::Values(Deed::kNone, Deed::kApplied)),
                         [](const auto& row) {
                             return std::string{std::get<0>(row.param)} + std::get<1>(row.param) +
                                    (std::get<2>(row.param) == Moment::kBefore ? "Before"
                                                                               : "After") +
                                    (std::get<3>(row.param) == Deed::kNone ? "Later" : "AtOnce");
                         });

// ---- The stream and the store ---------------------------------------------------------------

TEST_F(OperationsTest, ThePositionDoesNotPassWhatTheStoreDoesNotHave) {
    begin();
    world.points.point = "A3";
    world.points.moment = Moment::kBefore;
    world.send(world.call(kKey));
    ASSERT_TRUE(world.run_until_crash(5));
    world.start();
    const auto position = world.store->transaction([](agent::Transaction& transaction) {
        EXPECT_EQ(transaction.number(agent::keys::kCommandsPosition), 0u);
        EXPECT_FALSE(transaction.operation(kKey));
    });
    ASSERT_TRUE(position);
    world.run_seconds(5);
    EXPECT_EQ(only_result().what, What::kApplied);
    EXPECT_EQ(effects(), 1);
}

TEST_F(OperationsTest, AStreamReadAgainDoesNothingAgain) {
    begin();
    world.send(world.call("flow/i1/a", "tell"));
    world.send(world.call("flow/i2/a", "tell"));
    world.run_seconds(2);
    world.link.commands.created = Timestamp{2'000};
    world.run_seconds(20);
    EXPECT_EQ(world.operations.calls.size(), 2u);
    EXPECT_EQ(world.results().size(), 4u);
    EXPECT_EQ(world.agent->status().commands.position, 2u);
}

TEST_F(OperationsTest, WhatALostStoreWasAskedForIsInDoubt) {
    begin();
    world.send(world.call("flow/i1/a", "tell"));
    world.send(world.call("flow/i2/a", "look"));
    world.run_seconds(2);
    ASSERT_EQ(world.results().size(), 2u);
    world.kill();
    std::filesystem::remove(world.folder + "/store");
    std::filesystem::remove(world.folder + "/store-wal");
    world.start();
    world.run_seconds(60);
    const auto results = world.results();
    ASSERT_EQ(results.size(), 4u);
    std::map<std::string, What> told;
    for (const OperationResult& result : results) told[result.key] = result.what;
    EXPECT_EQ(told["flow/i1/a"], What::kInDoubt);
    EXPECT_EQ(told["flow/i2/a"], What::kApplied);
    EXPECT_EQ(world.operations.calls.size(), 2u);
}

TEST_F(OperationsTest, AreForgottenAfterTheirTimeButNotBeforeTheReceipt) {
    world.settings.operating.retention = std::chrono::hours{48};
    const auto is_known = [&](const char* key) {
        bool known = false;
        EXPECT_TRUE(world.store->transaction([&](agent::Transaction& transaction) {
            known = transaction.operation(key).has_value();
        }));
        return known;
    };
    begin();
    world.send(world.call("flow/i1/done"));
    world.run_seconds(5);
    world.auto_receipts = false;
    world.send(world.call("flow/i2/done"));
    world.run_seconds(5);
    world.operations.down = Error{ErrorKind::kUnavailable, "no route"};
    world.send(world.call("flow/i3/waits"));
    world.run(std::chrono::hours{47});
    EXPECT_TRUE(is_known("flow/i1/done"));
    world.run(std::chrono::hours{3});
    EXPECT_FALSE(is_known("flow/i1/done"));
    EXPECT_TRUE(is_known("flow/i2/done"));
    world.receipt_all();
    world.run(std::chrono::hours{2});
    EXPECT_FALSE(is_known("flow/i2/done"));
    EXPECT_TRUE(is_known("flow/i3/waits"));
    EXPECT_EQ(status().waiting, 1u);
}

TEST_F(OperationsTest, WhatMayHaveBeenForgottenIsNotDoneAgain) {
    world.settings.operating.retention = std::chrono::hours{48};
    begin();
    world.link.commands.messages.push_back(
        {++world.link.commands.last, subjects::operation_call(PlatformId{"crm"}, kKey),
         wire::encode(world.call(kKey)), world.clock.now() - std::chrono::hours{48}});
    world.run_seconds(30);
    EXPECT_EQ(only_result().what, What::kInDoubt);
    EXPECT_TRUE(world.operations.calls.empty());
}

TEST_F(OperationsTest, ResultsGoToTheNewHomeWhenTheNumberOfPartitionsChanges) {
    world.auto_receipts = false;
    begin();
    world.send(world.call(kKey));
    world.run_seconds(2);
    ASSERT_EQ(world.results().size(), 1u);
    world.link.partitions = 64;
    world.run_seconds(30);
    const OperationResult result = world.results().back();
    EXPECT_EQ(result.number.partition, instance_partition("i1", 64));
    EXPECT_EQ(result.what, What::kApplied);
    EXPECT_EQ(effects(), 1);
}

TEST_F(OperationsTest, WhatCannotBeReadIsKeptAside) {
    begin();
    world.link.put_command(subjects::operation_call(PlatformId{"crm"}, kKey), "\x01");
    OperationCall other = world.call(kKey);
    other.platform = PlatformId{"erp"};
    world.link.put_command(subjects::operation_call(PlatformId{"crm"}, "flow/i2/a"),
                           wire::encode(other));
    world.run_seconds(2);
    EXPECT_EQ(world.store->rejects(), 2u);
    EXPECT_TRUE(world.results().empty());
    EXPECT_EQ(world.agent->status().commands.position, 2u);
}

}  // namespace
}  // namespace syncline::test
