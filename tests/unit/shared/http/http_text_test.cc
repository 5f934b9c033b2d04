#include <gtest/gtest.h>

#include "shared/http/client.h"
#include "shared/http/percent_decode.h"

namespace syncline {
namespace {

using namespace std::chrono_literals;

TEST(HttpText, ReadsTheDatesOfServers) {
    EXPECT_EQ(to_string(*parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")), "1994-11-06T08:49:37Z");
    for (const char* text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                             "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
                             "Sun, 06 Xyz 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "}) {
        EXPECT_FALSE(parse_http_date(text)) << text;
    }
}

struct PauseCase {
    const char* name;
    const char* text;
    std::optional<Duration> pause;
};
class RetryAfter : public testing::TestWithParam<PauseCase> {};
TEST_P(RetryAfter, IsAPauseOrNothing) {
    const Timestamp now = *parse_timestamp("1994-11-06T08:49:00Z");
    EXPECT_EQ(parse_retry_after(GetParam().text, now, 1h), GetParam().pause);
}
INSTANTIATE_TEST_SUITE_P(Texts, RetryAfter,
                         testing::Values(PauseCase{"seconds", " 120 ", 120s},
                                         PauseCase{"zero", "0", 0s},
                                         PauseCase{"capped", "86400", 1h},
                                         PauseCase{"huge", "99999999999999999999999", 1h},
                                         PauseCase{"date", "Sun, 06 Nov 1994 08:49:37 GMT", 37s},
                                         PauseCase{"past", "Sun, 06 Nov 1994 08:00:00 GMT", 0s},
                                         PauseCase{"far_date", "Sun, 06 Nov 1996 08:00:00 GMT", 1h},
                                         PauseCase{"negative", "-5", std::nullopt},
                                         PauseCase{"fraction", "1.5", std::nullopt},
                                         PauseCase{"word", "soon", std::nullopt},
                                         PauseCase{"empty", "", std::nullopt}),
                         [](const auto& row) { return std::string{row.param.name}; });

TEST(HttpText, PercentEncodesAllButUnreserved) {
    EXPECT_EQ(percent_encode("aZ0-._~"), "aZ0-._~");
    EXPECT_EQ(percent_encode("a b/?&=+%'ä\n"), "a%20b%2F%3F%26%3D%2B%25%27%C3%A4%0A");
}

TEST(HttpText, PercentDecodesEscapesAndNothingElse) {
    EXPECT_EQ(percent_decode("a%20b%2F%c3%a4"), "a b/ä");
    EXPECT_EQ(percent_decode("100%"), "100%");
    EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
    EXPECT_EQ(percent_decode("%+1%-1"), "%+1%-1");
}

TEST(HttpText, ReadsAForm) {
    const auto fields = form_fields("a=1&b=x+y%26z&&c&d=&a=2&e=p=q");
    EXPECT_EQ(fields, (std::map<std::string, std::string, std::less<>>{
                          {"a", "1"}, {"b", "x y&z"}, {"d", ""}, {"e", "p=q"}}));
    EXPECT_TRUE(form_fields("").empty());
}

TEST(HttpText, FindsTheNextLink) {
    EXPECT_EQ(next_link(R"(<https://h/a?x=1,2>;rel="first",<https://h/b>;rel="next")"),
              "https://h/b");
    EXPECT_EQ(next_link(R"(<https://h/b>; title="x"; rel=next, <https://h/c>; rel="last")"),
              "https://h/b");
    EXPECT_EQ(next_link(R"(<https://h/a>;rel="prev")"), "");
    EXPECT_EQ(next_link("<broken"), "");
    EXPECT_EQ(next_link(""), "");
}

}  // namespace
}  // namespace syncline
