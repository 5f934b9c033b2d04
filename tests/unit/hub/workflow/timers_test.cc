#include "tests/unit/hub/workflow/fixture.h"

namespace syncline::hub::workflow {
namespace {

const std::string kWait =
    "wait = { event = 'shipment.released', key = 'part' }\ninto = { made = "
    "'number' }\n";

TEST_F(Runs, AnEventIsWaitedForByNameAndKey) {
    use(workflow_w(step("a", kWait) + step("b", "ask = 'erp.last'")));
    EXPECT_EQ(start({{kPart, "p1"}}), Lines{"is running"});
    EXPECT_FALSE(step_.due);
    EXPECT_EQ(event("shipment.released", "p2"), Lines{});
    EXPECT_EQ(event("shipment.held", "p1"), Lines{});
    EXPECT_EQ(state_.frames[0].phase, Phase::kWaiting);
    EXPECT_EQ(event("shipment.released", "p1", {{FieldName{"number"}, "s7"}}),
              Lines{"ask erp.last"});
    EXPECT_EQ(value("made"), "\"s7\"");
}

TEST_F(Runs, AnEventThatCameBeforeTheWaitCounts) {
    use(workflow_w(step("a", "ask = 'erp.check'") + step("b", kWait) +
                   step("c", "ask = 'erp.last'")));
    start({{kPart, "p1"}});
    event("shipment.released", "p0");
    event("shipment.released", "p1", {{FieldName{"number"}, "s7"}, {FieldName{"other"}, "x"}});
    EXPECT_EQ(event("some.other", "p1"), Lines{});
    ASSERT_EQ(state_.heard.size(), 2U);  // None waits for the other.
    EXPECT_EQ(state_.heard[1].fields, (Fields{{FieldName{"number"}, "s7"}}));
    EXPECT_EQ(reply("a"), Lines{"ask erp.last"});
    EXPECT_EQ(value("made"), "\"s7\"");
    EXPECT_EQ(state_.heard.size(), 1U);
}

TEST_F(Runs, OnlyTheNewestEventsAreKept) {
    use(workflow_w(step("a", "ask = 'erp.check'") + step("b", kWait)));
    start({{kPart, "p0"}});
    for (std::size_t i = 0; i < limits::kHeardMost + 5; ++i) {
        event("shipment.released", "p" + std::to_string(i));
    }
    EXPECT_EQ(state_.heard.size(), limits::kHeardMost);
    EXPECT_EQ(state_.heard.front().key, "p5");
    const Value large{std::string(limits::kHeardBytes / 2, 'x')};
    for (int i = 0; i < 4; ++i) event("shipment.released", "l", {{FieldName{"number"}, large}});
    EXPECT_EQ(state_.heard.size(), 1U);
    event("shipment.released", "p0",
          {{FieldName{"number"}, std::string(limits::kHeardBytes + 1, 'x')}});
    EXPECT_EQ(state_.heard.size(), 1U);
}

TEST_F(Runs, AnEventThatComesTwiceIsOne) {
    use(workflow_w(step("a", kWait) + step("b",
                                           "wait = { event = 'shipment.released', key = 'part' "
                                           "}")));
    start({{kPart, "p1"}});
    const Input told{"e1", {now_}, EventArrived{"shipment.released", "p1", {}}};
    give(told);
    EXPECT_EQ(state_.frames[0].step, "b");
    act(What::kPause);
    EXPECT_EQ(give(told), Lines{});
    EXPECT_EQ(state_.frames[0].step, "b");
    act(What::kResume);
    event("shipment.released", "p1");
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Runs, AWaitThatIsTooLongHasItsRecourse) {
    const std::tuple<const char*, Lines, Status> cases[] = {
        {"pause", {"opened workflow.deadline at a"}, Status::kRunning},
        {"continue", {"ask erp.last"}, Status::kRunning},
        {"compensate", {}, Status::kCompensated},
    };
    for (const auto& [recourse, effects, status] : cases) {
        use(workflow_w(step("a", kWait + "deadline_s = 100\non_deadline = '" + recourse + "'") +
                       step("b", "ask = 'erp.last'")));
        state_ = {};
        start({{kPart, "p1"}});
        EXPECT_EQ(step_.due->ns, now_ + 100'000'000'000);
        EXPECT_EQ(pass(99), Lines{});
        EXPECT_EQ(pass(1), effects) << recourse;
        EXPECT_EQ(state_.status, status) << recourse;
    }
    use(workflow_w(step("a", kWait + "deadline_s = 100")));
    state_ = {};
    start({{kPart, "p1"}});
    pass(100);
    EXPECT_EQ(act(What::kRetry, "a"), Lines{"closed workflow.deadline at a"});
    event("shipment.released", "p1");
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Runs, ATimeIsWaitedFor) {
    const std::tuple<const char*, const char*, std::int64_t> cases[] = {
        {"for_s = 100", "", 100},
        {"until = 'part'", "2001-09-09T02:00:00Z", 800},
        {"until = 'part'", "2001-09-10", 80000},
    };
    now_ = 1'000'000'000LL * 1'000'000'000 + 0;  // 2001-09-09T01:46:40Z.
    for (const auto& [wait, part, seconds] : cases) {
        use(workflow_w(step("a", "wait = { " + std::string{wait} + " }") +
                       step("b", "ask = 'erp.last'")));
        state_ = {};
        now_ = 1'000'000'000LL * 1'000'000'000;
        start({{kPart, part}});
        EXPECT_EQ(step_.due->ns, now_ + seconds * 1'000'000'000) << wait;
        EXPECT_EQ(pass(seconds - 1), Lines{});
        EXPECT_EQ(pass(1), Lines{"ask erp.last"});
    }
    use(workflow_w(step("a", "wait = { until = 'part' }") + step("b", "ask = 'erp.last'")));
    state_ = {};
    EXPECT_EQ(start({{kPart, "2001-01-01"}}), (Lines{"ask erp.last", "is running"}));
}

TEST_F(Runs, TheDeadlineOfTheWholePausesOnce) {
    use(workflow_w(
        step("a", "ask = 'erp.check'\ndeadline_s = 100000") + step("b", "ask = 'erp.last'"),
        "deadline_s = 1000\n"));
    start();
    EXPECT_EQ(step_.due->ns, now_ + 1'000'000'000'000);
    EXPECT_EQ(pass(1000), Lines{"opened workflow.deadline"});
    EXPECT_EQ(pass(1000), Lines{});
    EXPECT_EQ(reply("a"), Lines{});
    EXPECT_EQ(act(What::kResume), (Lines{"closed workflow.deadline", "ask erp.last"}));
    reply("b");
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Runs, TheDeadlineOfTheWholeMayUndo) {
    use(workflow_w(step("a", operation("make")) + step("b", "wait = { for_s = 5000 }"),
                   "deadline_s = 1000\non_deadline = 'compensate'\n"));
    start();
    applied("a", {{FieldName{"number"}, "m1"}});
    act(What::kPause);
    EXPECT_EQ(pass(1000), Lines{"undo operation erp.unmake"});
    EXPECT_EQ(state_.reason, "it was not done in time");
    undone("a");
    EXPECT_EQ(state_.status, Status::kCompensated);
    EXPECT_FALSE(step_.due);
}

TEST_F(Runs, AnOperationThatIsLateIsToldAndWaitedFor) {
    use(workflow_w(step("a", operation("make") + "deadline_s = 60\n") +
                   step("b", "ask = 'erp.last'")));
    start();
    EXPECT_EQ(pass(60), Lines{"opened workflow.deadline at a"});
    EXPECT_FALSE(step_.due);
    EXPECT_FALSE(state_.is_held());
    EXPECT_EQ(applied("a", {{FieldName{"number"}, "m1"}}),
              (Lines{"closed workflow.deadline at a", "ask erp.last"}));
    EXPECT_EQ(open(), Lines{});
}

TEST_F(Runs, ATickBeforeTheNewestInputDoesNothing) {
    use(workflow_w(step("a", "wait = { for_s = 100 }") + step("b", "ask = 'erp.last'")));
    start();
    const Instance before = state_;
    now_ -= 1;
    EXPECT_EQ(give(Tick{}), Lines{});
    EXPECT_EQ(state_, before);
    // Other inputs count, at the newest time that is known.
    act(What::kPause);
    EXPECT_EQ(state_.clock, before.clock);
    EXPECT_EQ(state_.revision, 2U);
}

TEST_F(Runs, AClockOutOfItsMindBreaksNothing) {
    use(workflow_w(step("a", "ask = 'erp.check'\ndeadline_s = 300000000") +
                       step("b", "wait = { for_s = 300000000 }"),
                   "deadline_s = 300000000\n"));
    for (const std::int64_t at : {INT64_MIN, INT64_MAX, std::int64_t{0}}) {
        state_ = {};
        now_ = at;
        start();
        EXPECT_GT(state_.clock.ns, 0);
        EXPECT_GT(step_.due->ns, state_.clock.ns);
        reply("a");
        EXPECT_EQ(state_.frames[0].phase, Phase::kWaiting);
        give(Tick{});
        EXPECT_GT(step_.due->ns, state_.clock.ns);
    }
}

TEST_F(Runs, AClockFarAheadFiresWhatIsDueOnceEach) {
    use(workflow_w(step("both", "parallel = ['x', 'y', 'z']") +
                       block("x", "name = 'x1'\nwait = { for_s = 100 }") +
                       block("x", "name = 'x2'\nwait = { for_s = 100 }") +
                       block("y", "name = 'y1'\nask = 'erp.y'\ndeadline_s = 50") +
                       block("z",
                             "name = 'ok'\napprove = { role = 'lead', remind_s = 10, deadline_s "
                             "= 2000, on_deadline = 'approve' }"),
                   "deadline_s = 5000\n"));
    start();
    EXPECT_EQ(pass(1000), Lines{"reminds lead for 1"});
    EXPECT_EQ(state_.frames[0].inside[0].step, "x2");  // The second wait began only now.
    EXPECT_EQ(state_.frames[0].inside[1].phase, Phase::kBackOff);
    EXPECT_EQ(pass(100'000'000), (Lines{"ask erp.y #2", "withdrawn", "opened workflow.deadline"}));
    EXPECT_EQ(pass(0), Lines{});
}

}  // namespace
}  // namespace syncline::hub::workflow
