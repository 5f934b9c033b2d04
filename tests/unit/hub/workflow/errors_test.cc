#include "tests/unit/hub/workflow/fixture.h"

namespace syncline::hub::workflow {
namespace {

const std::string kRetry = "retry = { attempts = 3, first_ms = 1000, most_ms = 60000 }\n";

TEST_F(Runs, WhatMayPassIsTriedAgainWithinItsBudget) {
    use(workflow_w(step("a", "ask = 'erp.check'\n" + kRetry)));
    start();
    EXPECT_EQ(no_reply("a", ErrorClass::kUnavailable), Lines{});
    const Timestamp first = *step_.due;
    EXPECT_GT(first.ns, now_ + 99'000'000);
    EXPECT_LE(first.ns, now_ + 1'000'000'000);
    EXPECT_EQ(pass_to_due(), Lines{"ask erp.check #2"});
    EXPECT_EQ(request().key, "w/i/a");
    EXPECT_EQ(no_reply("a", ErrorClass::kUnavailable), Lines{});
    EXPECT_EQ(pass_to_due(), Lines{"ask erp.check #3"});
    EXPECT_EQ(no_reply("a", ErrorClass::kUnavailable, "503"),
              Lines{"opened workflow.step_failed at a"});
    EXPECT_EQ(state_.exceptions[0].reason,
              "step `a`: unavailable, 503, 3 times; retry it, skip it with a reason, or cancel");
    EXPECT_EQ(state_.status, Status::kRunning);
    EXPECT_FALSE(step_.due);
}

TEST_F(Runs, NoAnswerIsAFailureThatMayPass) {
    use(workflow_w(step("a", "ask = 'erp.check'\ndeadline_s = 5\n" + kRetry)));
    start();
    EXPECT_EQ(pass(5), Lines{});
    EXPECT_EQ(state_.frames[0].phase, Phase::kBackOff);
    EXPECT_EQ(pass_to_due(), Lines{"ask erp.check #2"});
    // The answer to the first one is late: what was asked again is answered soon.
    EXPECT_EQ(give(Reply{key("a"), 1, {}, {}, ""}), Lines{});
    EXPECT_EQ(reply("a"), Lines{});
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Runs, WaitsDifferBetweenInstancesAndNotBetweenTimesOfTheSame) {
    use(workflow_w(step("a", "ask = 'erp.check'\n" + kRetry)));
    const auto wait_of = [&](const std::string& id) {
        state_ = {};
        give(Start{id, WorkflowName{"w"}, "api", {{FieldName{"number"}, "C1"}}, "", ""});
        give(Reply{"w/" + id + "/a", 1, ErrorClass::kUnavailable, {}, ""});
        return step_.due->ns;
    };
    EXPECT_EQ(wait_of("i1"), wait_of("i1"));
    EXPECT_NE(wait_of("i1"), wait_of("i2"));
}

struct RecourseCase {
    const char* name;
    ErrorClass error;
    Lines effects;
    Status status;
};

TEST_F(Runs, EachClassOfErrorHasItsRecourse) {
    const RecourseCase cases[] = {
        {"pause", ErrorClass::kNotFound, {"opened workflow.step_failed at b"}, Status::kRunning},
        {"compensate",
         ErrorClass::kPermanent,
         {"undo operation erp.unmake"},
         Status::kCompensating},
        {"continue", ErrorClass::kDenied, {"ask erp.last"}, Status::kRunning},
    };
    for (const RecourseCase& row : cases) {
        use(workflow_w(step("a", operation("make")) +
                       step("b",
                            "ask = 'erp.check'\non_error = { permanent = 'compensate', denied "
                            "= 'continue' }") +
                       step("c", "ask = 'erp.last'")));
        state_ = {};
        start();
        applied("a", {{FieldName{"number"}, "m1"}});
        EXPECT_EQ(no_reply("b", row.error), row.effects) << row.name;
        EXPECT_EQ(state_.status, row.status) << row.name;
    }
}

TEST_F(Runs, AnOperationThatIsRefusedForGoodHasTheOthersUndone) {
    use(workflow_w(step("a", "operation = 'erp.make'\ncompensate = { operation = 'erp.unmake' }") +
                   step("b",
                        "operation = 'erp.book'\non_error = { permanent = 'compensate' }\n"
                        "compensate = 'none'\nbecause = 'a note'")));
    start();
    give(OperationOutcome{key("a"), 1});
    EXPECT_EQ(give(OperationOutcome{
                  key("b"), 1, OperationOutcome::What::kRefused, ErrorClass::kPermanent, {}, "no"}),
              Lines{"undo operation erp.unmake"});
    give(OperationOutcome{key("a") + "/undo", 1});
    EXPECT_EQ(state_.status, Status::kCompensated);
}

TEST_F(Runs, AnExpressionThatFailsIsForAPerson) {
    const std::pair<const char*, const char*> cases[] = {
        {"ask = 'erp.check'\nwith = { x = 'amount + 1' }", "cannot be begun: `x`: "},
        {"when = 'amount > 1'\nask = 'erp.check'", "cannot be begun: "},
        {"let = { made = 'amount + 1' }", "cannot be begun: `made`: "},
        {"let = { made = '1' }", "`made` must be text, not 1"},
        {"choose = [{ when = 'amount > 1', do = 'b' }]", "cannot be begun: "},
        {"for_each = { of = 'part', as = 'x', do = 'b', most = 5 }", "`of` is no list"},
        {"wait = { until = 'part' }", "`until` is no time"},
        {"wait = { event = 'e', key = 'part' }", "`key` of the event is empty"},
        {"emit = { event = 'e', fields = { x = 'amount + 1' } }", "cannot be begun: `x`: "},
        {"end = 'done'\nreason = 'amount + 1'", "cannot be begun: "},
        {"set = { object = 'case', key = 'part', fields = { amount = '1' } }\ncompensate = "
         "'none'\nbecause = 'b'",
         "`key` names no case"},
    };
    for (const auto& [text, told] : cases) {
        use(workflow_w(step("a", text) + block("b", "name = 'b1'\nend = 'failed'")));
        state_ = {};
        EXPECT_EQ(start(), (Lines{"opened workflow.step_failed at a", "is running"})) << text;
        ASSERT_EQ(state_.exceptions.size(), 1U) << text;
        EXPECT_NE(state_.exceptions[0].reason.find(told), std::string::npos)
            << state_.exceptions[0].reason;
    }
}

TEST_F(Runs, AFailedStepHoldsWhatStandsBesideIt) {
    use(workflow_w(
        step("both", "parallel = ['x', 'y']") + block("x", "name = 'x1'\nask = 'erp.x'") +
        block("x", "name = 'x2'\nask = 'erp.x2'") + block("y", "name = 'y1'\nask = 'erp.y'")));
    start();
    EXPECT_EQ(no_reply("both/y1", ErrorClass::kDenied),
              Lines{"opened workflow.step_failed at both/y1"});
    EXPECT_EQ(reply("both/x1"), Lines{});  // It is taken, and nothing new is begun.
    EXPECT_EQ(act(What::kSkip, "y1"), Lines{"refused: to skip needs a reason"});
    EXPECT_EQ(act(What::kSkip, "y1", "done by phone"),
              (Lines{"closed workflow.step_failed at both/y1", "ask erp.x2"}));
    EXPECT_EQ(step_.log.decided[0], "skips both/y1, by oscar: done by phone");
}

TEST_F(Runs, APauseKeepsNewStepsFromBeingBegun) {
    use(workflow_w(step("a", "ask = 'erp.check'\n" + kRetry) + step("b", "ask = 'erp.last'")));
    start();
    EXPECT_EQ(act(What::kResume), Lines{"refused: it is not paused; what is in doubt is told apart "
                                        "first"});
    EXPECT_EQ(act(What::kPause, "", "stocktaking"), Lines{});
    EXPECT_EQ(act(What::kPause), Lines{"refused: it is paused already"});
    EXPECT_EQ(no_reply("a", ErrorClass::kUnavailable), Lines{});
    EXPECT_FALSE(step_.due);  // What would be sent again waits with the rest.
    EXPECT_EQ(pass(3600), Lines{});
    EXPECT_EQ(act(What::kResume), Lines{});
    EXPECT_EQ(pass_to_due(), Lines{"ask erp.check #2"});
    act(What::kPause);
    EXPECT_EQ(reply("a"), Lines{});
    EXPECT_EQ(act(What::kResume), Lines{"ask erp.last"});
}

TEST_F(Runs, AResumeTriesWhatHasFailedAgain) {
    use(workflow_w(step("a", "ask = 'erp.check'\n" + kRetry)));
    start();
    no_reply("a", ErrorClass::kDenied);
    EXPECT_EQ(act(What::kResume), (Lines{"closed workflow.step_failed at a", "ask erp.check #2"}));
}

TEST_F(Runs, ARetryHasANewBudgetAndMayCorrectTheContext) {
    use(workflow_w(step("a", operation("make") + kRetry)));
    start({{kPart, "worng"}});
    refused("a", ErrorClass::kPermanent, "no such part");
    EXPECT_EQ(act(What::kRetry, "b"), Lines{"refused: no step b is being run"});
    EXPECT_EQ(act(What::kRetry), Lines{"refused: say which step"});
    EXPECT_EQ(act(What::kRetry, "a", "", {{kPart, 5}}),
              Lines{"refused: `part` must be text, not 5"});
    EXPECT_EQ(act(What::kRetry, "a", "typo", {{kPart, "right"}}),
              (Lines{"closed workflow.step_failed at a", "operation erp.make #2"}));
    EXPECT_EQ(request(1).key, "w/i/a");
    EXPECT_EQ(request(1).fields, (Fields{{kPart, "right"}}));
    EXPECT_EQ(act(What::kRetry, "a"), Lines{"refused: it has not failed"});
    EXPECT_EQ(refused("a", ErrorClass::kUnavailable), Lines{});
    EXPECT_EQ(pass_to_due(), Lines{"operation erp.make #3"});
    EXPECT_EQ(refused("a", ErrorClass::kUnavailable), Lines{});
    EXPECT_EQ(pass_to_due(), Lines{"operation erp.make #4"});
    EXPECT_EQ(refused("a", ErrorClass::kUnavailable), Lines{"opened workflow.step_failed at a"});
    // Somebody finds that it was done after all.
    EXPECT_EQ(applied("a", {{FieldName{"number"}, "m1"}}),
              Lines{"closed workflow.step_failed at a"});
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Runs, ASkipMayGiveWhatTheStepWouldHaveGiven) {
    use(workflow_w(step("a", operation("make")) +
                   step("b", "ask = 'erp.last'\nwith = { x = 'made' }")));
    start();
    EXPECT_EQ(act(What::kSkip, "a", "too slow"),
              Lines{"refused: what it asked for may be done at any time: wait for the answer, or "
                    "cancel"});
    refused("a", ErrorClass::kDenied);
    EXPECT_EQ(act(What::kSkip, "a", "made by hand", {{kMade, "m9"}}),
              (Lines{"closed workflow.step_failed at a", "ask erp.last"}));
    EXPECT_EQ(request(1).fields, (Fields{{FieldName{"x"}, "m9"}}));
    EXPECT_TRUE(state_.applied.empty());
    EXPECT_EQ(act(What::kSkip, "b", "no matter"), Lines{});  // An ask has no effect.
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Runs, WhatIsInDoubtIsToldApartByAPerson) {
    const std::string text =
        workflow_w(step("a", operation("make")) + step("b", "ask = 'erp.last'"));
    use(text);
    start();
    EXPECT_EQ(in_doubt("a"), Lines{"opened workflow.in_doubt at a"});
    EXPECT_EQ(act(What::kResume), Lines{"refused: it is not paused; what is in doubt is told apart "
                                        "first"});
    EXPECT_EQ(act(What::kApplied, "a", "seen", {{FieldName{"number"}, "m1"}}),
              (Lines{"closed workflow.in_doubt at a", "ask erp.last"}));
    EXPECT_EQ(value("made"), "\"m1\"");
    EXPECT_EQ(applied_paths(), Lines{"a"});
    EXPECT_EQ(act(What::kApplied, "b"), Lines{"refused: nobody doubts whether it was done"});

    state_ = {};
    start();
    in_doubt("a");
    EXPECT_EQ(act(What::kRetry, "a", "not there"),
              (Lines{"closed workflow.in_doubt at a", "operation erp.make #2"}));

    state_ = {};
    start();
    in_doubt("a");
    // The agent has looked itself.
    EXPECT_EQ(applied("a", {{FieldName{"number"}, "m1"}}),
              (Lines{"closed workflow.in_doubt at a", "ask erp.last"}));
}

TEST_F(Runs, AnAnswerThatDoesNotFitIsNoReasonToDoItAgain) {
    use(workflow_w(step("a", operation("make")) + step("b", "end = 'failed'")));
    start();
    EXPECT_EQ(applied("a", {{FieldName{"number"}, 5}}), Lines{"opened workflow.step_failed at a"});
    EXPECT_EQ(
        state_.exceptions[0].reason,
        "what came back from step `a` cannot be used: `made` must be text, not 5; it was done: "
        "say what it gave (applied), or skip that with a reason");
    EXPECT_EQ(act(What::kRetry, "a"),
              Lines{"refused: it was done already: say what it gave (applied), or skip that with a "
                    "reason"});
    EXPECT_EQ(act(What::kResume), Lines{"refused: it is not paused; what is in doubt is told apart "
                                        "first"});
    EXPECT_EQ(act(What::kApplied, "a", "", {{FieldName{"number"}, "m5"}}),
              (Lines{"closed workflow.step_failed at a", "undo operation erp.unmake"}));
    EXPECT_EQ(request(1).fields, (Fields{{FieldName{"number"}, "m5"}}));
    EXPECT_EQ(state_.applied.size(), 1U);
}

TEST_F(Runs, ARestartForgetsWhatCameAfter) {
    use(workflow_w(step("a", "ask = 'erp.a'\ninto = { second = 'x' }") +
                   step("b", operation("make")) + step("c", "ask = 'erp.c'")));
    start();
    reply("a", {{FieldName{"x"}, "one"}});
    EXPECT_EQ(act(What::kRestart, "a"),
              Lines{"refused: a step is out that may have its effect yet"});
    applied("b", {{FieldName{"number"}, "m1"}});
    EXPECT_EQ(act(What::kRestart, "a"),
              Lines{"refused: what came after has effects that are not undone: b"});
    EXPECT_EQ(act(What::kRestart, "zzz"),
              Lines{"refused: `zzz` is no step of the workflow itself"});
    EXPECT_EQ(act(What::kRestart, "c"), Lines{"ask erp.c"});
    EXPECT_EQ(request().key, "w/i/c~2");
    EXPECT_EQ(give(Reply{key("c"), 1, {}, {}, ""}), Lines{});  // What was asked before.
    act(What::kCancel);
    EXPECT_EQ(undone("b"), Lines{});
    EXPECT_EQ(state_.status, Status::kCompensated);
    EXPECT_EQ(act(What::kRestart, "a"), Lines{"ask erp.a"});
    EXPECT_EQ(state_.status, Status::kRunning);
    give(Reply{key("a~3"), 1, {}, {}, ""});
    EXPECT_EQ(request().key, "w/i/b~3");
}

TEST_F(Runs, AnActionThatComesAgainMuchLaterIsKnown) {
    use(workflow_w(step("a", "ask = 'erp.check'\n" + kRetry)));
    start();
    no_reply("a", ErrorClass::kDenied);
    const Input retry{"the retry", {now_}, Acted{What::kRetry, "oscar", "a"}};
    give(retry);
    no_reply("a", ErrorClass::kDenied);
    const Instance before = state_;
    EXPECT_EQ(lines_of(decide(policy_, state_, {{retry}}, {}).effects), Lines{});
    EXPECT_EQ(decide(policy_, state_, {{retry}}, {}).next, before);
}

TEST_F(Runs, WhatIsDoneCannotBeActedOn) {
    use(workflow_w(step("a", "ask = 'erp.check'")));
    start();
    reply("a");
    EXPECT_EQ(act(What::kPause), Lines{"refused: it is done already"});
    EXPECT_EQ(act(What::kCancel), Lines{"refused: it is done already"});
    EXPECT_EQ(act(What::kRestart, "a"), Lines{"refused: it is done already"});
    EXPECT_EQ(act(What::kMigrate), Lines{"refused: it is done already"});
    state_ = compact(state_);
    EXPECT_EQ(act(What::kRestart, "a"), Lines{"refused: only how it ended is kept of it"});
    EXPECT_EQ(event("e", "k"), Lines{});
    EXPECT_EQ(pass(5), Lines{});
}

TEST_F(Runs, AnOperationBeyondTheLimitOfEffectsIsRefused) {
    use(workflow_w(step("a", operation("make"))));
    start();
    Instance full = state_;
    full.applied.resize(limits::kAppliedMost);
    full.frames[0].phase = Phase::kReady;
    const Input tick{"", {now_}, Tick{}};
    EXPECT_EQ(lines_of(decide(policy_, full, {{tick}}, {}).effects),
              Lines{"opened workflow.too_large at a"});
}

}  // namespace
}  // namespace syncline::hub::workflow
