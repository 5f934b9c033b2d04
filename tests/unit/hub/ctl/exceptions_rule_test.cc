#include "hub/ctl/exceptions_rule.h"

#include <gtest/gtest.h>

#include "shared/policy/check.h"

namespace syncline::ctl {
namespace {

constexpr const char* kHead = R"([policy]
name = "test"
[platforms.crm]
[platforms.erp]
)";
const std::string kObject = R"([objects.o.fields]
stage = { type = "enum", values = ["new", "old"], required = true }
a = "string"
b = "string"
c = "string"
[objects.o.on.crm]
fields = ["*"]
founds = true
on_delete = "review"
[objects.o.on.erp]
fields = ["*"]
receives = true
on_delete = "review"
)";

struct RuleCase {
    const char* name;
    std::string rules;
    RuleDecision decision;
    std::string expected;
};
void PrintTo(const RuleCase& row, std::ostream* out) { *out << row.name; }
class RuleFromReview : public testing::TestWithParam<RuleCase> {};

std::vector<PolicyFile> files(const std::string& rules) {
    return {{"a.toml", kHead}, {"o.toml", kObject + rules}};
}

hub::ExceptionRecord about(const char* kind, Fields proposed) {
    return {.kind = kind,
            .entity = {ObjectName{"o"}, EntityId{"e"}},
            .platform = PlatformId{"erp"},
            .proposed = std::move(proposed)};
}

TEST_P(RuleFromReview, ChangesThePolicyAndItIsStillSound) {
    const auto policy = parse_policy(files(GetParam().rules));
    ASSERT_TRUE(policy) << policy.error().what;
    const auto patch = rule_from(*policy, files(GetParam().rules),
                                 about("ownership.review", {{FieldName{"a"}, "x"}}),
                                 Fields{{FieldName{"stage"}, "new"}}, GetParam().decision);
    ASSERT_TRUE(patch) << patch.error().what;
    EXPECT_EQ(patch->files[1].text, kObject + GetParam().expected);
    EXPECT_EQ(patch->files[0].text, kHead);
    const auto changed = parse_policy(patch->files);
    ASSERT_TRUE(changed) << changed.error().what;
    for (const auto& finding : check(*changed)) ADD_FAILURE() << to_string(finding);
    const OwnershipRule* rule =
        changed->objects[0].rule(FieldName{"a"}, Fields{{FieldName{"stage"}, "new"}});
    ASSERT_NE(rule, nullptr);
    EXPECT_NE(rule->otherwise, NonOwnerWrite::kReview);
}

constexpr const char* kRest = "[[objects.o.own]]\nfields = [\"*\"]\nowner = \"crm\"\n";

INSTANTIATE_TEST_SUITE_P(
    Rows, RuleFromReview,
    testing::Values(
        RuleCase{"of_its_own_rule_only_the_word_changes",
                 std::string{"# First.\n[[objects.o.own]]\nfields = [\"a\"]\nowner = \"crm\"\n"
                             "otherwise = \"review\"  # Ask.\n"} +
                     kRest,
                 RuleDecision::kAccept,
                 std::string{"# First.\n[[objects.o.own]]\nfields = [\"a\"]\nowner = \"crm\"\n"
                             "otherwise = \"accept\"  # Ask.\n"} +
                     kRest},
        RuleCase{"of_one_for_several_it_is_taken_out",
                 std::string{"[[objects.o.own]]\nfields = [\n  \"a\",\n  \"b\",\n]\nowner = "
                             "\"crm\"\notherwise = \"review\"\n"} +
                     kRest,
                 RuleDecision::kReject,
                 std::string{"[[objects.o.own]]\nfields    = [\"a\"]\nowner     = \"crm\"\n"
                             "otherwise = \"revert\"\n[[objects.o.own]]\nfields = [\"b\"]\nowner = "
                             "\"crm\"\notherwise = \"review\"\n"} +
                     kRest},
        RuleCase{"above_one_for_all_the_rest",
                 "[[objects.o.own]]\nfields = [\"*\"]\nowner = \"crm\"\notherwise = \"review\"\n",
                 RuleDecision::kDiscard,
                 "[[objects.o.own]]\nfields    = [\"a\"]\nowner     = \"crm\"\n"
                 "otherwise = \"ignore\"\n[[objects.o.own]]\nfields = [\"*\"]\nowner = \"crm\"\n"
                 "otherwise = \"review\"\n"},
        RuleCase{"with_the_condition_of_the_rule",
                 std::string{"[[objects.o.own]]\nfields = [\"*\"]\nwhen = 'stage == \"new\"'\n"
                             "owner = \"crm\"\notherwise = \"review\"\n"} +
                     kRest,
                 RuleDecision::kAccept,
                 std::string{"[[objects.o.own]]\nfields    = [\"a\"]\nwhen      = 'stage == "
                             "\"new\"'\nowner     = \"crm\"\notherwise = \"accept\"\n"
                             "[[objects.o.own]]\nfields = [\"b\", \"c\", \"stage\"]\nwhen = "
                             "'stage == \"new\"'\nowner = \"crm\"\notherwise = \"review\"\n"} +
                     kRest}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(RuleFromUndecided, HasThePlatformOwnIt) {
    const std::string rules =
        "[[objects.o.own]]\nfields = [\"a\"]\nwhen = 'stage == \"new\"'\nowner = \"crm\"\n"
        "[[objects.o.own]]\nfields = [\"b\", \"c\", \"stage\"]\nowner = \"crm\"\n\n# Else.\n"
        "[objects.o.stages]\nfield = \"stage\"\ninitial = [\"new\"]\nnext = { new = [\"old\"], old "
        "= [] }\n";
    const auto policy = parse_policy(files(rules));
    ASSERT_TRUE(policy) << policy.error().what;
    const auto exception = about("ownership.undecided", {{FieldName{"a"}, "x"}});
    const Fields old{{FieldName{"stage"}, "old"}};
    const auto patch = rule_from(*policy, files(rules), exception, old, RuleDecision::kAccept);
    ASSERT_TRUE(patch) << patch.error().what;
    const auto changed = parse_policy(patch->files);
    ASSERT_TRUE(changed) << changed.error().what;
    EXPECT_EQ(changed->objects[0].rule(FieldName{"a"}, old)->owner.text, "erp");
    EXPECT_NE(patch->files[1].text.find("otherwise = \"review\"\n\n# Else.\n"), std::string::npos)
        << patch->files[1].text;
    EXPECT_FALSE(rule_from(*policy, files(rules), exception, old, RuleDecision::kReject));
}

TEST(RuleForExceptions, HidesThem) {
    const std::string own = "[[objects.o.own]]\nfields = [\"*\"]\nowner = \"crm\"\n";
    const auto exception = about("convergence.field", {{FieldName{"a"}, "x"}});
    const auto policy = parse_policy(files(own));
    ASSERT_TRUE(policy);
    EXPECT_FALSE(rule_from(*policy, files(own), exception, {}, RuleDecision::kAccept));
    const auto patch = rule_from(*policy, files(own), exception, {}, RuleDecision::kImmaterial);
    ASSERT_TRUE(patch) << patch.error().what;
    EXPECT_EQ(patch->files[1].text,
              kObject + own +
                  "\n[[exceptions]]\nkind     = \"convergence.field\"\nobject   = \"o\"\n"
                  "fields   = [\"a\"]\nplatform = \"erp\"\nmaterial = false\n");
    // Before the rules that there are, which may be for all.
    const auto with = parse_policy(patch->files);
    const auto more =
        rule_from(*with, patch->files, about("delete.review", {}), {}, RuleDecision::kImmaterial);
    ASSERT_TRUE(more) << more.error().what;
    const auto both = parse_policy(more->files);
    ASSERT_TRUE(both) << both.error().what;
    ASSERT_EQ(both->exceptions.size(), 2U);
    EXPECT_TRUE(both->exceptions[0].is_for("delete.review"));
    EXPECT_TRUE(check(*both).empty());
}

TEST(RuleDecisions, AreWhatAPersonDid) {
    hub::ExceptionRecord exception = about("ownership.review", {});
    EXPECT_FALSE(decision_in(exception));
    exception.closing = "accepted: agreed";
    EXPECT_EQ(decision_in(exception), RuleDecision::kAccept);
    exception.closing = "discarded: why not";
    EXPECT_EQ(decision_in(exception), RuleDecision::kDiscard);
    EXPECT_EQ(decision_named("immaterial"), RuleDecision::kImmaterial);
    EXPECT_FALSE(decision_named("accepted"));
}

}  // namespace
}  // namespace syncline::ctl
