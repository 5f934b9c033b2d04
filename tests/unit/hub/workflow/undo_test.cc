#include "tests/unit/hub/workflow/fixture.h"

namespace syncline::hub::workflow {
namespace {

using Outcome = OperationOutcome::What;

class Undoes : public Runs {
protected:
    /// Three effects, then an ask.
    void three() {
        use(workflow_w(step("a", operation("one")) + step("b", operation("two", "second")) +
                       step("mail",
                            "operation = 'support.mail'\ncompensate = 'none'\nbecause = 'a "
                            "mail cannot be unsent'") +
                       step("c", operation("three")) + step("d", "ask = 'erp.check'")));
        start();
        applied("a", {{kNumber, "m1"}});
        applied("b", {{kNumber, "m2"}});
        applied("mail");
        applied("c", {{kNumber, "m3"}});
    }
};

TEST_F(Undoes, ACancelUndoesInTheReverseOrderOfCompletion) {
    three();
    EXPECT_EQ(act(What::kCancel, "", "changed my mind"), Lines{"undo operation erp.unthree"});
    EXPECT_EQ(request().key, "w/i/c/undo");
    EXPECT_EQ(request().fields, (Fields{{kNumber, "m3"}}));
    EXPECT_EQ(undone("c"), Lines{"undo operation erp.untwo"});
    EXPECT_EQ(request().fields, (Fields{{kNumber, "m2"}}));
    // Worked out when it was applied: `made` is another by now.
    EXPECT_EQ(undone("b"), Lines{"undo operation erp.unone"});
    EXPECT_EQ(request().fields, (Fields{{kNumber, "m1"}}));
    EXPECT_EQ(undone("a"), Lines{});
    EXPECT_EQ(state_.status, Status::kCompensated);
    EXPECT_EQ(state_.reason, "cancelled by oscar: changed my mind");
    EXPECT_EQ(applied_paths(), Lines{"mail"});  // It stays, and is not forgotten.
}

TEST_F(Undoes, OnlyWhatWasAppliedIsUndone) {
    use(workflow_w(step("a", operation("one")) + step("b", operation("two"))));
    start();
    applied("a", {{kNumber, "m1"}});
    refused("b", ErrorClass::kDenied);
    EXPECT_EQ(act(What::kCancel),
              (Lines{"closed workflow.step_failed at b", "undo operation erp.unone"}));
    EXPECT_EQ(undone("a"), Lines{});
    EXPECT_EQ(state_.status, Status::kCompensated);
}

TEST_F(Undoes, NothingAppliedIsUndoneAtOnce) {
    use(workflow_w(step("a", "ask = 'erp.check'")));
    start();
    EXPECT_EQ(act(What::kCancel), Lines{});
    EXPECT_EQ(state_.status, Status::kCompensated);
    EXPECT_EQ(reply("a"), Lines{});
}

TEST_F(Undoes, WhatIsOutIsWaitedForFirst) {
    const std::pair<Outcome, Lines> cases[] = {
        {Outcome::kApplied, {"undo operation erp.untwo"}},
        {Outcome::kRefused, {"undo operation erp.unone"}},
        {Outcome::kInDoubt, {"opened workflow.in_doubt at b"}},
    };
    for (const auto& [outcome, effects] : cases) {
        use(workflow_w(step("a", operation("one")) + step("b", operation("two", "second"))));
        state_ = {};
        start();
        applied("a", {{kNumber, "m1"}});
        EXPECT_EQ(act(What::kCancel), Lines{});
        EXPECT_EQ(state_.status, Status::kCompensating);
        EXPECT_EQ(give(OperationOutcome{
                      key("b"), 1, outcome, ErrorClass::kUnavailable, {{kNumber, "m2"}}, ""}),
                  effects);
    }
    // The last one is in doubt. It was not applied:
    EXPECT_EQ(act(What::kSkip, "b", "not there"),
              (Lines{"closed workflow.in_doubt at b", "undo operation erp.unone"}));
}

TEST_F(Undoes, WhatWasInDoubtAndTurnsOutAppliedIsUndone) {
    use(workflow_w(step("a", operation("one"))));
    start();
    in_doubt("a");
    EXPECT_EQ(act(What::kCancel), Lines{});
    EXPECT_EQ(open(), Lines{"workflow.in_doubt at a"});
    EXPECT_EQ(act(What::kApplied, "a", "seen", {{kNumber, "m1"}}),
              (Lines{"closed workflow.in_doubt at a", "undo operation erp.unone"}));
    EXPECT_EQ(request(1).fields, (Fields{{kNumber, "m1"}}));
}

TEST_F(Undoes, AnUndoingThatMayPassIsTriedAgain) {
    three();
    act(What::kCancel);
    EXPECT_EQ(undone("c", Outcome::kRefused, ErrorClass::kUnavailable), Lines{});
    ASSERT_TRUE(step_.due);
    EXPECT_EQ(pass_to_due(), Lines{"undo operation erp.unthree #2"});
    EXPECT_EQ(request().key, "w/i/c/undo");
    EXPECT_EQ(undone("c"), Lines{"undo operation erp.untwo"});
}

TEST_F(Undoes, AFailedOneSaysWhatRemainsAndOthersGoOn) {
    three();
    act(What::kCancel);
    EXPECT_EQ(undone("c", Outcome::kRefused, ErrorClass::kPermanent),
              (Lines{"undo operation erp.untwo", "opened workflow.compensation_failed at c"}));
    EXPECT_EQ(state_.exceptions[0].reason,
              "step `c` is not undone: permanent, no; to be undone are c, b, a; retry it, or "
              "skip it with a reason");
    undone("b");
    EXPECT_EQ(undone("a"), Lines{"opened workflow.compensation_failed at c"});
    EXPECT_EQ(
        state_.exceptions[0].reason,
        "step `c` is not undone: permanent, no; to be undone are c; retry it, or skip it with "
        "a reason");
    EXPECT_EQ(state_.status, Status::kCompensating);
    EXPECT_FALSE(step_.due);
    EXPECT_EQ(act(What::kRetry, "c"),
              (Lines{"closed workflow.compensation_failed at c", "undo operation erp.unthree #2"}));
    undone("c", Outcome::kRefused);
    EXPECT_EQ(act(What::kResume),
              (Lines{"closed workflow.compensation_failed at c", "undo operation erp.unthree #3"}));
    undone("c", Outcome::kInDoubt);
    EXPECT_EQ(act(What::kApplied, "c", "seen"), Lines{"closed workflow.compensation_failed at c"});
    EXPECT_EQ(state_.status, Status::kCompensated);
}

TEST_F(Undoes, AFailedOneCanBeLeft) {
    three();
    act(What::kCancel);
    undone("c", Outcome::kRefused);
    undone("b");
    undone("a");
    EXPECT_EQ(act(What::kSkip, "c", "the goods are gone"),
              Lines{"closed workflow.compensation_failed at c"});
    EXPECT_EQ(state_.status, Status::kCompensated);
    EXPECT_EQ(applied_paths(), (Lines{"mail", "c"}));
    EXPECT_EQ(undone("c"), Lines{});
}

TEST_F(Undoes, WhatCannotBeWorkedOutIsGivenByAPerson) {
    use(workflow_w(step("a",
                        "operation = 'erp.one'\ncompensate = { operation = 'erp.unone', with "
                        "= { n = 'amount + 1' } }") +
                   step("b", "end = 'failed'")));
    start();
    EXPECT_EQ(applied("a"), Lines{"opened workflow.compensation_failed at a"});
    EXPECT_EQ(act(What::kRetry, "a", "", {{FieldName{"n"}, 5}}),
              (Lines{"closed workflow.compensation_failed at a", "undo operation erp.unone"}));
    EXPECT_EQ(request(1).fields, (Fields{{FieldName{"n"}, 5}}));
}

TEST_F(Undoes, WhatIsBeingUndoneCannotBePausedOrCancelled) {
    three();
    act(What::kCancel);
    EXPECT_EQ(act(What::kPause), Lines{"refused: what is being undone cannot be paused"});
    EXPECT_EQ(act(What::kCancel), Lines{"refused: it is compensating already"});
    EXPECT_EQ(act(What::kRestart, "a"), Lines{"refused: it is being undone"});
}

TEST_F(Undoes, EffectsInParallelAreUndoneByTheirCompletion) {
    use(workflow_w(step("both", "parallel = ['x', 'y']") + step("e", "end = 'failed'") +
                   block("x", "name = 'x1'\n" + operation("one")) +
                   block("y", "name = 'y1'\n" + operation("two", "second"))));
    start();
    applied("both/y1", {{kNumber, "m2"}});
    EXPECT_EQ(applied("both/x1", {{kNumber, "m1"}}), Lines{"undo operation erp.unone"});
    EXPECT_EQ(undone("both/x1"), Lines{"undo operation erp.untwo"});
}

TEST_F(Undoes, AChildIsCancelledAndWaitedFor) {
    const std::string v = "[workflows.v]\nowner = 'a'\n[[workflows.v.steps]]\nname = 'c'\n" +
                          std::string{
                              "operation = 'erp.child'\ncompensate = { operation = "
                              "'erp.unchild' }\n"};
    use(workflow_w(step("a", "call = { workflow = 'v' }") + step("b", "ask = 'erp.last'")) + v);
    start();
    const Request begun = request();
    // While it runs:
    EXPECT_EQ(act(What::kCancel), Lines{"cancel v"});
    EXPECT_EQ(request().subject, begun.subject);
    EXPECT_EQ(state_.status, Status::kCompensating);
    EXPECT_EQ(give(ChildDone{begun.key, Status::kCompensated, {}, ""}), Lines{});
    EXPECT_EQ(state_.status, Status::kCompensated);
    // Once it is done:
    state_ = {};
    start();
    give(ChildDone{begun.key, Status::kDone, {}, ""});
    EXPECT_EQ(act(What::kCancel), Lines{"undo cancel v"});
    EXPECT_EQ(give(ChildDone{begun.key, Status::kDone, {}, ""}), Lines{});
    EXPECT_EQ(give(ChildDone{begun.key, Status::kCompensated, {}, ""}), Lines{});
    EXPECT_EQ(state_.status, Status::kCompensated);
    // It was compacted meanwhile, and the shell says so:
    state_ = {};
    start();
    give(ChildDone{begun.key, Status::kDone, {}, ""});
    act(What::kCancel);
    EXPECT_EQ(give(OperationOutcome{
                  begun.key, 1, Outcome::kRefused, ErrorClass::kPermanent, {}, "compacted"}),
              Lines{"opened workflow.compensation_failed at a"});
}

TEST_F(Undoes, AChildThatFailsIsAFailedStep) {
    use(workflow_w(step("a", "call = { workflow = 'v' }\non_error = { permanent = 'continue' }") +
                   step("b", "ask = 'erp.last'")) +
        "[workflows.v]\nowner = 'a'\n[[workflows.v.steps]]\nname = 'c'\nend = 'failed'\n");
    start();
    EXPECT_EQ(give(ChildDone{request().key, Status::kCompensated, {}, "no stock"}),
              Lines{"ask erp.last"});
    EXPECT_EQ(step_.log.decided[0],
              "step `a`: permanent, the workflow it called is undone: no stock; goes on");
}

TEST_F(Undoes, ACallThatIsTriedAgainIsAnotherChild) {
    use(workflow_w(step("a", "call = { workflow = 'v' }") + step("b", "ask = 'erp.last'")) +
        "[workflows.v]\nowner = 'a'\n[[workflows.v.steps]]\nname = 'c'\nend = 'failed'\n");
    start();
    const Request first = request();
    give(ChildDone{first.key, Status::kCompensated, {}, "no stock"});
    EXPECT_EQ(act(What::kRetry, "a"), (Lines{"closed workflow.step_failed at a", "start v #2"}));
    const Request second = request(1);
    EXPECT_EQ(second.key, "w/i/a+2");
    EXPECT_NE(second.subject, first.subject);
    EXPECT_EQ(give(ChildDone{first.key, Status::kCompensated, {}, "no stock"}), Lines{});
    EXPECT_EQ(give(ChildDone{second.key, Status::kDone, {}, ""}), Lines{"ask erp.last"});
    EXPECT_EQ(act(What::kCancel), Lines{"undo cancel v"});
    EXPECT_EQ(request().subject, second.subject);
}

TEST_F(Undoes, AFinishedChildIsUndoneByItsParentAlone) {
    use(workflow_w(step("a", operation("one"))));
    give(Start{"i", WorkflowName{"w"}, "call", {{kNumber, "C1"}}, "", "", "p", "v/p/x"});
    EXPECT_EQ(applied("a", {{kNumber, "m1"}}), Lines{"tells the parent done"});
    EXPECT_EQ(act(What::kCancel), Lines{"refused: it is done already"});
    const Acted cancel{What::kCancel, parent_actor("p")};
    EXPECT_EQ(give(cancel), Lines{"undo operation erp.unone"});
    EXPECT_EQ(give(cancel), Lines{});
    EXPECT_EQ(undone("a"), Lines{"tells the parent compensated"});
    EXPECT_EQ(give(cancel), Lines{"tells the parent compensated"});
}

}  // namespace
}  // namespace syncline::hub::workflow
