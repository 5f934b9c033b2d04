// Changes that break the contract, and how that is told and mended.
#include <algorithm>

#include "hub/core/work.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

class Contract : public Decide {
protected:
    Fields broken() const {
        Fields fields = with("stage", "odd");
        fields.set(FieldName{"price"}, "much");
        return fields;
    }
    [[nodiscard]] const OpenException* open() const {
        const auto at = std::ranges::find_if(state_.exceptions, [](const OpenException& one) {
            return one.kind == exceptions::kContract;
        });
        return at == state_.exceptions.end() ? nullptr : &*at;
    }
    static constexpr const char* kPrice = "/fields/price: expected a number, found \"much\"; ";
    static constexpr const char* kStage =
        "/fields/stage: expected one of draft, live, found \"odd\"; ";
    static constexpr const char* kEnd =
        "mend it at the platform, or the contract in the policy: either has it decided again";
};

TEST_F(Contract, IsToldOfEveryFieldThatBreaksIt) {
    settle(full_);
    take(change(kErp, broken()));
    ASSERT_NE(open(), nullptr);
    EXPECT_EQ(open()->reason, std::string{kPrice} + kStage + kEnd);
}

TEST_F(Contract, IsToldOfFieldsThatAreStillBrokenAlone) {
    settle(full_);
    take(change(kErp, with("stage", "odd")));
    EXPECT_EQ(open()->reason, std::string{kStage} + kEnd);
    take(change(kErp, broken()));
    EXPECT_EQ(open()->reason, std::string{kPrice} + kStage + kEnd) << "the earlier one is, too";
    Fields half = full_;
    half.set(FieldName{"price"}, "much");
    take(change(kErp, half));
    EXPECT_EQ(open()->reason, std::string{kPrice} + kEnd);
    EXPECT_EQ(open()->fields, std::vector{FieldName{"price"}});
    take(change(kErp, full_));
    EXPECT_EQ(open(), nullptr);
}

TEST_F(Contract, IsDecidedAgainOnceThePolicyTakesTheValue) {
    policy_.version = 1;
    settle(full_);
    take(change(kErp, with("stage", "odd")));
    std::string text = kPolicy;
    const std::string values = "values = [\"draft\", \"live\"]";
    text.replace(text.find(values), values.size(), "values = [\"draft\", \"live\", \"odd\"]");
    policy_ = *parse_policy({{"test.toml", text}});
    policy_.version = 2;
    take(PolicyChanged{});
    EXPECT_EQ(open(), nullptr);
    EXPECT_EQ(canonical("stage"), Value{"odd"});
}

}  // namespace
}  // namespace syncline::hub
