#include "hub/ctl/policy_plan_core.h"

#include <gtest/gtest.h>

#include "shared/policy/policy_toml.h"

namespace syncline::ctl {
namespace {

constexpr const char* kPlanned = R"([policy]
name = "test"
[platforms.crm]
[platforms.erp]

[objects.item.fields]
number = { type = "string", required = true }
price = "decimal"
note = "string"

[[objects.item.own]]
fields = ["price"]
owner = "erp"
otherwise = "revert"
[[objects.item.own]]
fields = ["*"]
owner = "crm"
otherwise = "revert"

[[objects.item.match]]
name = "number"
on = ["number"]

[objects.item.on.crm]
fields = ["*"]
founds = true
[objects.item.on.erp]
fields = ["*"]
receives = true
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

class PlanCore : public testing::Test {
protected:
    PlanCore() : active_(*parse_policy({{"active.toml", kPlanned}})) {}

    void propose(const std::string& from, const std::string& to) {
        proposed_ = *parse_policy({{"proposed.toml", with(kPlanned, from, to)}});
    }
    void change(PolicyPlan& plan, const char* platform, const char* record, const char* price) {
        Change change;
        change.key = {PlatformId{platform}, ObjectName{"item"}, RecordId{record}};
        change.rev = {1, ++rev_};
        change.fields.set(FieldName{"number"}, "7");
        change.fields.set(FieldName{"price"}, *Decimal::parse(price));
        plan.take(rev_, change, {});
    }
    const Policy active_;
    Policy proposed_;
    std::uint64_t rev_ = 0;
};

TEST_F(PlanCore, IsEmptyForTheSamePolicy) {
    PolicyPlan plan{active_, active_, 5};
    change(plan, "crm", "c1", "1");
    change(plan, "erp", "e1", "2");
    change(plan, "crm", "c1", "3");
    EXPECT_EQ(plan.inputs, 3U);
    EXPECT_EQ(plan.differing, 0U);
    EXPECT_TRUE(plan.examples.empty());
}

TEST_F(PlanCore, ShowsAWriteThatIsAcceptedInsteadOfReverted) {
    propose("otherwise = \"revert\"", "otherwise = \"accept\"");
    PolicyPlan plan{active_, proposed_, 5};
    change(plan, "crm", "c1", "1");
    change(plan, "erp", "e1", "2");
    EXPECT_EQ(plan.differing, 0U) << "the owner's own write is accepted by both";
    change(plan, "crm", "c1", "3");
    ASSERT_EQ(plan.differing, 1U);
    ASSERT_EQ(plan.rows.size(), 1U);
    const auto& [row, count] = *plan.rows.begin();
    EXPECT_EQ(row.field, FieldName{"price"});
    EXPECT_EQ(row.now, "reverted");
    EXPECT_EQ(row.then, "accepted");
    EXPECT_EQ(count, 1U);
    const PlanDifference& example = plan.examples.at(0);
    EXPECT_EQ(example.sequence, 3U);
    EXPECT_EQ(example.fields.at(0).then.rule.substr(0, 14), "proposed.toml:");
    EXPECT_EQ(plan.commands[PlatformId{"erp"}].then, 1U) << "the other platform is told instead";
}

TEST_F(PlanCore, ShowsNoDifferenceForAnotherName) {
    const std::string text =
        with(with(kPlanned, "[\"price\"]", "[\"amount\"]"), "price = \"decimal\"",
             "amount = { type = \"decimal\", renamed_from = [\"price\"] }");
    proposed_ = *parse_policy({{"proposed.toml", text}});
    for (const std::uint64_t version : {0, 3}) {
        Policy active = active_;
        active.version = version;
        PolicyPlan plan{active, proposed_, 5};
        change(plan, "crm", "c1", "1");
        change(plan, "erp", "e1", "2");
        change(plan, "crm", "c1", "3");
        EXPECT_EQ(plan.inputs, 3U);
        EXPECT_EQ(plan.differing, 0U) << version;
        hub::Rehearsal history{active};
        Change made;
        made.key = {PlatformId{"crm"}, ObjectName{"item"}, RecordId{"c1"}};
        made.rev = {1, 1};
        made.fields = {{FieldName{"number"}, "7"}, {FieldName{"price"}, 5}};
        plan.take_stored(*history.find(history.take(made, {}).entity), {});
        EXPECT_EQ(plan.stored_differing, 0U) << version;
        rev_ = 0;
    }
}

TEST_F(PlanCore, ShowsWhatBecomesOfARecordThatHadWaited) {
    propose("owner = \"erp\"\notherwise = \"revert\"", "owner = \"crm\"\notherwise = \"review\"");
    PolicyPlan plan{active_, proposed_, 5};
    change(plan, "erp", "e1", "2");
    EXPECT_EQ(plan.unplaced, 1U) << "it may not found, and waits for what it matches";
    change(plan, "crm", "c1", "1");
    ASSERT_EQ(plan.differing, 1U);
    ASSERT_EQ(plan.rows.size(), 1U);
    const PolicyPlan::Row& row = plan.rows.begin()->first;
    EXPECT_EQ(row.from, PlatformId{"erp"});
    EXPECT_EQ(row.now + " " + row.then, "accepted review");
}

TEST_F(PlanCore, GoesOnWithWhatTheActivePolicyMade) {
    propose("otherwise = \"revert\"", "otherwise = \"accept\"");
    PolicyPlan plan{active_, proposed_, 5};
    change(plan, "crm", "c1", "1");
    change(plan, "erp", "e1", "2");
    change(plan, "crm", "c1", "3");
    change(plan, "crm", "c1", "2");
    EXPECT_EQ(plan.differing, 1U) << "canonical is still 2, whatever the proposed one had made";
}

TEST_F(PlanCore, ShowsWhatTheStoredStatesLeadToAtOnce) {
    // Price is taken from what the ERP receives; then given back.
    const std::string received = "fields = [\"*\"]\nreceives = true";
    const Policy narrow = *parse_policy(
        {{"active.toml", with(kPlanned, received, "fields = [\"number\"]\nreceives = true")}});
    hub::Rehearsal history{narrow};
    Change made;
    made.key = {PlatformId{"crm"}, ObjectName{"item"}, RecordId{"c1"}};
    made.rev = {1, 1};
    made.fields.set(FieldName{"number"}, "7");
    made.fields.set(FieldName{"note"}, "n");
    const auto taken = history.take(made, {});
    ASSERT_EQ(taken.commands.size(), 1U);
    Outcome done;
    done.platform = PlatformId{"erp"};
    done.entity = taken.entity;
    done.record = RecordId{"e1"};
    done.rev = {1, 1};
    done.generation = done.ledger_generation = taken.commands[0].generation;
    done.decided_at = taken.commands[0].decided_at;
    done.fields = taken.commands[0].fields;
    history.take(taken.entity, done, {});
    PolicyPlan plan{narrow, active_, 5};
    plan.take_stored(*history.find(taken.entity), {});
    EXPECT_EQ(plan.stored_differing, 1U);
    EXPECT_EQ(plan.at_once[PlatformId{"erp"}].then, 1U);
    EXPECT_NE(plan.examples.at(0).commands_then.at(0).fields.find(FieldName{"note"}), nullptr);
}

TEST_F(PlanCore, CountsWhatTheProposedPolicyDrops) {
    propose("[objects.item.on.erp]\nfields = [\"*\"]\nreceives = true\n", "");
    PolicyPlan plan{active_, proposed_, 5};
    change(plan, "crm", "c1", "1");
    change(plan, "erp", "e1", "2");
    EXPECT_EQ(plan.dropped, 1U);
}

}  // namespace
}  // namespace syncline::ctl
