// What replies say of the quota, by the forms of a profile.
#include <gtest/gtest.h>

#include "agent/connectors/rest/profile.h"
#include "agent/connectors/rest/quota.h"

namespace syncline::agent::rest {
namespace {

using namespace std::chrono_literals;

struct FormCase {
    const char* name;
    const char* form;
    const char* value;
    QuotaTold told;
};
class QuotaForms : public testing::TestWithParam<FormCase> {};
TEST_P(QuotaForms, AreRead) {
    const auto form = QuotaForm::parse(GetParam().form);
    ASSERT_TRUE(form) << form.error().what;
    QuotaTold told;
    form->read(GetParam().value, Timestamp{1'000'000'000LL * 1'767'600'000}, told);
    EXPECT_EQ(told.limit, GetParam().told.limit);
    EXPECT_EQ(told.used, GetParam().told.used);
    EXPECT_EQ(told.remaining, GetParam().told.remaining);
    EXPECT_EQ(told.resets_in, GetParam().told.resets_in);
}
const QuotaTold kUsage{.limit = 5'000, .used = 18};
INSTANTIATE_TEST_SUITE_P(
    Quota, QuotaForms,
    testing::Values(FormCase{"alone", "{remaining}", "249914", {.remaining = 249'914}},
                    FormCase{"with_more_behind", "{limit}", "100, 100;w=60", {.limit = 100}},
                    FormCase{"pair", "api-usage={used}/{limit}", "api-usage=18/5000", kUsage},
                    FormCase{"pair_behind_another", "api-usage={used}/{limit}",
                             "per-app-api-usage=17/250(appName=x),api-usage=18/5000", kUsage},
                    FormCase{
                        "only_another", "api-usage={used}/{limit}", "per-app-api-usage=17/250", {}},
                    FormCase{"three",
                             "total={limit}; remaining={remaining}; resets={reset_s}",
                             "total=100; remaining=99; resets=41",
                             {.limit = 100, .remaining = 99, .resets_in = 41s}},
                    FormCase{"half_a_form_says_nothing", "{used}/{limit}", "18 of 5000", {}},
                    FormCase{"unix", "{reset_unix}", "1767600030", {.resets_in = 30s}},
                    FormCase{"unix_of_the_past", "{reset_unix}", "1767500000", {.resets_in = 0s}},
                    FormCase{"unix_that_is_none", "{reset_unix}", "99999999999999", {}},
                    FormCase{"milliseconds_that_are_no_seconds", "{reset_s}", "1767600030000", {}},
                    FormCase{"empty", "{used}", "", {}}, FormCase{"words", "{used}", "many", {}},
                    FormCase{"negative", "{used}", "-5", {}},
                    FormCase{"too_large", "{used}", "99999999999999999999", {}},
                    FormCase{"behind_a_word", "x{used}", "ax5 x", {}}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(QuotaForms, RefuseWhatSaysNothingOrNothingKnown) {
    for (const char* text :
         {"", "api-usage", "{usage}", "{used}{limit}", "{used", "{}", "a{used}{"}) {
        EXPECT_FALSE(QuotaForm::parse(text)) << text;
    }
}

TEST(QuotaForms, OfAProfileAreRefusedWithTheirPlace) {
    const auto profile = parse_profile(
        "[quota]\nwindow_s = 7_000\nresets_at = \"06:00\"\n[quota.headers]\nX-Left = \"{left}\"\n",
        "own.toml");
    ASSERT_FALSE(profile);
    const std::string& what = profile.error().what;
    EXPECT_NE(what.find("own.toml:5:10: `quota.headers.X-Left` `{left}` must be one of {used}"),
              std::string::npos)
        << what;
    EXPECT_NE(what.find("own.toml:3:13: `quota.resets_at` a window that ends at a time of day"),
              std::string::npos)
        << what;
}

}  // namespace
}  // namespace syncline::agent::rest
