#include "hub/api/identity.h"

#include <gtest/gtest.h>

#include "shared/base/sha256.h"
#include "tests/support/manual_clock.h"

namespace syncline::hub {
namespace {

using namespace std::chrono_literals;

std::string digest(std::string_view text) { return hexadecimal(bytes_of(sha256({text}))); }

class WhoAsks : public testing::Test {
protected:
    WhoAsks() {
        TokenSettings anna{.name = "anna", .sha256 = digest("a"), .roles = {Role::kOperator}};
        TokenSettings old{.name = "old", .sha256 = digest("o"), .roles = {Role::kViewer}};
        old.expires = clock_.now() + Duration{10min};
        EXPECT_TRUE(identity_.open({}, {anna, old}));
    }
    Result<Person> by_token(std::string token) {
        const std::string header = "Bearer " + token;
        return identity_.who({.authorization = header});
    }
    Result<Person> by_cookie(const std::string& value) {
        const std::string header = "a=b; syncline_session=" + value + "; c=d";
        return identity_.who({.cookie = header});
    }

    test::ManualClock clock_;
    Identity identity_{clock_};
};

TEST_F(WhoAsks, IsKnownByTheToken) {
    const auto anna = by_token("a");
    ASSERT_TRUE(anna);
    EXPECT_EQ(anna->name, "anna");
    EXPECT_TRUE(anna->roles.has(Role::kViewer));
    EXPECT_FALSE(anna->roles.has(Role::kArchitect));
    EXPECT_FALSE(anna->is_anybody);
    EXPECT_EQ(by_token("b").error().kind, ErrorKind::kDenied);
    EXPECT_EQ(by_token("").error().kind, ErrorKind::kDenied);
    EXPECT_EQ(identity_.who({}).error().kind, ErrorKind::kDenied);
    // The digest is in the hub's file; it opens nothing.
    EXPECT_EQ(by_token(digest("a")).error().kind, ErrorKind::kDenied);
}

TEST_F(WhoAsks, ATokenEndsWithItsTime) {
    EXPECT_TRUE(by_token("o"));
    const auto session = identity_.begin("o", "peer");
    ASSERT_TRUE(session);
    EXPECT_TRUE(by_cookie(session->cookie));
    clock_.advance(11min);
    EXPECT_FALSE(by_token("o"));
    EXPECT_FALSE(by_cookie(session->cookie)) << "nor does the session outlive it";
}

TEST_F(WhoAsks, ASessionEndsByLogoutIdlenessAndAge) {
    const auto one = identity_.begin("a", "peer");
    ASSERT_TRUE(one);
    EXPECT_EQ(by_cookie(one->cookie)->csrf, one->person.csrf);
    EXPECT_NE(one->cookie, one->person.csrf);
    identity_.end("syncline_session=" + one->cookie);
    EXPECT_FALSE(by_cookie(one->cookie)) << "a cookie replayed after logout";

    const auto idle = identity_.begin("a", "peer");
    clock_.advance(29min);
    EXPECT_TRUE(by_cookie(idle->cookie));
    clock_.advance(31min);
    EXPECT_FALSE(by_cookie(idle->cookie));

    const auto aged = identity_.begin("a", "peer");
    for (int i = 0; i < 25; ++i) {
        clock_.advance(29min);
        const bool fresh = (i + 1) * 29 <= 12 * 60;
        ASSERT_EQ(by_cookie(aged->cookie).has_value(), fresh) << i;
    }
}

TEST_F(WhoAsks, WrongTokensAreTriedOnlySoOften) {
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(identity_.begin("x", "peer").error().kind, ErrorKind::kDenied);
    }
    EXPECT_EQ(identity_.begin("a", "peer").error().kind, ErrorKind::kThrottled);
    EXPECT_TRUE(identity_.begin("a", "another peer"));
    clock_.advance(61s);
    EXPECT_TRUE(identity_.begin("a", "peer"));
}

TEST_F(WhoAsks, OnlySoManySessionsAreKept) {
    const auto first = identity_.begin("a", "peer");
    for (int i = 0; i < 1'024; ++i) {
        clock_.advance(Duration{1});
        ASSERT_TRUE(identity_.begin("a", "peer"));
    }
    EXPECT_FALSE(by_cookie(first->cookie));
}

TEST(Identity, WithoutTokensIsOpen) {
    test::ManualClock clock;
    Identity identity{clock};
    EXPECT_TRUE(identity.open({}, {}));
    EXPECT_TRUE(identity.is_open());
    const auto local = identity.who({.peer = "127.0.0.1"});
    ASSERT_TRUE(local);
    EXPECT_EQ(local->name, "local");
    EXPECT_TRUE(local->roles.has(Role::kAdmin));
}

TEST(Identity, RefusesWhatIsNoDigest) {
    test::ManualClock clock;
    Identity identity{clock};
    EXPECT_EQ(identity.open({}, {{.name = "x", .sha256 = "abc"}}).error().kind,
              ErrorKind::kInvalid);
}

TEST(Cookie, IsFoundByItsWholeName) {
    EXPECT_EQ(cookie_named("a", "a=1"), "1");
    EXPECT_EQ(cookie_named("a", "aa=2; a=1;b=3"), "1");
    EXPECT_EQ(cookie_named("a", "ba=2"), "");
    EXPECT_EQ(cookie_named("a", ""), "");
}

}  // namespace
}  // namespace syncline::hub
