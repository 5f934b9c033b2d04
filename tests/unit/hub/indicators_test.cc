#include <gtest/gtest.h>

#include "hub/indicators/alert.h"
#include "hub/indicators/series.h"
#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"

namespace syncline::hub::indicators {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
Timestamp at(std::int64_t second) { return Timestamp{(1'000'000 + second) * kSecond}; }
Decimal number(const std::string& text) { return Decimal::parse(text).value(); }

Policy policy_of(const std::string& more) {
    auto policy = parse_policy({{"p.toml", R"([policy]
name = "p"
[platforms.erp]
[objects.order.fields]
number = "string"
region = "string"
[[objects.order.own]]
fields = ["*"]
owner = "erp"
otherwise = "revert"
[objects.order.on.erp]
fields = ["*"]
founds = true
on_delete = "propagate"
[objects.order.events.confirmed]
on = "created"
[objects.order.events.paid]
on = "deleted"
)" + more}});
    EXPECT_TRUE(policy) << policy.error().what;
    return policy ? *policy : Policy{};
}

constexpr const char* kCash = R"([indicators.cash]
from = "order.confirmed"
to = "order.paid"
when = 'region == "north"'
window_s = 1000
[indicators.cash.alerts.slow]
measure = "p90"
above = 100
back_at = "50.5"
for_s = 10
[indicators.cash.alerts.stuck]
measure = "oldest"
above = 500
)";

class Told {
public:
    explicit Told(const std::string& toml) : policy(policy_of(toml)), series(spec()) {}
    [[nodiscard]] const IndicatorSpec& spec() const { return policy.indicators.at(0); }
    void tell(const std::string& event, const std::string& key, std::int64_t second,
              const std::string& region = "north") {
        Fields fields;
        fields.set(FieldName{"region"}, region);
        series.take({event, key, fields, at(second)});
    }

    Policy policy;
    Series series;
};

TEST(Series, MeasuresFromOneEventToAnotherOfTheSameKey) {
    Told told{kCash};
    for (int i = 1; i <= 10; ++i) {
        told.tell("order.confirmed", std::to_string(i), 0);
        told.tell("order.paid", std::to_string(i), i * 10);
    }
    told.tell("order.confirmed", "south", 0, "south");
    told.tell("order.confirmed", "late", 5);
    told.tell("order.confirmed", "later", 6);
    told.tell("order.confirmed", "late", 90);  // It has begun already.
    const Figures figures = told.series.figures(at(105));
    EXPECT_EQ(figures.count, 10U);
    EXPECT_EQ(figures.mean, number("55"));
    EXPECT_EQ(figures.median, number("50"));
    EXPECT_EQ(figures.p90, number("90"));
    EXPECT_EQ(figures.longest, number("100"));
    EXPECT_EQ(figures.oldest, number("100"));
    EXPECT_EQ(figures.open, 2U);
    ASSERT_EQ(figures.late.size(), 2U);
    EXPECT_EQ(figures.late[0].first, "late");
    // What ended before the window is no more; what has not ended is.
    const Figures after = told.series.figures(at(1055));
    EXPECT_EQ(after.count, 5U);
    EXPECT_EQ(after.open, 2U);
    EXPECT_EQ(told.series.figures(at(5000)).p90, std::nullopt);
}

TEST(Series, TakesAnEndThatIsToldBeforeWhatItEnds) {
    Told told{kCash};
    told.tell("order.paid", "7", 40);
    told.tell("order.confirmed", "7", 10);
    told.tell("order.paid", "8", 40);
    const Figures figures = told.series.figures(at(50));
    EXPECT_EQ(figures.count, 1U);
    EXPECT_EQ(figures.mean, number("30"));
    EXPECT_EQ(figures.open, 0U);
    // Another one of the same key begins anew.
    told.tell("order.confirmed", "7", 60);
    EXPECT_EQ(told.series.figures(at(61)).open, 1U);
}

TEST(Series, KnowsAKeyByTheFieldThatHoldsIt) {
    Told told{
        "[indicators.cash]\nfrom = \"order.confirmed\"\nto = \"order.paid\"\n"
        "to_key = \"region\"\n"};
    told.tell("order.confirmed", "north", 0);
    told.tell("order.paid", "payment 1", 30, "north");
    told.tell("order.paid", "payment 2", 40, "");
    const Figures figures = told.series.figures(at(50));
    EXPECT_EQ(figures.mean, number("30"));
    EXPECT_EQ(figures.open, 0U);
}

TEST(Series, CountsAndSaysWhichShareItIs) {
    Told told{
        "[indicators.lost]\ncount = \"order.paid\"\nper = \"order.confirmed\"\n"
        "window_s = 60\n"};
    EXPECT_EQ(told.series.figures(at(0)).share, std::nullopt);
    for (int i = 0; i < 8; ++i) told.tell("order.confirmed", std::to_string(i), i * 10);
    told.tell("order.paid", "1", 70);
    EXPECT_EQ(told.series.figures(at(70)).share, number("14.286"));
    EXPECT_EQ(told.series.figures(at(70)).of(Measure::kCount), number("1"));
    EXPECT_EQ(told.series.figures(at(200)).count, 0U);
}

TEST(Series, IsBounded) {
    Told told{kCash};
    for (int i = 0; i < 120'000; ++i) {
        told.tell("order.confirmed", "a", i);
        told.tell("order.paid", "a", i);
        told.tell("order.paid", "early" + std::to_string(i), i);
    }
    EXPECT_LE(told.series.figures(at(120'000)).count, 100'000U);
}

class Alert : public testing::Test {
protected:
    void after(std::int64_t second, const std::optional<std::string>& value) {
        const auto measured = value ? std::optional{number(*value)} : std::nullopt;
        state = judged(told.spec().alerts.at(0), state, measured, at(second));
    }
    Told told{kCash};
    AlertState state;
};

TEST_F(Alert, IsRaisedOnceItLastsAndOverOnceAllIsWellAgain) {
    after(0, "101");
    EXPECT_FALSE(state.raised);
    after(5, "99");
    after(6, "101");
    after(12, "101");
    EXPECT_FALSE(state.raised) << "it did not last";
    after(16, "200");
    EXPECT_TRUE(state.raised);
    EXPECT_EQ(state.value, number("200"));
    EXPECT_EQ(news_of(state, at(16)), News::kRaised);
    state.told = true;
    EXPECT_EQ(news_of(state, at(16)), News::kNone);
    after(17, "60");
    EXPECT_TRUE(state.raised) << "between the two limits nothing changes";
    after(18, "50.5");
    EXPECT_FALSE(state.raised);
    EXPECT_EQ(news_of(state, at(18)), News::kOver);
    state.told = false;
    after(20, "300");
    after(40, "300");
    EXPECT_EQ(state.episode, 2U);
    after(41, std::nullopt);
    EXPECT_FALSE(state.raised) << "there is nothing to measure";
}

TEST_F(Alert, IsNotToldWhileItIsSilent) {
    state.silent_until = at(100);
    after(0, "101");
    after(10, "101");
    ASSERT_TRUE(state.raised);
    EXPECT_EQ(news_of(state, at(99)), News::kNone);
    EXPECT_EQ(news_of(state, at(100)), News::kRaised);
    after(50, "1");
    EXPECT_EQ(news_of(state, at(100)), News::kNone) << "nobody knew of it";
}

TEST_F(Alert, IsKeptAsItIs) {
    after(0, "101");
    after(10, "101.25");
    state.told = true;
    state.silent_until = at(99);
    state.silenced = "lea: a \"fair\"";
    const auto read = decode_alert(encode(state));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, state);
    EXPECT_FALSE(decode_alert("[]"));
    EXPECT_FALSE(decode_alert("{"));
}

std::string problem_of(const std::string& toml) {
    const auto policy = parse_policy({{"i.toml", "[policy]\nname = \"p\"\n" + toml}});
    return policy ? "" : policy.error().what;
}

TEST(IndicatorToml, SaysWhatIsWrong) {
    EXPECT_NE(problem_of("[indicators.a]\n").find("what is measured?"), std::string::npos);
    EXPECT_NE(problem_of("[indicators.a]\ncount = \"order\"\n").find("is no event"),
              std::string::npos);
    EXPECT_NE(problem_of("[indicators.a]\nfrom = \"o.a\"\ncount = \"o.b\"\nto = \"o.c\"\n")
                  .find("exclude each other"),
              std::string::npos);
    const std::string counts = "[indicators.a]\ncount = \"o.b\"\n[indicators.a.alerts.x]\n";
    EXPECT_NE(problem_of(counts + "measure = \"p90\"\nabove = 1\n").find("there is `count`"),
              std::string::npos);
    EXPECT_NE(problem_of(counts + "measure = \"count\"\n").find("what is the limit?"),
              std::string::npos);
    EXPECT_NE(problem_of(counts + "measure = \"count\"\nabove = \"x\"\n").find("is no number"),
              std::string::npos);
    EXPECT_NE(problem_of(counts + "measure = \"count\"\nabove = 5\nback_at = 6\n")
                  .find("wrong side of the limit"),
              std::string::npos);
    EXPECT_EQ(problem_of(counts + "measure = \"count\"\nbelow = 5\nback_at = \"6.5\"\n"), "");
}

std::string findings_of(const std::string& toml) {
    std::string text;
    for (const Finding& finding : check(policy_of(toml))) text += to_string(finding) + "\n";
    return text;
}

TEST(IndicatorCheck, FindsWhatNobodyTells) {
    EXPECT_EQ(findings_of(kCash), "");
    EXPECT_NE(
        findings_of("[indicators.a]\ncount = \"order.payed\"\n").find("did you mean `order.paid`"),
        std::string::npos);
    EXPECT_NE(findings_of("[indicators.a]\ncount = \"order.paid\"\nwhen = 'nation == 1'\n")
                  .find("does not carry"),
              std::string::npos);
    EXPECT_EQ(findings_of("[indicators.a]\ncount = \"exception.opened\"\n"
                          "when = 'kind == \"command.rejected\"'\n"),
              "");
    EXPECT_NE(findings_of("[indicators.a]\ncount = \"exception.open\"\n").find("nobody tells"),
              std::string::npos);
    EXPECT_NE(findings_of("[indicators.a]\nfrom = \"order.confirmed\"\nto = \"order.paid\"\n"
                          "to_key = \"nation\"\n")
                  .find("does not carry"),
              std::string::npos);
    const std::string twice =
        "[indicators.b]\ncount = \"order.paid\"\n[indicators.b.alerts.slow]\n"
        "measure = \"count\"\nabove = 1\n";
    EXPECT_NE(findings_of(kCash + twice).find("policy.name_taken"), std::string::npos);
}

}  // namespace
}  // namespace syncline::hub::indicators
