#include "tests/unit/hub/workflow/fixture.h"

namespace syncline::hub::workflow {
namespace {

/// Version 1 and what follows it.
std::string migrating(const std::string& rest, const std::string& steps = "",
                      const std::string& from = "1") {
    return workflow_w(rest, "version = 2\n") + "[workflows.w.migrate]\nfrom = " + from +
           "\n[workflows.w.migrate.steps]\n" + steps;
}
const std::string kFirst =
    workflow_w(step("a", operation("make")) + step("b", "wait = { event = 'e', key = 'number' }") +
               step("c", "ask = 'erp.last'"));

class Versions : public Runs {
protected:
    /// An instance of version 1 that waits in `b`, with `a` applied.
    void first() {
        use(kFirst);
        state_ = {};
        start();
        applied("a", {{kNumber, "m1"}});
    }
};

TEST_F(Versions, AnotherDefinitionDecidesNothing) {
    first();
    use(workflow_w(step("a", operation("make")) +
                   step("b", "wait = { event = 'e', key = 'part' }")));
    const Instance before = state_;
    EXPECT_EQ(event("e", "C1"), Lines{"refused: it runs by another definition, of version 1"});
    EXPECT_EQ(act(What::kCancel), Lines{"refused: it runs by another definition, of version 1"});
    EXPECT_EQ(act(What::kMigrate),
              Lines{"refused: the definition of now does not say how one of version 1 goes on: see "
                    "migrate"});
    EXPECT_EQ(state_, before);
    policy_.workflows.clear();
    EXPECT_EQ(event("e", "C1"), Lines{"refused: there is no workflow w"});
    EXPECT_TRUE(standing(policy_, state_).empty());
}

TEST_F(Versions, AnInstanceGoesOnUnderTheNewNames) {
    first();
    use(migrating(step("made", operation("make")) +
                      step("waits", "wait = { event = 'e', key = 'number' }") +
                      step("new", "ask = 'erp.new'"),
                  "a = 'made'\nb = 'waits'\n"));
    EXPECT_EQ(act(What::kMigrate), Lines{});
    EXPECT_EQ(state_.version, 2U);
    EXPECT_EQ(event("e", "C1"), Lines{"ask erp.new"});
    EXPECT_EQ(act(What::kMigrate), Lines{"refused: it has this definition already"});
    EXPECT_EQ(act(What::kCancel), Lines{"undo operation erp.unmake"});
    EXPECT_EQ(request().key, "w/i/made/undo");
}

TEST_F(Versions, TheHashNamesADefinition) {
    first();
    use(migrating(
        step("a", operation("make")) + step("b", "wait = { event = 'e', key = 'number' }"), "",
        "\"" + state_.definition + "\""));
    EXPECT_EQ(act(What::kMigrate), Lines{});
    EXPECT_EQ(state_.version, 2U);
}

TEST_F(Versions, WhatHasNoCounterpartIsRefused) {
    const std::string a = step("a", operation("make"));
    const std::string b = step("b", "wait = { event = 'e', key = 'number' }");
    const std::tuple<const char*, std::string, std::string, const char*> cases[] = {
        {"the running step is gone", a + step("c", "ask = 'erp.last'"), "",
         "step `b` is being run and has no counterpart: name one under "
         "[workflows.w.migrate.steps]"},
        {"the running step is of another kind", a + step("b", "ask = 'erp.last'"), "",
         "step `b` is being run and has no counterpart: name one under "
         "[workflows.w.migrate.steps]"},
        {"an applied step is gone", b, "",
         "step `a` was applied and has no counterpart: name one under [workflows.w.migrate.steps]"},
    };
    for (const auto& [name, steps, mapping, why] : cases) {
        first();
        const Instance before = state_;
        use(migrating(steps, mapping));
        EXPECT_EQ(act(What::kMigrate), Lines{"refused: " + std::string{why}}) << name;
        EXPECT_EQ(state_, before) << name;
    }
}

TEST_F(Versions, WhatIsOutKeepsItsName) {
    use(kFirst);
    start();
    use(migrating(
        step("made", operation("make")) + step("b", "wait = { event = 'e', key = 'number' }"),
        "a = 'made'\n"));
    EXPECT_EQ(act(What::kMigrate),
              Lines{"refused: step `a` is out, and its answer will be to that name: wait for it"});
    use(migrating(step("a", operation("make")) + step("d", "ask = 'erp.new'")));
    EXPECT_EQ(act(What::kMigrate), Lines{});
    EXPECT_EQ(applied("a", {{kNumber, "m1"}}), Lines{"ask erp.new"});
}

TEST_F(Versions, AnExceptionGoesAlongUnderTheNewName) {
    use(kFirst);
    start();
    refused("a", ErrorClass::kDenied);
    use(migrating(step("made", operation("make")), "a = 'made'\n"));
    EXPECT_EQ(act(What::kMigrate),
              (Lines{"closed workflow.step_failed at a", "opened workflow.step_failed at made"}));
    EXPECT_EQ(act(What::kRetry, "made"),
              (Lines{"closed workflow.step_failed at made", "operation erp.make #2"}));
}

TEST_F(Versions, AnApprovalIsAskedAgain) {
    const std::string approve =
        "approve = { role = 'lead', deadline_s = 60, on_deadline = 'reject' }";
    use(workflow_w(step("a", approve)));
    start();
    use(migrating(step("ok", approve), "a = 'ok'\n"));
    EXPECT_EQ(act(What::kMigrate), (Lines{"withdrawn", "asks lead for 1"}));
    EXPECT_EQ(std::get<ApprovalNews>(step_.effects[0]).key, "w/i/a");
    EXPECT_EQ(std::get<ApprovalNews>(step_.effects[1]).key, "w/i/ok");
}

TEST_F(Versions, WhatIsLeftOfAnEndedInstanceIsHowItEnded) {
    first();
    const Instance running = state_;
    EXPECT_EQ(compact(running), running);
    act(What::kCancel, "", "no longer wanted");
    undone("a");
    const Instance rest = compact(state_);
    EXPECT_TRUE(rest.compacted);
    EXPECT_TRUE(rest.context.empty());
    EXPECT_LT(encode(rest).size(), 160U);
    state_ = rest;
    EXPECT_EQ(start(), Lines{"is compensated"});
    EXPECT_EQ(std::get<Told>(step_.effects[0]).text, "cancelled by oscar: no longer wanted");
}

TEST_F(Versions, AnInstanceThatWaitsIsSmall) {
    use(workflow_w(
        step("a", "ask = 'erp.check'\ninto = { yes = 'y', made = 'm' }") +
        step("b", "wait = { event = 'shipment.released', key = 'made' }\ndeadline_s = 5")));
    give(Start{instance_id(WorkflowName{"w"}, "C1"),
               WorkflowName{"w"},
               "api",
               {{kNumber, "C1042"}, {kPart, "VALVE-7"}, {FieldName{"amount"}, Decimal{12}}},
               "rita@example.org",
               "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"});
    give(Reply{"w/" + state_.id + "/a",
               1,
               {},
               {{FieldName{"y"}, true}, {FieldName{"m"}, "SHIP-000123"}},
               ""});
    ASSERT_EQ(state_.context.size(), 5U);
    ASSERT_EQ(state_.frames[0].phase, Phase::kWaiting);
    const std::size_t bytes = encode(without_outbox(state_)).size();
    RecordProperty("encoded_bytes", std::to_string(bytes));
    EXPECT_EQ(bytes, encoded_bytes(state_));
    // As it is stored; what is in memory of it is less (hub/instance_index.h).
    EXPECT_LT(bytes, 320U);
    EXPECT_LT(encode(state_).size(), 900U);
}

}  // namespace
}  // namespace syncline::hub::workflow
