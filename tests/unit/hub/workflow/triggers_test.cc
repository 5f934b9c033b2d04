#include "hub/workflow/triggers.h"

#include "tests/unit/hub/workflow/fixture.h"

namespace syncline::hub::workflow {
namespace {

std::string with_trigger(const std::string& trigger, const std::string& key = "key = 'n'\n") {
    return "[workflows.v]\nowner = 'a'\n" + key +
           "[workflows.v.context]\nn = { type = 'string', required = true }\n"
           "[[workflows.v.triggers]]\n" +
           trigger + "[[workflows.v.steps]]\nname = 's'\nend = 'done'\n";
}

class Triggers : public Runs {};

TEST_F(Triggers, AChangeBeginsTheInstanceOfItsKey) {
    use(
        with_trigger("on = 'change'\nobject = 'case'\nwhen = 'status == \"shut\"'\nset = { n = "
                     "'number' }\n"));
    const WorkflowName v{"v"};
    const auto begun = begun_by_change(policy_, v, {{FieldName{"n"}, "C1"}}, {"cause", "rita", ""});
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->context, (Fields{{FieldName{"n"}, "C1"}}));
    EXPECT_EQ(begun->requester, "rita");
    EXPECT_EQ(begun->trigger, "change");
    // Again later: the key finds the same instance.
    EXPECT_EQ(begun_by_change(policy_, v, {{FieldName{"n"}, "C1"}}, {"later"})->instance,
              begun->instance);
    const auto nameless = begun_by_change(policy_, v, {}, {"cause"});
    ASSERT_FALSE(nameless);
    EXPECT_EQ(nameless.error().what, "`n`, which names an instance of v, is empty");
    EXPECT_EQ(begun_by_change(policy_, WorkflowName{"gone"}, {}, {}).error().kind,
              ErrorKind::kNotFound);
}

TEST_F(Triggers, WithoutKeyTheCauseNamesTheInstance) {
    use(with_trigger("on = 'event'\nevent = 'shop.opened'\nwhen = 'big'\nset = { n = 'number' }\n",
                     ""));
    const auto begun = [&](const std::string& cause, bool big) {
        return begun_by_event(policy_, "shop.opened", {{FieldName{"big"}, big}, {kNumber, "C1"}},
                              {cause});
    };
    ASSERT_EQ(begun("1", true).size(), 1U);
    EXPECT_EQ(begun("1", true)[0].start->instance, begun("1", true)[0].start->instance);
    EXPECT_NE(begun("1", true)[0].start->instance, begun("2", true)[0].start->instance);
    EXPECT_TRUE(begun("1", false).empty());
    EXPECT_TRUE(begun_by_event(policy_, "case.shut", {}, {}).empty());
}

TEST_F(Triggers, AScheduleBeginsOneForItsNewestMoment) {
    use(with_trigger("on = 'schedule'\ncron = '0 3 * * *'\nset = { n = 'at' }\n"));
    const Timestamp now = *parse_timestamp("2026-11-29T12:00:00Z");
    const auto begun = begun_by_schedule(policy_, *parse_timestamp("2026-11-20T12:00:00Z"), now);
    ASSERT_EQ(begun.size(), 1U);
    EXPECT_EQ(begun[0].start->context, (Fields{{FieldName{"n"}, "2026-11-29T03:00:00Z"}}));
    EXPECT_TRUE(begun_by_schedule(policy_, *parse_timestamp("2026-11-29T03:00:00Z"), now).empty());
}

TEST_F(Triggers, APersonBeginsWhatMayBeBegunByHand) {
    use(with_trigger("on = 'event'\nevent = 'e'\nset = { n = 'n' }\n") +
        workflow_w(step("a", "end = 'done'")));
    const Fields context{{kNumber, "C1"}};
    const auto start = begun_by_api(policy_, WorkflowName{"w"}, context, {"c", "rita"});
    ASSERT_TRUE(start);
    EXPECT_EQ(start->instance.size(), 24U);
    EXPECT_EQ(lines_of(decide(policy_, {}, {{{"i1", {now_}, *start}}}, {}).effects),
              Lines{"is done"});
    EXPECT_EQ(begun_by_api(policy_, WorkflowName{"v"}, context, {}).error().kind,
              ErrorKind::kDenied);
    EXPECT_EQ(begun_by_api(policy_, WorkflowName{"z"}, context, {}).error().kind,
              ErrorKind::kNotFound);
    EXPECT_EQ(begun_by_api(policy_, WorkflowName{"w"}, {}, {}).error().kind, ErrorKind::kInvalid);
}

TEST_F(Triggers, ACallBeginsTheChildThatTheParentWaitsFor) {
    use(workflow_w(step("a", "call = { workflow = 'v', with = { n = 'number' } }")) +
        with_trigger("on = 'api'\n"));
    start();
    const Start child = begun_by_call(request(), state_);
    EXPECT_EQ(child.parent, "i");
    EXPECT_EQ(child.requester, "rita");
    const Step step = decide(policy_, {}, {{{"c", {now_}, child}}}, {});
    const Told& told = std::get<Told>(step.effects.at(0));
    EXPECT_EQ(told.to, "i");
    give(ChildDone{told.key, told.status, told.fields, told.text});
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Triggers, AnInstanceSaysWhichEventsConcernIt) {
    use(workflow_w(step("a", "ask = 'erp.check'\ninto = { made = 'm' }") +
                   step("b", "wait = { event = 'e', key = 'number' }") +
                   step("c", "wait = { event = 'f', key = 'made' }") +
                   step("d", "for_each = { of = 'items', as = 'item', do = 'each', most = 9 }") +
                   block("each", "name = 'g1'\nwait = { event = 'g', key = 'item' }")));
    using Events = std::vector<std::pair<std::string, std::string>>;
    start({{FieldName{"items"}, Value::List{"x", "y"}}});
    EXPECT_EQ(events_of(policy_, state_), (Events{{"e", "C1"}}));
    reply("a", {{FieldName{"m"}, "M1"}});
    EXPECT_EQ(events_of(policy_, state_), (Events{{"e", "C1"}, {"f", "M1"}}));
    event("e", "C1");
    event("f", "M1");
    EXPECT_EQ(events_of(policy_, state_), (Events{{"e", "C1"}, {"f", "M1"}, {"g", "x"}}));
    event("g", "x");
    event("g", "y");
    EXPECT_EQ(state_.status, Status::kDone);
    EXPECT_TRUE(events_of(policy_, state_).empty());
}

}  // namespace
}  // namespace syncline::hub::workflow
