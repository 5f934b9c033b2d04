#include <gtest/gtest.h>

#include "hub/core/decide.h"
#include "hub/ctl/replay.h"
#include "shared/policy/policy_toml.h"

namespace syncline::ctl {
namespace {

constexpr const char* kReplayed = R"(
[policy]
name = "test"
[platforms.crm]
[platforms.erp]
[objects.customer.fields]
name = { type = "string", required = true }
[[objects.customer.own]]
fields = ["*"]
owner = "crm"
[objects.customer.on.crm]
fields = ["*"]
founds = true
[objects.customer.on.erp]
fields = ["*"]
receives = true
)";

class Replay : public testing::Test {
protected:
    Replay() {
        auto parsed = parse_policy({{"policy.toml", kReplayed}});
        EXPECT_TRUE(parsed) << parsed.error().what;
        policy = std::move(*parsed);
        state.key = {ObjectName{"customer"}, EntityId{"E"}};
    }
    static Change change(std::uint64_t n, const char* name) {
        Change change;
        change.key = {PlatformId{"crm"}, ObjectName{"customer"}, RecordId{"1"}};
        change.rev = {1, n};
        change.fields = Fields{{FieldName{"name"}, Value{name}}};
        return change;
    }
    Replayed replay(const Change& change, History history) {
        return replay_one(policy, state, change, {Timestamp{5}, {}, 0}, history);
    }
    Policy policy;
    hub::EntityState state;
};

TEST_F(Replay, ANewChangeIsDecidedAndCommanded) {
    const Replayed result = replay(change(1, "Ada"), History::kAsStored);
    EXPECT_EQ(result.result, Replayed::Result::kDecided);
    ASSERT_TRUE(result.log);
    EXPECT_EQ(result.log->decisions.size(), 1U);
    ASSERT_EQ(result.commands.size(), 1U);
    EXPECT_EQ(result.commands[0].platform, PlatformId{"erp"});
    EXPECT_EQ(state.version, 1U);
}

TEST_F(Replay, AKnownChangeIsARepetition) {
    std::ignore = replay(change(2, "Ada"), History::kAsStored);
    const Replayed again = replay(change(2, "Ada"), History::kAsStored);
    EXPECT_EQ(again.result, Replayed::Result::kRepeated);
    EXPECT_TRUE(again.commands.empty());
    EXPECT_EQ(state.version, 1U);
}

TEST_F(Replay, ForgettingDecidesAnOldChangeAgain) {
    std::ignore = replay(change(2, "Ada"), History::kAsStored);
    const Replayed again = replay(change(1, "Grace"), History::kForget);
    EXPECT_EQ(again.result, Replayed::Result::kDecided);
    ASSERT_TRUE(again.log);
    EXPECT_EQ(again.log->decisions.at(0).value, Value{"Grace"});
}

}  // namespace
}  // namespace syncline::ctl
