#include <gtest/gtest.h>

#include <filesystem>

#include "shared/base/text_file.h"
#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

const std::filesystem::path kExample =
    std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/policy";

TEST(PolicyReference, ShowsAFirstPolicyThatIsClean) {
    const auto text =
        read_text_file(std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/README.md", 1 << 20);
    ASSERT_TRUE(text) << text.error().what;
    const std::size_t section = text->find("### A first policy");
    ASSERT_NE(section, std::string::npos);
    const std::size_t begin = text->find("```toml\n", section) + 8;
    const auto policy =
        parse_policy({{"README.md", text->substr(begin, text->find("```", begin) - begin)}});
    ASSERT_TRUE(policy) << policy.error().what;
    for (const Finding& finding : check(*policy)) ADD_FAILURE() << to_string(finding);
}

TEST(PolicyReference, NamesEveryFinding) {
    const auto text =
        read_text_file(std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/README.md", 1 << 20);
    ASSERT_TRUE(text) << text.error().what;
    for (const std::string_view code : finding_codes::kAll) {
        EXPECT_NE(text->find("`" + std::string{code} + "`"), std::string::npos) << code;
    }
}

TEST(RealDemoPolicy, HasNoFindingButTheOneThatIsMeant) {
    const auto policy =
        load_policy(std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/demo/real/policy");
    ASSERT_TRUE(policy) << policy.error().what;
    for (const Finding& finding : check(*policy)) {
        // A case of sales has no number before the desk has given it one.
        EXPECT_EQ(finding.code, "policy.match_on_optional") << to_string(finding);
    }
}

class ExamplePolicy : public testing::Test {
protected:
    void SetUp() override {
        auto loaded = load_policy(kExample);
        ASSERT_TRUE(loaded) << loaded.error().what;
        policy_ = *std::move(loaded);
    }
    /// "crm", "latest", ... of the rule that holds.
    std::string rule(const char* object, const char* field, const Fields& entity) const {
        const OwnershipRule* found =
            policy_.object(ObjectName{object})->rule(FieldName{field}, entity);
        if (found == nullptr) return "none";
        if (found->resolution == Resolution::kLatest) return "latest";
        return found->resolution == Resolution::kPriority ? "priority" : found->owner.text;
    }
    Policy policy_;
};

TEST_F(ExamplePolicy, HasNoFindings) {
    for (const Finding& finding : check(policy_)) ADD_FAILURE() << to_string(finding);
    EXPECT_EQ(policy_.name, "demo");
    EXPECT_EQ(policy_.platforms.size(), 3u);
    EXPECT_EQ(policy_.objects.size(), 7u);
}

TEST_F(ExamplePolicy, MovesACustomerFromSalesToFinance) {
    const Fields prospect{{FieldName{"stage"}, "prospect"}};
    const Fields active{{FieldName{"stage"}, "active"}};
    for (const char* field : {"name", "email", "phone", "country", "stage"}) {
        EXPECT_EQ(rule("customer", field, prospect), "crm") << field;
    }
    EXPECT_EQ(rule("customer", "name", active), "erp");
    EXPECT_EQ(rule("customer", "phone", active), "latest");
    EXPECT_EQ(rule("customer", "email", active), "erp");
    for (const Fields& entity : {prospect, active}) {
        EXPECT_EQ(rule("customer", "credit_limit", entity), "erp");
        EXPECT_EQ(rule("customer", "support_tier", entity), "support");
    }
}

TEST_F(ExamplePolicy, HandsAnOrderOverOnceItIsConfirmed) {
    const Fields draft{{FieldName{"status"}, "draft"}};
    const Fields confirmed{{FieldName{"status"}, "confirmed"}};
    EXPECT_EQ(rule("order", "amount", draft), "crm");
    EXPECT_EQ(rule("order", "amount", confirmed), "erp");
    const Binding* erp = policy_.object(ObjectName{"order"})->binding(PlatformId{"erp"});
    EXPECT_FALSE(erp->receives_when->holds(draft).value());
    EXPECT_TRUE(erp->receives_when->holds(confirmed).value());
}

TEST_F(ExamplePolicy, SharesThePriorityOfACase) {
    EXPECT_EQ(rule("case", "priority", {}), "priority");
    EXPECT_EQ(rule("case", "subject", {}), "support");
}

}  // namespace
}  // namespace syncline
