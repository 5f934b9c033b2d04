#include "tests/unit/hub/workflow/fixture.h"

namespace syncline::hub::workflow {
namespace {

TEST_F(Runs, AStartThatBreaksTheContextIsRefused) {
    use(workflow_w(step("a", "ask = 'erp.check'")));
    EXPECT_EQ(give(Start{"i", WorkflowName{"w"}, "api", {}, "", ""}),
              Lines{"refused: `number` is missing"});
    EXPECT_EQ(state_.revision, 0U);
    EXPECT_EQ(start({{kPart, 7}}), Lines{"refused: `part` must be text, not 7"});
    EXPECT_EQ(start({{FieldName{"prat"}, "x"}}),
              Lines{"refused: `prat` is no field of the context"});
    EXPECT_EQ(give(Start{"i", WorkflowName{"v"}, "api", {}, "", ""}),
              Lines{"refused: there is no workflow v"});
    EXPECT_EQ(reply("a"), Lines{"refused: there is no such instance"});
    EXPECT_EQ(start({{kPart, std::string(limits::kContextBytes, 'x')}}),
              Lines{"refused: the context would have more than 65536 bytes"});
}

TEST_F(Runs, ASecondStartIsAnsweredWithTheFirst) {
    use(workflow_w(step("a", "ask = 'erp.check'")));
    EXPECT_EQ(start(), (Lines{"ask erp.check", "is running"}));
    const Instance before = state_;
    EXPECT_EQ(start({{kPart, "other"}}), Lines{"is running"});
    EXPECT_EQ(state_, before);
    reply("a");
    EXPECT_EQ(start(), Lines{"is done"});
    state_ = compact(state_);
    EXPECT_EQ(start(), Lines{"is done"});
}

TEST_F(Runs, AnAskIsSentWithItsInputAndItsAnswerIsTaken) {
    use(workflow_w(step("a",
                        "ask = 'erp.check'\nwith = { what = 'part', n = '2' }\n"
                        "into = { yes = 'fine', made = 'number' }\ndeadline_s = 5") +
                   step("b", operation("make", "second"))));
    EXPECT_EQ(start({{kPart, "p1"}}), (Lines{"ask erp.check", "is running"}));
    EXPECT_EQ(request().key, "w/i/a");
    EXPECT_EQ(request().fields, (Fields{{FieldName{"n"}, 2}, {FieldName{"what"}, "p1"}}));
    EXPECT_EQ(request().until.ns, now_ + 5'000'000'000);
    EXPECT_EQ(step_.due->ns, now_ + 5'000'000'000);
    EXPECT_EQ(reply("a", {{FieldName{"fine"}, true}, {FieldName{"number"}, "n7"}}),
              Lines{"operation erp.make"});
    EXPECT_EQ(value("yes"), "true");
    EXPECT_EQ(value("made"), "\"n7\"");
    EXPECT_EQ(request().key, "w/i/b");
    EXPECT_FALSE(step_.due);
    EXPECT_EQ(applied("b", {{FieldName{"number"}, "m1"}}), Lines{});
    EXPECT_EQ(state_.status, Status::kDone);
    EXPECT_EQ(value("second"), "\"m1\"");
    EXPECT_EQ(step_.log.inputs, Lines{"outcome of w/i/b (in3)"});
    EXPECT_EQ(step_.log.decided, (Lines{"b is done", "done"}));
}

TEST_F(Runs, AnswersByAnotherPlatformThanTheOneAskedChangeNothingAndAreTold) {
    use(workflow_w(step("a", operation("make")) + step("b", operation("other", "second"))));
    start();
    OperationOutcome outcome{key("a"), 1};
    outcome.platform = PlatformId{"crm"};
    give(outcome);
    ASSERT_EQ(step_.effects.size(), 1U);
    EXPECT_EQ(std::get<Told>(step_.effects[0]).what, Told::What::kForeign);
    EXPECT_EQ(std::get<Told>(step_.effects[0]).text, "crm answers w/i/a, and was not asked");
    EXPECT_EQ(state_.revision, 1U);
    outcome.platform = PlatformId{"erp"};
    give(outcome);
    EXPECT_EQ(state_.revision, 2U);
    OperationOutcome undo{key("a~2") + "/undo", 1};
    undo.platform = PlatformId{"crm"};
    give(undo);
    EXPECT_EQ(std::get<Told>(step_.effects.at(0)).what, Told::What::kForeign);
    undo.platform = PlatformId{"erp"};
    EXPECT_EQ(give(undo), Lines{});
}

TEST_F(Runs, AnswersToNothingChangeNothing) {
    use(workflow_w(step("a", "ask = 'erp.check'") + step("b", operation("make"))));
    start();
    EXPECT_EQ(give(Reply{key("a"), 7, {}, {}, ""}), Lines{});
    EXPECT_EQ(give(Reply{key("zzz"), 1, {}, {}, ""}), Lines{});
    EXPECT_EQ(give(OperationOutcome{key("a"), 1}), Lines{});
    EXPECT_EQ(state_.revision, 1U);
    reply("a");
    EXPECT_EQ(reply("a"), Lines{});
    EXPECT_EQ(give(Reply{key("b"), 1, {}, {}, ""}), Lines{});
    EXPECT_EQ(give(ChildDone{key("b")}), Lines{});
    EXPECT_EQ(state_.revision, 2U);
}

TEST_F(Runs, ASetWritesFieldsOfAnEntity) {
    use(workflow_w(step("a",
                        "set = { object = 'case', key = 'number', fields = { status = "
                        "'\"shut\"' } }\ncompensate = { set = { object = 'case', key = "
                        "'number', fields = { status = '\"open\"' } } }") +
                   step("b", "end = 'failed'")));
    EXPECT_EQ(start(), (Lines{"write case", "is running"}));
    EXPECT_EQ(request().subject, Value{"C1"});
    EXPECT_EQ(request().fields, (Fields{{FieldName{"status"}, "shut"}}));
    EXPECT_EQ(applied("a"), Lines{"undo write case"});
    EXPECT_EQ(request().fields, (Fields{{FieldName{"status"}, "open"}}));
    EXPECT_EQ(request().subject, Value{"C1"});
    EXPECT_EQ(request().key, "w/i/a/undo");
    EXPECT_EQ(undone("a"), Lines{});
    EXPECT_EQ(state_.status, Status::kCompensated);
}

TEST_F(Runs, ALetAssignsAllFromWhatWasBefore) {
    use(workflow_w(step("a", "let = { made = 'part', part = '\"new\"' }")));
    start({{kPart, "old"}});
    EXPECT_EQ(value("made"), "\"old\"");
    EXPECT_EQ(value("part"), "\"new\"");
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Runs, AStepWhoseWhenDoesNotHoldIsPassedOver) {
    use(workflow_w(step("a", "when = 'yes'\nlet = { made = '\"a\"' }") +
                   step("b", "when = 'not yes'\nlet = { second = '\"b\"' }")));
    start();
    EXPECT_EQ(value("made"), "none");
    EXPECT_EQ(value("second"), "\"b\"");
}

TEST_F(Runs, AChoiceIsTheFirstThatHolds) {
    const std::string text =
        workflow_w(step("a",
                        "choose = [{ when = 'part == \"x\"', do = 'x' }, { when = 'part == "
                        "\"x\" or part == \"y\"', do = 'y' }]") +
                   step("b", "let = { second = '\"after\"' }") +
                   block("x", "name = 'x1'\nlet = { made = '\"x\"' }") +
                   block("y", "name = 'y1'\nlet = { made = '\"y\"' }"));
    const std::pair<const char*, const char*> cases[] = {
        {"x", "\"x\""}, {"y", "\"y\""}, {"z", "none"}};
    for (const auto& [part, made] : cases) {
        use(text);
        state_ = {};
        start({{kPart, part}});
        EXPECT_EQ(value("made"), made);
        EXPECT_EQ(value("second"), "\"after\"");
    }
}

TEST_F(Runs, BlocksInParallelJoinWhenAllAreDone) {
    use(workflow_w(step("both", "parallel = ['x', 'y']") + step("end", "ask = 'erp.last'") +
                   block("x", "name = 'x1'\nask = 'erp.x'") +
                   block("x", "name = 'x2'\nask = 'erp.x2'") +
                   block("y", "name = 'y1'\nask = 'erp.y'")));
    EXPECT_EQ(start(), (Lines{"ask erp.x", "ask erp.y", "is running"}));
    EXPECT_EQ(request().key, "w/i/both/x1");
    EXPECT_EQ(reply("both/y1"), Lines{});
    EXPECT_EQ(reply("both/x1"), Lines{"ask erp.x2"});
    EXPECT_EQ(reply("both/x2"), Lines{"ask erp.last"});
    EXPECT_TRUE(state_.frames[0].inside.empty());  // What is done leaves nothing behind.
}

TEST_F(Runs, AForEachRunsItsBlockForOneItemAfterTheOther) {
    use(workflow_w(step("each", "for_each = { of = 'items', as = 'item', do = 'one', most = 3 }") +
                   step("end", "end = 'failed'") +
                   block("one",
                         "name = 'ship'\nwhen = 'item.n > 0'\noperation = 'erp.ship'\nwith "
                         "= { n = 'item.n' }\ncompensate = { operation = 'erp.unship', with "
                         "= { n = 'item.n' } }")));
    const auto item = [](int n) { return Value{Value::Map{{"n", n}}}; };
    EXPECT_EQ(start({{FieldName{"items"}, Value::List{item(5), item(0), item(7)}}}),
              (Lines{"operation erp.ship", "is running"}));
    EXPECT_EQ(request().key, "w/i/each.1/ship");
    EXPECT_EQ(request().fields, (Fields{{FieldName{"n"}, 5}}));
    EXPECT_EQ(applied("each.1/ship"), Lines{"operation erp.ship"});
    EXPECT_EQ(request().key, "w/i/each.3/ship");
    EXPECT_EQ(applied("each.3/ship"), Lines{"undo operation erp.unship"});
    // Each is undone with its own item.
    EXPECT_EQ(request().fields, (Fields{{FieldName{"n"}, 7}}));
    EXPECT_EQ(undone("each.3/ship"), Lines{"undo operation erp.unship"});
    EXPECT_EQ(request().fields, (Fields{{FieldName{"n"}, 5}}));
    undone("each.1/ship");
    EXPECT_EQ(state_.status, Status::kCompensated);
}

TEST_F(Runs, AForEachOverMoreThanItsBoundIsForAPerson) {
    use(workflow_w(step("each", "for_each = { of = 'items', as = 'item', do = 'one', most = 1 }") +
                   block("one", "name = 'a'\nlet = { made = 'item' }")));
    EXPECT_EQ(start({{FieldName{"items"}, Value::List{"a", "b"}}}),
              (Lines{"opened workflow.too_large at each", "is running"}));
    EXPECT_EQ(state_.exceptions[0].reason,
              "step `each` cannot be begun: the list has 2 items, and `most` is 1; retry it, skip "
              "it with a reason, or cancel");
    EXPECT_EQ(act(Acted::What::kRetry, "each", "", {{FieldName{"items"}, Value::List{"b"}}}),
              Lines{"closed workflow.too_large at each"});
    EXPECT_EQ(value("made"), "\"b\"");
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Runs, ALongLoopIsCutIntoSeveralDecisions) {
    use(workflow_w(step("each", "for_each = { of = 'items', as = 'a', do = 'one', most = 1000 }") +
                   block("one", "name = 'x'\nlet = { made = 'a' }")));
    Value::List items;
    for (int i = 0; i < 1000; ++i) items.emplace_back(std::to_string(i));
    start({{FieldName{"items"}, items}});
    int ticks = 0;
    for (; state_.status == Status::kRunning && ticks < 10; ++ticks) {
        ASSERT_TRUE(step_.due);
        EXPECT_LE(step_.due->ns, now_);
        give(Tick{});
    }
    EXPECT_EQ(state_.status, Status::kDone);
    EXPECT_GT(ticks, 1);
    EXPECT_EQ(value("made"), "\"999\"");
}

TEST_F(Runs, AnEventGoesOutOnceWithAKeyOfItsOwn) {
    use(workflow_w(step("a", "emit = { event = 'case.told', fields = { of = 'number' } }")));
    EXPECT_EQ(start(), (Lines{"event case.told", "is done"}));
    EXPECT_EQ(request().key, "w/i/a");
    EXPECT_EQ(request().fields, (Fields{{FieldName{"of"}, "C1"}}));
}

TEST_F(Runs, AnEndStopsWhateverFollows) {
    use(workflow_w(
        step("a", "when = 'part == \"x\"'\nend = 'done'\nreason = '\"it is \" .. part'") +
        step("b", "let = { made = '\"b\"' }")));
    start({{kPart, "x"}});
    EXPECT_EQ(state_.status, Status::kDone);
    EXPECT_EQ(state_.reason, "it is x");
    EXPECT_EQ(value("made"), "none");
}

TEST_F(Runs, AChildIsStartedAndItsContextTaken) {
    use(workflow_w(step("a",
                        "call = { workflow = 'v', with = { n = 'part' }, into = { made = 'r' "
                        "} }") +
                   step("b", "ask = 'erp.last'")) +
        "[workflows.v]\nowner = 'a'\n[workflows.v.context]\nn = 'string'\nr = 'string'\n"
        "[[workflows.v.steps]]\nname = 'c'\nlet = { r = 'n' }\n");
    EXPECT_EQ(start({{kPart, "p"}}), (Lines{"start v", "is running"}));
    const Request asked = request();
    EXPECT_EQ(asked.fields, (Fields{{FieldName{"n"}, "p"}}));
    const std::string child = *asked.subject.get<std::string>();
    const Input begun{
        "c1",
        {now_},
        Start{child, WorkflowName{"v"}, "call", asked.fields, "", "", "i", asked.key}};
    const Step other = decide(policy_, {}, {{begun}}, {});
    EXPECT_EQ(lines_of(other.effects), (Lines{"tells the parent done", "is done"}));
    const Told& told = std::get<Told>(other.effects[0]);
    EXPECT_EQ(told.to, "i");
    EXPECT_EQ(give(ChildDone{told.key, told.status, told.fields, told.text}),
              Lines{"ask erp.last"});
    EXPECT_EQ(value("made"), "\"p\"");
}

TEST_F(Runs, TheFirstVariantThatHoldsIsRunFromStartToEnd) {
    use(workflow_w(step("a", "let = { made = '\"base\"' }") +
                   "[workflows.w.variants.eu]\nwhen = 'part == \"DE\"'\n"
                   "[[workflows.w.variants.eu.steps]]\nreplaces = 'a'\nlet = { made = '\"eu\"', "
                   "part = '\"US\"' }\n[[workflows.w.variants.eu.steps]]\nafter = 'a'\nname = "
                   "'b'\nask = 'erp.eu'\n"));
    EXPECT_EQ(start({{kPart, "DE"}}), (Lines{"ask erp.eu", "is running"}));
    EXPECT_EQ(state_.variant, "eu");
    EXPECT_EQ(value("made"), "\"eu\"");
    state_ = {};
    start({{kPart, "US"}});
    EXPECT_EQ(value("made"), "\"base\"");
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Runs, WhatIsOutCanBePublishedAgain) {
    use(workflow_w(step("both", "parallel = ['x', 'y']") +
                   block("x", "name = 'x1'\n" + operation("make")) +
                   block("y", "name = 'y1'\nask = 'erp.y'")));
    start({{kPart, "p"}});
    const Effects first{step_.effects[0], step_.effects[1]};
    EXPECT_EQ(standing(policy_, state_), first);
    no_reply("both/y1", ErrorClass::kDenied);
    EXPECT_EQ(lines_of(standing(policy_, state_)),
              (Lines{"operation erp.make", "opened workflow.step_failed at both/y1"}));
}

}  // namespace
}  // namespace syncline::hub::workflow
