#include "shared/policy/ask.h"

#include <gtest/gtest.h>

#include "shared/base/json.h"
#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

constexpr const char* kHead = R"([policy]
name = "test"
[platforms.erp]
[platforms.shop]
)";

const std::string kSound = R"([asks.order_check]
description = "May this order be taken?"
owner = "sales"
per_second = 50
[asks.order_check.input]
customer = { type = "string", required = true }
amount = { type = "decimal", required = true }
[asks.order_check.parts.credit]
ask = "erp.credit"
with = { customer = 'customer' }
[asks.order_check.parts.stock]
ask = "shop.stock"
required = false
[[asks.order_check.reasons]]
when = 'credit_limit < amount'
text = "the credit limit is too low"
[asks.order_check.output]
left = 'credit_limit - amount'
)";

Result<Policy> parse(const std::string& text) {
    return parse_policy({{"a.toml", kHead}, {"b.toml", text}});
}

const CompositeAsk& order_check(const Policy& policy) { return *policy.ask("order_check"); }

Fields fields(const std::string& json) {
    Fields out;
    const auto read = *parse_json(json);
    for (const auto& [name, value] : *read.get<Value::Map>()) out.set(FieldName{name}, value);
    return out;
}

std::string changed(const std::string& from, const std::string& to) {
    std::string text = kSound;
    text.replace(text.find(from), from.size(), to);
    return text;
}

TEST(CompositeAsk, IsReadWithItsDefaults) {
    const auto policy = parse(kSound);
    ASSERT_TRUE(policy) << policy.error().what;
    const CompositeAsk& ask = order_check(*policy);
    EXPECT_EQ(ask.form.owner, "sales");
    EXPECT_EQ(ask.form.version, "1.0.0");
    EXPECT_EQ(ask.form.per_second, 50U);
    EXPECT_EQ(ask.form.burst, 50U);
    EXPECT_EQ(ask.form.deadline, std::chrono::seconds{2});
    ASSERT_EQ(ask.parts.size(), 2U);
    EXPECT_EQ(ask.parts[0].ask.platform.text, "erp");
    EXPECT_EQ(ask.parts[0].ask.operation, "credit");
    EXPECT_TRUE(ask.parts[0].required);
    EXPECT_FALSE(ask.parts[1].required);
    EXPECT_EQ(policy->ask("other"), nullptr);
    EXPECT_TRUE(check(*policy).empty());
}

struct Case {
    const char* name;
    std::string text;
    const char* told;
};

TEST(CompositeAsk, ThatCannotBeReadIsRefusedWithItsPlace) {
    const Case cases[] = {
        {"no parts", "[asks.order_check]\n",
         "b.toml:1:1: `asks.order_check.parts` must hold at least one question"},
        {"no dot", changed("erp.credit", "credit"),
         "b.toml:9:7: `asks.order_check.parts.credit.ask` must be a platform and its question"},
        {"no expression", changed("'customer' }", "'customer +' }"), "is no expression"},
        {"reason without when", changed("when = 'credit_limit < amount'\n", ""),
         "`asks.order_check.reasons.when` is missing"},
        {"version", changed("owner = \"sales\"", "version = \"1.0\""),
         "must be three numbers, like \"1.0.0\""},
        {"misspelled", changed("per_second", "per_secnd"), "did you mean `per_second`?"},
        {"type", changed("type = \"decimal\"", "type = \"decimals\""),
         "asks.order_check.input.amount"},
    };
    for (const Case& one : cases) {
        const auto policy = parse(one.text);
        ASSERT_FALSE(policy) << one.name;
        EXPECT_NE(policy.error().what.find(one.told), std::string::npos) << one.name << ":\n"
                                                                         << policy.error().what;
    }
}

TEST(CompositeAsk, ThatMakesNoSenseIsFound) {
    const Case cases[] = {
        {"platform", changed("erp.credit", "erb.credit"),
         "b.toml:8:1: error: `ask` names `erb`, which is no platform of this policy "
         "[policy.unknown_platform]; did you mean `erp`?"},
        {"input", changed("'customer' }", "'custmer' }"),
         "`with` reads `custmer`, which is not in the input [policy.unknown_field]; did you mean "
         "`customer`?"},
        {"part", changed("credit_limit < amount", "credt_limit < amount"),
         "b.toml:14:1: error: `credt_limit` is neither of the input nor of a part's answer"},
    };
    for (const Case& one : cases) {
        const auto policy = parse(one.text);
        ASSERT_TRUE(policy) << one.name << ": " << policy.error().what;
        const auto findings = check(*policy);
        ASSERT_EQ(findings.size(), 1U) << one.name;
        EXPECT_NE(to_string(findings[0]).find(one.told), std::string::npos)
            << one.name << ": " << to_string(findings[0]);
    }
}

TEST(CompositeAsk, IsJudgedByItsReasons) {
    const auto policy = parse(kSound);
    ASSERT_TRUE(policy);
    const CompositeAsk& ask = order_check(*policy);
    const Fields input = fields(R"({"customer":"C-1","amount":100.50})");
    const PartAnswer rich{fields(R"({"limit":250})"), "live", {}};
    const PartAnswer poor{fields(R"({"limit":100})"), "live", {}};
    const PartAnswer silent{std::nullopt, {}, "no agent"};
    {
        const PartAnswer answers[] = {rich, silent};
        const Judgement judged = judge(ask, input, answers);
        EXPECT_EQ(judged.verdict, AskVerdict::kYes);
        EXPECT_TRUE(judged.reasons.empty());
        EXPECT_EQ(judged.values, fields(R"({"left":149.5})"));
    }
    {
        const PartAnswer answers[] = {poor, silent};
        const Judgement judged = judge(ask, input, answers);
        EXPECT_EQ(judged.verdict, AskVerdict::kNo);
        EXPECT_EQ(judged.reasons, std::vector<std::string>{"the credit limit is too low"});
    }
    {
        const PartAnswer answers[] = {silent, rich};
        const Judgement judged = judge(ask, input, answers);
        EXPECT_EQ(judged.verdict, AskVerdict::kUnknown);
        EXPECT_EQ(judged.reasons, std::vector<std::string>{"credit is not known: no agent"});
    }
}

TEST(AskValues, AreCheckedAgainstTheirFields) {
    const auto policy = parse(kSound);
    ASSERT_TRUE(policy);
    const auto& input = order_check(*policy).form.input;
    const auto taken = take_values(input, *parse_json(R"({"customer":"C-1","amount":"100.50"})"),
                                   Unknown::kRefuse);
    ASSERT_TRUE(taken) << taken.error().what;
    EXPECT_EQ(*taken, fields(R"({"customer":"C-1","amount":100.5})"));
    const struct {
        const char* json;
        const char* told;
    } refused[] = {
        {R"([1])", "must be an object of fields"},
        {R"({"customer":"C-1"})", "`amount` is missing"},
        {R"({"customer":null,"amount":1})", "`customer` is missing"},
        {R"({"customer":7,"amount":1})", "`customer` must be"},
        {R"({"customer":"C-1","amount":"much"})", "`amount` must be"},
        {R"({"customer":"C-1","amount":1,"custmer":"x"})",
         "there is no field `custmer`; did you mean `customer`?"},
    };
    for (const auto& one : refused) {
        const auto values = take_values(input, *parse_json(one.json), Unknown::kRefuse);
        ASSERT_FALSE(values) << one.json;
        EXPECT_NE(values.error().what.find(one.told), std::string::npos) << values.error().what;
    }
    EXPECT_TRUE(
        take_values(input, *parse_json(R"({"customer":"C","amount":1,"more":2})"), Unknown::kDrop));
}

TEST(AskName, IsAPlatformAndItsQuestion) {
    const auto name = parse_ask_name("erp.credit_status");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->platform.text, "erp");
    EXPECT_EQ(name->operation, "credit_status");
    for (const char* wrong : {"", "erp", "erp.", ".credit", "erp.credit.status", "ERP.credit"}) {
        EXPECT_FALSE(parse_ask_name(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace syncline
