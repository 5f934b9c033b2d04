#include "shared/base/base64.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

// RFC 4648, section 10.
TEST(Base64, IsAsTheStandardSays) {
    EXPECT_EQ(base64("foob"), "Zm9vYg==");
    EXPECT_EQ(base64url("foob"), "Zm9vYg");
    EXPECT_EQ(base64url("\xfb\xff"), "-_8");
}

TEST(Base64Url, ComesBackAsItWas) {
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all += static_cast<char>(i);
        const auto back = parse_base64url(base64url(all));
        ASSERT_TRUE(back) << i;
        EXPECT_EQ(*back, all);
    }
    EXPECT_EQ(*parse_base64url(""), "");
}

TEST(Base64Url, HasOneTextForEachValue) {
    for (const char* text : {"Zm9vYg==", "Zm9vY", "Zm9vYh", "Zm9v Yg", "a", "+/8", "\xff"}) {
        EXPECT_FALSE(parse_base64url(text)) << text;
    }
}

}  // namespace
}  // namespace syncline
