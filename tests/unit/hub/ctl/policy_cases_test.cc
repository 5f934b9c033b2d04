#include "hub/ctl/policy_cases.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace syncline::ctl {
namespace {

constexpr const char* kPolicy = R"([policy]
name = "test"
[platforms.crm]
[platforms.erp]

[objects.item.fields]
number = { type = "string", required = true }
stage = { type = "enum", values = ["draft", "live"], required = true }
price = "decimal"
note = "string"

[[objects.item.own]]
fields = ["price"]
when = 'stage == "live"'
owner = "erp"
otherwise = "review"
[[objects.item.own]]
fields = ["*"]
owner = "crm"

[[objects.item.match]]
name = "number"
on = ["number"]

[objects.item.on.crm]
fields = ["*"]
founds = true
on_delete = "propagate"
[objects.item.on.erp]
fields = ["*"]
receives = true
)";

class PolicyCases : public testing::Test {
protected:
    PolicyCases() : policy_(*parse_policy({{"policy.toml", kPolicy}})) {}

    Result<std::vector<PolicyCase>> parse(const std::string& steps) const {
        return parse_policy_cases(policy_, {{"t.toml", "[[test]]\nname = 'x'\n" + steps}});
    }
    std::string problems_of(const std::string& steps) const {
        const auto cases = parse(steps);
        return cases ? "none" : cases.error().what;
    }
    /// What fails, one a line.
    std::string run(const std::string& steps) {
        const auto cases = parse(steps);
        if (!cases) return cases.error().what;
        std::string text;
        for (const auto& failure : ctl::run(policy_, cases->front(), decided_)) {
            text += std::to_string(failure.place.line) + " " + failure.message + "\n";
        }
        return text;
    }

    const std::string made_ =
        "[[test.step]]\nfrom = 'crm'\nfields = { number = '1', stage = 'draft', price = '2.50' }\n";
    Policy policy_;
    std::map<std::string, std::uint64_t> decided_;
};

TEST_F(PolicyCases, PassWhenAllIsAsExpected) {
    EXPECT_EQ(run(made_ + R"(
placement = "founds"
verdicts = { price = "accepted", note = "none" }
told.erp = { number = "1", stage = "draft", price = "2.5" }
canonical = { price = "2.5", note = [] }
exceptions = []
[[test.step]]
from = "crm"
deletes = true
told.erp = "delete"
)"),
              "");
    EXPECT_EQ(decided_, (std::map<std::string, std::uint64_t>{{"policy.toml:17:1", 3}}));
}

struct Mismatch {
    const char* name;
    std::string expected;
    std::string message;
};
void PrintTo(const Mismatch& row, std::ostream* out) { *out << row.name; }

class PolicyCaseThatFails : public PolicyCases, public testing::WithParamInterface<Mismatch> {};
TEST_P(PolicyCaseThatFails, SaysWhatIsOtherwise) {
    EXPECT_EQ(run(made_ + GetParam().expected), "3 step 1: " + GetParam().message + "\n");
}
INSTANTIATE_TEST_SUITE_P(
    Expectations, PolicyCaseThatFails,
    testing::Values(
        Mismatch{"placement", "placement = 'matched'\n", "the record is founds, expected matched"},
        Mismatch{"verdict", "verdicts = { price = 'review' }\n",
                 "the verdict on price is accepted, expected review"},
        Mismatch{"no_verdict", "verdicts = { note = 'accepted' }\n",
                 "the verdict on note is none, expected accepted"},
        Mismatch{"told_though_not_expected", "told = {}\n",
                 "erp is told number = \"1\", price = 2.5, stage = \"draft\", expected nothing"},
        Mismatch{"told_something_else", "told.erp = { number = '1' }\n",
                 "erp is told number = \"1\", price = 2.5, stage = \"draft\", expected number = "
                 "\"1\""},
        Mismatch{"exceptions", "exceptions = ['ownership.review@crm']\n",
                 "open exceptions: none; expected ownership.review@crm"},
        Mismatch{"canonical", "canonical = { price = '3' }\n",
                 "canonical price is 2.5, expected 3"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST_F(PolicyCases, APersonActsOnWhatIsOpen) {
    EXPECT_EQ(run(made_ + R"(
[[test.step]]
from = "crm"
fields = { stage = "live" }
[[test.step]]
from = "crm"
fields = { price = "3" }
exceptions = ["ownership.review@crm"]
told = {}
[[test.step]]
action = "accept"
exception = "ownership.review"
told.erp = { price = "3" }
exceptions = []
)"),
              "");
    EXPECT_EQ(run("[[test.step]]\naction = 'retry'\n"),
              "3 step 1: there is nothing yet to act on\n");
}

TEST_F(PolicyCases, PlatformsAnswerAsTheStepSays) {
    EXPECT_EQ(run(made_ + "answer.erp = 'rejected'\nexceptions = ['command.rejected@erp']\n"), "");
    EXPECT_EQ(
        run(made_ + "answer = 'none'\nexceptions = []\n"
                    "[[test.step]]\nfrom = 'crm'\nfields = { note = 'n' }\n"
                    "told.erp = { number = '1', stage = 'draft', price = '2.5', note = 'n' }\n"),
        "");
}

TEST_F(PolicyCases, RecordsMeetByTheirKeys) {
    EXPECT_EQ(run(made_ + R"(answer = "none"
[[test.step]]
from = "erp"
record = "E7"
fields = { number = "1", stage = "draft" }
placement = "matched"
[[test.step]]
from = "erp"
record = "E8"
fields = { number = "2", stage = "draft" }
placement = "unmatched"
exceptions = ["identity.unmatched@erp"]
)"),
              "");
}

TEST_F(PolicyCases, ARecordThatCameFirstIsTakenIn) {
    EXPECT_EQ(run(R"(
[[test.step]]
from = "erp"
record = "E7"
fields = { number = "1", stage = "draft" }
placement = "unmatched"
)" + made_ + R"(
placement = "founds"
told.erp = { price = "2.5" }
exceptions = []
[[test.step]]
from = "erp"
record = "E7"
fields = { note = "n" }
placement = "linked"
)"),
              "");
}

TEST_F(PolicyCases, AreReadWithEveryProblemAtItsPlace) {
    EXPECT_EQ(problems_of("[[test.step]]\nfrom = 'cmr'\nfields = { nubmer = '1', price = 2.5 }\n"
                          "verdicts = { price = 'acepted' }\ntold.web = {}\nrecrod = 'x'\n"),
              "t.toml:4:8: `test.step.from` `item` does not live on `cmr`; did you mean `crm`?\n"
              "t.toml:5:12: `test.step.fields.nubmer` is no field of `item`; did you mean "
              "`number`?\n"
              "t.toml:5:34: `test.step.fields.price` must be text in quotes\n"
              "t.toml:6:22: `test.step.verdicts.price` must be one of none, accepted, reverted, "
              "ignored, review, proposed, outdated, undecided, invalid, not_next; did you mean "
              "`accepted`?\n"
              "t.toml:7:12: `test.step.told.web` `item` does not live on `web`\n"
              "t.toml:8:1: unknown key `test.step.recrod`");
    EXPECT_EQ(problems_of(""), "t.toml:1:1: `test.step` is missing: a test needs a [[test.step]]");
    EXPECT_EQ(problems_of("[[test.step]]\naction = 'accept'\n"),
              "t.toml:3:1: `test.step.exception` is missing");
}

TEST_F(PolicyCases, ThoseOfTheExampleAllPassAndUseEveryRule) {
    const std::filesystem::path example =
        std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/policy";
    const auto policy = load_policy(example);
    ASSERT_TRUE(policy) << policy.error().what;
    const auto files = read_policy_files(example / "tests");
    ASSERT_TRUE(files) << files.error().what;
    const auto cases = parse_policy_cases(*policy, *files);
    ASSERT_TRUE(cases) << cases.error().what;
    for (const PolicyCase& test : *cases) {
        for (const auto& failure : ctl::run(*policy, test, decided_)) {
            ADD_FAILURE() << to_string(failure.place) << " " << failure.message;
        }
    }
    for (const ObjectSpec& object : policy->objects) {
        for (const OwnershipRule& rule : object.ownership) {
            EXPECT_TRUE(decided_.contains(to_string(rule.place))) << to_string(rule.place);
        }
    }
}

}  // namespace
}  // namespace syncline::ctl
