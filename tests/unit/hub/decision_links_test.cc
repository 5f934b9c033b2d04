#include <gtest/gtest.h>

#include <cstdlib>

#include "hub/decision_links.h"
#include "hub/decision_page.h"

namespace syncline::hub {
namespace {

constexpr Timestamp kNow{1'700'000'000'000'000'000};
constexpr std::string_view kBase = "https://s.example/x";

LinkSettings settings(const char* key) {
    ::setenv("DECISION_LINKS_TEST_KEY", key, 1);
    return {std::string{kBase} + "/",
            Secret{Secret::Source::kEnvironment, "DECISION_LINKS_TEST_KEY"}};
}

class Links : public testing::Test {
protected:
    Links() { EXPECT_TRUE(links.open(settings("0123456789abcdef0123456789abcdef"))); }
    [[nodiscard]] static std::string path_of(const std::string& link) {
        EXPECT_TRUE(link.starts_with(kBase)) << link;
        return link.substr(kBase.size());
    }
    DecisionLinks links;
};

TEST_F(Links, NameTheApprovalAndThePerson) {
    const std::string link = links.link({"credit/C 1/äpproval/2", "lea, b", "l/uis"},
                                        kNow + std::chrono::hours{1}, kNow);
    EXPECT_EQ(link.find(' '), std::string::npos);
    const auto grant = links.read(path_of(link), kNow);
    ASSERT_TRUE(grant) << grant.error().what;
    EXPECT_EQ(*grant, (DecisionLinks::Grant{"credit/C 1/äpproval/2", "lea, b", "l/uis"}));
    const DecisionLinks::Grant own{"credit/C1/a", "lea"};
    EXPECT_EQ(*links.read(path_of(links.link(own, {}, kNow)), kNow), own);
}

TEST_F(Links, AreOfNoUseOnceTheyWereChangedOrAreOver) {
    const std::string path =
        path_of(links.link({"credit/C1/a", "lea"}, kNow + std::chrono::hours{1}, kNow));
    for (std::size_t i = DecisionLinks::kPath.size(); i < path.size(); ++i) {
        std::string changed = path;
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        EXPECT_FALSE(links.read(changed, kNow)) << changed;
    }
    EXPECT_FALSE(links.read(path.substr(0, path.size() - 1), kNow));
    EXPECT_FALSE(links.read(path, kNow + std::chrono::hours{1}));
    EXPECT_FALSE(links.read("/v1/decide/", kNow));
    EXPECT_FALSE(links.read("/v1/asks", kNow));
    DecisionLinks others;
    ASSERT_TRUE(others.open(settings("another key that has 32 bytes...")));
    EXPECT_FALSE(others.read(path, kNow));
    const DecisionLinks none;
    EXPECT_FALSE(none.read(path, kNow));
}

TEST_F(Links, OfAnApprovalWithoutDeadlineEndAfterAWeek) {
    const std::string path = path_of(links.link({"credit/C1/a", "lea"}, {}, kNow));
    EXPECT_TRUE(links.read(path, kNow + std::chrono::hours{24 * 7 - 1}));
    EXPECT_FALSE(links.read(path, kNow + std::chrono::hours{24 * 7}));
}

TEST(LinkSettingsTest, AShortKeyIsRefused) {
    DecisionLinks links;
    const auto opened = links.open(settings("sesame"));
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().what.find("fewer than 32 bytes"), std::string::npos);
    EXPECT_FALSE(links.enabled());
    EXPECT_TRUE(DecisionLinks{}.open({}));
}

TEST(DecisionPage, EscapesAllThatComesFromElsewhere) {
    workflow::ApprovalNews approval;
    const std::string evil = "\"><script>alert('&')</script>";
    approval.key = "credit/" + evil + "/a";
    approval.role = evil;
    approval.requester = evil;
    approval.seen = evil;
    approval.shown.set(FieldName{"note"}, evil);
    for (const std::string& page : {decision_page(approval, evil), message_page(evil, evil)}) {
        EXPECT_EQ(page.find("<script"), std::string::npos) << page;
        EXPECT_NE(page.find("&lt;script&gt;alert(&#39;&amp;&#39;)"), std::string::npos);
    }
}

}  // namespace
}  // namespace syncline::hub
