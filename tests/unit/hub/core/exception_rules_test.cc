#include "hub/core/work.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

constexpr const char* kRules = R"(
[[exceptions]]
kind = "ownership.*"
object = "item"
fields = ["colour"]
when = 'stage == "live"'
severity = "critical"
assignee = "painters"
due_s = 3600
[[exceptions]]
kind = "ownership.review"
material = false
)";

Policy with_rules(std::uint64_t version) {
    Policy policy = *parse_policy({{"test.toml", kPolicy}, {"x.toml", kRules}});
    policy.version = version;
    return policy;
}

class ExceptionRulesInDecide : public Decide {
protected:
    ExceptionRecord told(const Step& step) {
        for (const auto& outgoing : step.next.outbox) {
            if (!outgoing.exception.empty()) return *decode_exception(outgoing.body);
        }
        ADD_FAILURE() << "nothing told";
        return {};
    }
};

TEST_F(ExceptionRulesInDecide, WithoutOneAKindIsAsTheCatalogueSays) {
    settle(full_);
    const Step step = take(change(kCrm, with("colour", "blue")));
    const Care expected{.severity = ExceptionSeverity::kWarning};
    EXPECT_EQ(state_.exceptions.at(0).care, expected);
    EXPECT_EQ(told(step).care, expected);
}

TEST_F(ExceptionRulesInDecide, SayWhoSeesToItByTheCanonicalValues) {
    policy_ = with_rules(0);
    settle(full_);
    Step step = take(change(kCrm, with("colour", "blue")));
    EXPECT_FALSE(state_.exceptions.at(0).care.material);
    EXPECT_FALSE(told(step).care.material);
    Fields fields = with("colour", "green");
    fields.set(FieldName{"stage"}, "live");
    answer(take(change(kErp, fields)));
    ASSERT_TRUE(state_.exceptions.empty());
    step = take(change(kCrm, with("colour", "blue")));
    const OpenException& open = state_.exceptions.at(0);
    const Care expected{.severity = ExceptionSeverity::kCritical,
                        .assignee = "painters",
                        .due = open.since + std::chrono::hours{1}};
    EXPECT_EQ(open.care, expected);
    EXPECT_EQ(told(step).care, expected);
}

TEST_F(ExceptionRulesInDecide, OfAnotherVersionAreAppliedToWhatIsOpen) {
    settle(full_);
    take(change(kCrm, with("colour", "blue")));
    const std::uint64_t seen = state_.exceptions.at(0).version;
    policy_ = with_rules(2);
    const Step step = take(PolicyChanged{});
    EXPECT_FALSE(state_.exceptions.at(0).care.material);
    EXPECT_FALSE(told(step).care.material);
    EXPECT_EQ(state_.exceptions.at(0).version, seen);  // What a person saw of it still is so.
    EXPECT_EQ(told(step).version, seen);
}

TEST_F(ExceptionRulesInDecide, StatesAndMessagesOfBeforeHaveTheKindsOwn) {
    // As they were written before there were rules: without the newest entries.
    EXPECT_EQ(care_of("command.in_doubt").severity, ExceptionSeverity::kCritical);
    EXPECT_EQ(care_of("no.such_kind").severity, ExceptionSeverity::kError);
    wire::Writer out;
    out.map(9);
    out.field(0, wire::kWireVersion);
    out.field(1, "ownership.review");
    out.field(2, "item");
    out.field(3, "e1");
    out.field(4, std::uint64_t{0});
    out.field(5, "crm");
    out.field(7, "why");
    out.field(8, Fields{});
    out.field(9, Fields{});
    const auto exception = decode_exception(out.take());
    ASSERT_TRUE(exception) << exception.error().what;
    EXPECT_EQ(exception->care, care_of("ownership.review"));
}

}  // namespace
}  // namespace syncline::hub
