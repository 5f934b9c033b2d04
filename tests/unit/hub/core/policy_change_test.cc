#include "hub/core/work.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

/// One policy decides, and then another one.
class PolicyChange : public Decide {
protected:
    /// The policy of the fixture, as version 1, with `from` replaced by `to` as version 2.
    void change_policy(std::string_view from, std::string_view to) {
        std::string text = kPolicy;
        const auto at = text.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
        const auto parsed = parse_policy({{"test.toml", text}});
        ASSERT_TRUE(parsed) << parsed.error().what;
        policy_ = *parsed;
        policy_.version = 2;
    }
    PolicyChange() { policy_.version = 1; }
    [[nodiscard]] const RecordState& crm() const { return *state_.record(kCrm); }
    static constexpr const char* kColour = R"(fields = ["colour"]
owner = "erp"
otherwise = "review")";
    static constexpr const char* kNote = R"(fields = ["note"]
owner = "erp"
otherwise = "ignore")";
};

TEST_F(PolicyChange, ChangesNothingThatItSaysNothingAbout) {
    settle(full_);
    take(change(kCrm, with("note", "mine")));
    take(change(kCrm, with("colour", "blue")));
    const EntityState before = state_;
    change_policy(R"(name = "test")", R"(name = "other")");
    const Step step = take(PolicyChanged{});
    EXPECT_FALSE(step.changed);
    EXPECT_TRUE(step.commands.empty());
    EXPECT_EQ(state_.exceptions, before.exceptions);
    EXPECT_EQ(state_.records, before.records);
    EXPECT_EQ(state_.policy_version, 2U) << "it need not be judged again";
}

TEST_F(PolicyChange, TellsAPlatformWhatWasIgnoredUntilNow) {
    settle(full_);
    take(change(kCrm, with("note", "mine")));
    EXPECT_TRUE(crm().holds(FieldName{"note"}));
    change_policy(kNote, R"(fields = ["note"]
owner = "erp"
otherwise = "revert")");
    const Step step = take(PolicyChanged{});
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].platform, kCrm);
    EXPECT_EQ(step.commands[0].fields, (Fields{{FieldName{"note"}, "n"}}));
    const auto log = decode_log_entry(step.next.outbox.back().body);
    EXPECT_EQ(log->inputs, std::vector<std::string>{"policy version 2"});
    EXPECT_EQ(log->policy_version, 2U);
}

TEST_F(PolicyChange, MakesTheNewOwnersValueCanonical) {
    settle(full_);
    take(change(kCrm, with("note", "mine")));
    change_policy(kNote, R"(fields = ["note"]
owner = "crm"
otherwise = "revert")");
    const Step step = take(PolicyChanged{});
    EXPECT_EQ(canonical("note"), Value{"mine"});
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].platform, kErp);
}

TEST_F(PolicyChange, SettlesWhatAPersonNeedNoLongerDecide) {
    settle(full_);
    take(change(kCrm, with("colour", "blue")));
    ASSERT_EQ(state_.exceptions.size(), 1U);
    change_policy(kColour, R"(fields = ["colour"]
resolve = "latest")");
    take(PolicyChanged{});
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_EQ(canonical("colour"), Value{"blue"}) << "it is the newer one";
}

TEST_F(PolicyChange, DoesNotLetWhatWasIgnoredPassForTheLatest) {
    settle(full_);
    take(change(kCrm, with("note", "mine")));
    change_policy(kNote, R"(fields = ["note"]
resolve = "latest")");
    take(PolicyChanged{});
    EXPECT_EQ(canonical("note"), Value{"n"}) << "nobody knows when the other was written";
}

TEST_F(PolicyChange, LetsGoOfAFieldThatAPlatformNoLongerHas) {
    settle(full_);
    take(change(kCrm, with("colour", "blue")));
    change_policy(R"([objects.item.on.crm]
fields = ["*"])",
                  R"([objects.item.on.crm]
fields = ["name", "stage", "price", "note", "size", "phone", "rank"])");
    take(PolicyChanged{});
    EXPECT_TRUE(state_.exceptions.empty());
    EXPECT_FALSE(crm().holds(FieldName{"colour"}));
}

TEST_F(PolicyChange, JudgesAgainWhatAnotherRecordsExceptionNamesToo) {
    settle(full_);
    take(change(kCrm, with("note", "mine")));
    take(another(kCrm, "crm-2", with("note", "third")));
    ASSERT_EQ(state_.exceptions.size(), 1U);
    change_policy(kNote, R"(fields = ["note"]
owner = "erp"
otherwise = "revert")");
    EXPECT_EQ(take(PolicyChanged{}).commands.size(), 1U);
}

TEST_F(PolicyChange, LeavesToAPersonWhatBecameOfACommand) {
    settle(full_);
    Step step = take(change(kErp, with("colour", "blue")));
    ASSERT_EQ(step.commands.size(), 1U);
    Outcome refused = outcome(step.commands[0], {});
    refused.status = OutcomeStatus::kRejected;
    refused.reason = "no";
    take(refused);
    ASSERT_EQ(state_.exceptions.size(), 1U);
    change_policy(kColour, R"(fields = ["colour"]
owner = "crm"
otherwise = "revert")");
    take(PolicyChanged{});
    EXPECT_EQ(state_.exceptions.size(), 1U);
}

TEST_F(PolicyChange, ComesWithTheFirstInputThatItRules) {
    settle(full_);
    take(change(kCrm, with("note", "mine")));
    change_policy(kNote, R"(fields = ["note"]
owner = "crm"
otherwise = "revert")");
    Fields more = with("note", "mine");
    more.set(kName, "nut");
    take(change(kCrm, more));
    EXPECT_EQ(canonical("note"), Value{"mine"});
    EXPECT_EQ(canonical("name"), Value{"nut"});
}

TEST_F(PolicyChange, ClaimsAllKeysByOtherMatchRules) {
    settle(full_);
    const std::string rule = "[[objects.item.match]]\nname = \"name\"\non = [\"name\"]\n";
    change_policy("[objects.item.on.crm]", rule + "[objects.item.on.crm]");
    const Step step = take(PolicyChanged{});
    EXPECT_TRUE(step.changed);
    EXPECT_EQ(step.claims, (std::vector<Claim>{{ObjectName{"item"}, "name", "bolt"}}));
    EXPECT_FALSE(take(PolicyChanged{}).changed);
}

TEST(MarkCodec, ComesBackAsItWasWritten) {
    Mark mark;
    mark.partition = Partition{3};
    mark.fence = 9;
    mark.holder = HubId{"h"};
    mark.inputs_created = {5};
    mark.floor = 77;
    mark.policy = 4;
    mark.reconsidered = 3;
    mark.commands = {{6}, 8};
    mark.exceptions = {{7}, 9};
    mark.sources = {{kCrm, {1, 2}}};
    EXPECT_EQ(*decode_mark(encode(mark)), mark);
}

}  // namespace
}  // namespace syncline::hub
