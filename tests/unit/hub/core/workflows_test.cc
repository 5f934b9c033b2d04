#include "hub/core/start.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

const FieldName kStage{"stage"};

constexpr const char* kReview = R"([workflows.review]
owner = "sales"
[workflows.review.context]
name = "string"
[[workflows.review.triggers]]
on = "change"
object = "item"
when = 'stage == "live"'
set = { name = 'name' }
[[workflows.review.steps]]
name = "end"
end = "done"
)";

class BesideWorkflows : public Decide {
protected:
    BesideWorkflows() {
        const auto policy = parse_policy({{"test.toml", std::string{kPolicy} + kReview}});
        if (policy) policy_ = *policy;
        EXPECT_TRUE(policy) << policy.error().what;
    }
    static std::vector<WorkflowStart> begun(const Step& step) {
        std::vector<WorkflowStart> starts;
        for (const auto& outgoing : step.next.outbox) {
            if (outgoing.what != EntityState::Outgoing::What::kStart) continue;
            starts.push_back(*decode_start(outgoing.body));
        }
        return starts;
    }
    [[nodiscard]] Operation write(const std::string& id, Fields values) const {
        return {.kind = OperationKind::kSet,
                .entity = state_.key,
                .exception = {},
                .id = id,
                .actor = "workflow w/i",
                .reason = {},
                .at = Timestamp{7},
                .values = std::move(values)};
    }
};

TEST_F(BesideWorkflows, AChangeBeginsOneWhenItsConditionComesTrue) {
    EXPECT_TRUE(begun(take(change(kCrm, {{kName, "bolt"}, {kStage, "draft"}}))).empty());
    const Step step = take(change(kErp, {{kName, "bolt"}, {kStage, "live"}}));
    ASSERT_EQ(begun(step).size(), 1U);
    EXPECT_EQ(begun(step)[0].workflow.text, "review");
    EXPECT_EQ(begun(step)[0].cause, "item/e1/2");
    EXPECT_EQ(begun(step)[0].context, (Fields{{kName, "bolt"}}));
    // It holds still.
    EXPECT_TRUE(begun(take(change(kErp, {{kName, "nut"}, {kStage, "live"}}))).empty());
}

TEST_F(BesideWorkflows, AWriteBecomesCanonicalOnce) {
    std::ignore = take(change(kCrm, {{kName, "bolt"}, {kStage, "draft"}}));
    Step step = take(write("w/i/s#1", {{kName, "nut"}}));
    EXPECT_EQ(step.answers, (std::vector<WriteAnswer>{{"w/i/s#1", {}, {}}}));
    EXPECT_EQ(state_.find(kName)->value, Value{"nut"});
    std::ignore = take(change(kErp, {{kName, "screw"}, {kStage, "draft"}}));
    const Value now = state_.find(kName)->value;
    // It comes again: it is answered, and does nothing.
    step = take(write("w/i/s#1", {{kName, "nut"}}));
    EXPECT_EQ(step.answers.size(), 1U);
    EXPECT_TRUE(step.answers[0].refused.empty());
    EXPECT_EQ(state_.find(kName)->value, now);
}

TEST_F(BesideWorkflows, AWriteThatDoesNotFitIsRefused) {
    Step step = take(write("w/i/s#1", {{kName, "nut"}}));
    ASSERT_EQ(step.answers.size(), 1U);
    EXPECT_EQ(step.answers[0].error, ErrorClass::kNotFound);
    EXPECT_FALSE(step.changed);
    std::ignore = take(change(kCrm, {{kName, "bolt"}, {kStage, "draft"}}));
    step = take(write("w/i/s#2", {{FieldName{"nothing"}, "nut"}}));
    ASSERT_EQ(step.answers.size(), 1U);
    EXPECT_EQ(step.answers[0].refused, "item has no field nothing");
    EXPECT_EQ(step.answers[0].error, ErrorClass::kPermanent);
}

}  // namespace
}  // namespace syncline::hub
