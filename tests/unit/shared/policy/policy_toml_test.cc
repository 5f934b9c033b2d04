#include "shared/policy/policy_toml.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace syncline {
namespace {

constexpr const char* kHead = R"(
[policy]
name = "test"
[platforms.crm]
[platforms.erp]
description = "Finance"
)";

Result<Policy> parse(const std::string& object) {
    return parse_policy({{"head.toml", kHead}, {"x.toml", object}});
}

constexpr const char* kCustomer = R"([objects.customer]
attempts_max = 5
[objects.customer.fields]
stage = { type = "enum", values = ["new", "old"], required = true }
email = { type = "string", classification = "pii", length_max = 10 }
name = "string"
[[objects.customer.own]]
fields = ["name"]
when = 'stage == "new"'
owner = "crm"
otherwise = "propose"
[[objects.customer.own]]
fields = ["email"]
resolve = "priority"
priority = ["erp", "crm"]
[[objects.customer.own]]
fields = ["*"]
owner = "erp"
[[objects.customer.match]]
name = "both"
on = ["email:lower", "name"]
[objects.customer.on.erp]
fields = ["*"]
read_only = ["stage"]
receives = true
receives_when = 'stage ~= "new"'
[objects.customer.on.crm]
fields = ["name", "email"]
founds = true
on_delete = "unlink"
)";

TEST(PolicyToml, ReadsContracts) {
    const auto policy = parse(std::string{kCustomer} + R"(
[objects.order]
version = 3
compatibility = "full"
[objects.order.fields]
number = { type = "string", renamed_from = ["no", "order_no"] }
a = { type = "integer", renamed_from = ["z"] }
)");
    ASSERT_TRUE(policy) << policy.error().what;
    const ObjectSpec& customer = *policy->object(ObjectName{"customer"});
    EXPECT_EQ(customer.contract_version, 1u);
    EXPECT_EQ(customer.compatibility, Compatibility::kBackward);
    const ObjectSpec& order = *policy->object(ObjectName{"order"});
    EXPECT_EQ(order.contract_version, 3u);
    EXPECT_EQ(order.compatibility, Compatibility::kFull);
    const FieldName number{"number"};
    EXPECT_EQ(order.renames, (std::vector<Rename>{{FieldName{"no"}, number},
                                                  {FieldName{"order_no"}, number},
                                                  {FieldName{"z"}, FieldName{"a"}}}));
    EXPECT_EQ(order.name_now(FieldName{"order_no"}), number);
    EXPECT_EQ(order.name_now(FieldName{"number"}), number);
    EXPECT_EQ(order.name_now(FieldName{"else"}), FieldName{"else"});
}

TEST(PolicyToml, RefusesNamesThatWouldMeanTwoFields) {
    const auto policy = parse(R"([objects.order.fields]
a = { type = "string", renamed_from = ["b", "Old"] }
b = "string"
c = { type = "string", renamed_from = ["old"] }
d = { type = "string", renamed_from = ["old"] }
)");
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().what,
              "x.toml:2:5: `objects.order.fields.a` cannot have been called \"b\": that is a field "
              "of its own\n"
              "x.toml:2:45: `objects.order.fields.a.renamed_from` \"Old\" is no name: use small "
              "letters, digits and `_`, a letter first, at most 64\n"
              "x.toml:5:5: `objects.order.fields.d` cannot have been called \"old\": `c` was");
}

TEST(PolicyToml, KnowsWhichFieldIsTheRegion) {
    const auto with = [](const std::string& line) {
        std::string text = kCustomer;
        text.insert(text.find("attempts_max"), line + "\n");
        return parse(text);
    };
    const auto policy = with("region = \"name\"");
    ASSERT_TRUE(policy) << policy.error().what;
    EXPECT_EQ(policy->object(ObjectName{"customer"})->region, FieldName{"name"});
    EXPECT_TRUE(with("region = \"stage\""));
    EXPECT_EQ(with("region = \"nam\"").error().what,
              "x.toml:2:10: `objects.customer.region` is no field of the object; did you mean "
              "`name`?");
    std::string text = kCustomer;
    text.replace(text.find("name = \"string\""), 15, "name = \"integer\"");
    text.insert(text.find("attempts_max"), "region = \"name\"\n");
    EXPECT_NE(parse(text).error().what.find("must be a field of type string or enum"),
              std::string::npos);
}

TEST(PolicyToml, BecomesAPolicy) {
    const auto policy = parse(kCustomer);
    ASSERT_TRUE(policy) << policy.error().what;
    EXPECT_EQ(policy->name, "test");
    EXPECT_EQ(policy->platforms, (std::vector{PlatformId{"crm"}, PlatformId{"erp"}}));
    const ObjectSpec* customer = policy->object(ObjectName{"customer"});
    ASSERT_NE(customer, nullptr);
    EXPECT_EQ(customer->attempts_max, 5u);

    ASSERT_EQ(customer->fields.size(), 3u);
    const FieldSpec& email = *customer->field(FieldName{"email"});
    EXPECT_EQ(email.classification, Classification::kPii);
    EXPECT_EQ(email.length_max, 10u);
    EXPECT_EQ(to_string(email.place), "x.toml:5:9");
    const FieldSpec& stage = *customer->field(FieldName{"stage"});
    EXPECT_EQ(stage.type, FieldType::kEnum);
    EXPECT_EQ(stage.enum_values, (std::vector<std::string>{"new", "old"}));
    EXPECT_TRUE(stage.required);

    ASSERT_EQ(customer->ownership.size(), 3u);
    EXPECT_EQ(customer->ownership[0].when->text(), "stage == \"new\"");
    EXPECT_EQ(customer->ownership[0].otherwise, NonOwnerWrite::kPropose);
    EXPECT_EQ(to_string(customer->ownership[0].place), "x.toml:7:1");
    EXPECT_EQ(customer->ownership[1].resolution, Resolution::kPriority);
    EXPECT_EQ(customer->ownership[1].priority, (std::vector{PlatformId{"erp"}, PlatformId{"crm"}}));
    // `*` leaves out email, which is settled, but not name, whose rule has a condition.
    EXPECT_EQ(customer->ownership[2].fields, (std::vector{FieldName{"name"}, FieldName{"stage"}}));
    EXPECT_EQ(customer->ownership[2].otherwise, NonOwnerWrite::kRevert);

    ASSERT_EQ(customer->matches.size(), 1u);
    EXPECT_EQ(customer->matches[0].parts[0].normaliser, Normaliser::kLower);
    EXPECT_EQ(customer->matches[0].parts[1].normaliser, Normaliser::kExact);

    const Binding& erp = *customer->binding(PlatformId{"erp"});
    EXPECT_EQ(erp.fields.size(), 3u);
    EXPECT_EQ(erp.read_only, std::vector{FieldName{"stage"}});
    EXPECT_TRUE(erp.receives);
    EXPECT_EQ(erp.receives_when->text(), "stage ~= \"new\"");
    EXPECT_EQ(erp.on_delete, DeleteMeaning::kReview);
    const Binding& crm = *customer->binding(PlatformId{"crm"});
    EXPECT_EQ(crm.fields, (std::vector{FieldName{"email"}, FieldName{"name"}}));
    EXPECT_TRUE(crm.founds);
    EXPECT_EQ(crm.on_delete, DeleteMeaning::kUnlink);
}

TEST(PolicyToml, TellsAllProblemsOfAllFiles) {
    const auto policy = parse_policy({
        {"a.toml", "[policy]\nname = \"x\"\n[platforms.CRM]\n[platforms.erp]\n"},
        {"b.toml", R"([policy]
name = "y"
[platforms.erp]
[objects.customer]
atempts_max = 3
[objects.customer.fields]
Name = "string"
end = "string"
a = "text"
b = { type = "enum" }
c = { type = "string", values = ["x"] }
d = 5
e = "enum"
f = { type = "integer", length_max = 3, requird = true }
g = { type = "string", classification = "private" }
)"},
        {"c.toml", "x = \n"},
    });
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().kind, ErrorKind::kInvalid);
    const std::string expected =
        "a.toml:3:12: `platforms.CRM` is no name: use small letters, digits and `_`, a letter "
        "first, at most 64\n"
        "b.toml:1:2: `policy` stands already at a.toml:1:1\n"
        "b.toml:3:12: `platforms.erp` stands already at a.toml:4:1\n"
        "b.toml:5:1: unknown key `objects.customer.atempts_max`; did you mean `attempts_max`?\n"
        "b.toml:7:1: `objects.customer.fields.Name` is no name: use small letters, digits and `_`, "
        "a letter first, at most 64\n"
        "b.toml:8:1: `objects.customer.fields.end` is a word of the expressions' language; use "
        "another name\n"
        "b.toml:9:5: `objects.customer.fields.a` must be \"string\", \"integer\", \"decimal\", "
        "\"bool\", \"date\", \"timestamp\", \"enum\", \"list\" or \"map\"\n"
        "b.toml:10:5: `objects.customer.fields.b.values` is missing\n"
        "b.toml:11:24: `objects.customer.fields.c.values` belongs to the type \"enum\" only\n"
        "b.toml:12:1: `objects.customer.fields.d` must be a type, \"string\", or a table, { type = "
        "\"string\" }\n"
        "b.toml:13:5: `objects.customer.fields.e` needs its values: { type = \"enum\", values = "
        "[...] }\n"
        "b.toml:14:25: `objects.customer.fields.f.length_max` belongs to the type \"string\" only\n"
        "b.toml:14:41: unknown key `objects.customer.fields.f.requird`; did you mean `required`?\n"
        "b.toml:15:41: `objects.customer.fields.g.classification` must be \"public\", \"pii\" or "
        "\"secret\"\n"
        "c.toml:1:";
    // The text of an error of syntax is toml++'s own.
    EXPECT_EQ(policy.error().what.substr(0, expected.size()), expected);
}

struct RuleCase {
    const char* name;
    const char* text;  ///< Behind the lines of kFields.
    const char* problem;
};
class PolicyProblem : public testing::TestWithParam<RuleCase> {};
constexpr const char* kFields = "[objects.o.fields]\na = \"string\"\nb = \"string\"\n";
TEST_P(PolicyProblem, HasItsPlace) {
    const auto policy = parse(std::string{kFields} + GetParam().text);
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().what, GetParam().problem);
}
INSTANTIATE_TEST_SUITE_P(
    Rules, PolicyProblem,
    testing::Values(
        RuleCase{"no_owner", "[[objects.o.own]]\nfields = ['a']",
                 "x.toml:4:1: `objects.o.own.owner` is missing; a shared field has `resolve` "
                 "instead"},
        RuleCase{"no_fields", "[[objects.o.own]]\nowner = 'crm'",
                 "x.toml:4:1: `objects.o.own.fields` is missing"},
        RuleCase{"star_and_more", "[[objects.o.own]]\nfields = ['*', 'a']\nowner = 'crm'",
                 "x.toml:5:10: `objects.o.own.fields` names \"*\" and more; write [\"*\"]"},
        RuleCase{"owner_and_resolve",
                 "[[objects.o.own]]\nfields = ['a']\nowner = 'crm'\nresolve = 'latest'",
                 "x.toml:7:1: `objects.o.own.resolve` and `owner` exclude each other"},
        RuleCase{"resolve_with_otherwise",
                 "[[objects.o.own]]\nfields = ['a']\nresolve = 'latest'\notherwise = 'revert'",
                 "x.toml:7:1: `objects.o.own.otherwise` belongs to a rule with `owner`; shared "
                 "fields have no others"},
        RuleCase{"priority_with_latest",
                 "[[objects.o.own]]\nfields = ['a']\nresolve = 'latest'\npriority = ['crm']",
                 "x.toml:7:1: `objects.o.own.priority` belongs to resolve = \"priority\" only"},
        RuleCase{"priority_with_owner",
                 "[[objects.o.own]]\nfields = ['a']\nowner = 'crm'\npriority = ['crm']",
                 "x.toml:7:1: `objects.o.own.priority` belongs to resolve = \"priority\" only"},
        RuleCase{"priority_without_platforms",
                 "[[objects.o.own]]\nfields = ['a']\nresolve = 'priority'\npriority = []",
                 "x.toml:7:12: `objects.o.own.priority` must name at least one platform"},
        RuleCase{"bad_otherwise",
                 "[[objects.o.own]]\nfields = ['a']\nowner = 'crm'\notherwise = 'rever'",
                 "x.toml:7:13: `objects.o.own.otherwise` must be \"revert\", \"ignore\", "
                 "\"review\", \"propose\" or \"accept\"; did you mean `revert`?"},
        RuleCase{"bad_when", "[[objects.o.own]]\nfields = ['a']\nowner = 'crm'\nwhen = 'a = 1'",
                 "x.toml:7:8: `objects.o.own.when` is no expression: at character 3: an expression "
                 "assigns nothing; write `==` to compare"},
        RuleCase{"empty_when", "[[objects.o.own]]\nfields = ['a']\nowner = 'crm'\nwhen = ''",
                 "x.toml:7:8: `objects.o.own.when` is no expression: at character 1: the "
                 "expression ends too early"},
        RuleCase{"when_of_wrong_type",
                 "[[objects.o.own]]\nfields = ['a']\nowner = 'crm'\nwhen = true",
                 "x.toml:7:8: `objects.o.own.when` must be text in quotes"}),
    [](const auto& row) { return std::string{row.param.name}; });
INSTANTIATE_TEST_SUITE_P(
    MatchesAndBindings, PolicyProblem,
    testing::Values(
        RuleCase{"bad_normaliser", "[[objects.o.match]]\nname = 'm'\non = ['a:lwer']",
                 "x.toml:6:7: `objects.o.match.on` knows no normaliser \"lwer\"; there are exact, "
                 "lower, digits, alnum; did you mean `lower`?"},
        RuleCase{"bad_match_name", "[[objects.o.match]]\nname = 'M'\non = ['a']",
                 "x.toml:5:8: `objects.o.match.name` is no name: use small letters, digits and "
                 "`_`, a letter first, at most 64"},
        RuleCase{"no_match_fields", "[[objects.o.match]]\nname = 'm'\non = []",
                 "x.toml:6:6: `objects.o.match.on` must name at least one field"},
        RuleCase{"two_of_a_name",
                 "[[objects.o.match]]\nname = 'm'\non = ['a']\n[[objects.o.match]]\nname = "
                 "'m'\non = ['b']",
                 "x.toml:8:8: `objects.o.match.name` \"m\" is taken by an earlier match rule"},
        RuleCase{"read_only_not_held", "[objects.o.on.crm]\nfields = ['a']\nread_only = ['b']",
                 "x.toml:6:13: `objects.o.on.crm.read_only` names \"b\", which is not in `fields`"},
        RuleCase{"when_without_receives",
                 "[objects.o.on.crm]\nfields = ['a']\nreceives_when = 'a == nil'",
                 "x.toml:6:1: `objects.o.on.crm.receives_when` means nothing without receives = "
                 "true"},
        RuleCase{"misspelt_binding_key", "[objects.o.on.crm]\nfields = ['a']\nrecieves = true",
                 "x.toml:6:1: unknown key `objects.o.on.crm.recieves`; did you mean `receives`?"},
        RuleCase{"unknown_table", "[objects.o.owner]\nx = 1",
                 "x.toml:4:12: unknown key `objects.o.owner`; did you mean `own`?"},
        RuleCase{"object_twice", "[objects.p]\n", "x.toml:4:1: `objects.p.fields` is missing"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(PolicyToml, NeedsAHead) {
    EXPECT_EQ(parse_policy({{"a.toml", "[platforms.crm]"}}).error().what,
              "a.toml:1:1: `policy` is missing in all files: [policy] with the name");
    EXPECT_EQ(parse_policy({}).error().what, "a policy has at least one file");
}

TEST(PolicyToml, TellsAFileThatIsTooLarge) {
    const auto policy = parse_policy({{"a.toml", kHead}, {"b.toml", std::string(2 << 20, ' ')}});
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().kind, ErrorKind::kTooLarge);
}

TEST(PolicyNames, AreSmallLettersDigitsAndUnderscores) {
    for (const char* good : {"a", "credit_limit", "x2"}) EXPECT_TRUE(is_policy_name(good)) << good;
    for (const std::string& bad :
         {std::string{}, std::string{"2x"}, std::string{"_x"}, std::string{"a-b"}, std::string{"A"},
          std::string{"\xC3\xA4"}, std::string(65, 'a')}) {
        EXPECT_FALSE(is_policy_name(bad)) << bad;
    }
    EXPECT_TRUE(is_policy_name(std::string(64, 'a')));
}

TEST(PolicyHash, DependsOnNamesAndContentsButNotOnOrder) {
    const PolicyFile a{"a.toml", "x"};
    const PolicyFile b{"b.toml", "y"};
    EXPECT_EQ(policy_hash({a, b}), policy_hash({b, a}));
    EXPECT_EQ(policy_hash({a}).size(), 64u);
    EXPECT_NE(policy_hash({a, b}), policy_hash({{"a.toml", "xy"}, {"b.toml", ""}}));
    EXPECT_NE(policy_hash({a}), policy_hash({{"c.toml", "x"}}));
    // Of "6:a.toml1:x"; versions of policies are stored under it.
    EXPECT_EQ(policy_hash({a}), "8e866afc4ee71fee690fd0214c1808e8c001aead0ec329c273ac78a5da85ce7c");
    EXPECT_EQ(parse_policy({{"head.toml", kHead}})->hash, policy_hash({{"head.toml", kHead}}));
}

class PolicyDirectory : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "policy-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    std::filesystem::path directory_;
};

TEST_F(PolicyDirectory, IsReadAsOnePolicy) {
    std::ofstream{directory_ / "b.toml"} << kHead;
    std::ofstream{directory_ / "a.toml"} << kFields;
    std::ofstream{directory_ / ".a.toml"} << "what an editor leaves behind";
    std::ofstream{directory_ / "notes.md"} << "not TOML";
    const auto policy = load_policy(directory_);
    ASSERT_TRUE(policy) << policy.error().what;
    EXPECT_EQ(policy->objects.size(), 1u);
    EXPECT_EQ(to_string(policy->objects[0].fields[0].place), "a.toml:2:5");
}

TEST_F(PolicyDirectory, MustExistAndHoldAFile) {
    EXPECT_EQ(load_policy(directory_).error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(load_policy(directory_ / "none").error().kind, ErrorKind::kNotFound);
    std::filesystem::create_directory(directory_ / "x.toml");
    EXPECT_EQ(load_policy(directory_).error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace syncline
